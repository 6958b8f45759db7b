"""Inputs: how models take what users have, and give it back.

An input is a fitted value. It checks X, or y, learns layout, range and units, makes the columns
that batches consist of, and knows the way back.
"""

from skgen.inputs.base import Input
from skgen.inputs.conditions import ConditionInput
from skgen.inputs.domains import DomainInput
from skgen.inputs.groups import GroupInput
from skgen.inputs.image_lists import Crops, ImageColumn, ImageListInput
from skgen.inputs.images import ImageInput, ImageTarget
from skgen.inputs.mixed import MixedInput
from skgen.inputs.rows import RowInput
from skgen.inputs.scaling import ScaledColumn, Scaling, Units
from skgen.inputs.sequences import ChannelScaling, SequenceInput
from skgen.inputs.texts import TextInput, WordColumn

__all__ = [
    "ChannelScaling",
    "ConditionInput",
    "Crops",
    "DomainInput",
    "GroupInput",
    "ImageColumn",
    "ImageInput",
    "ImageListInput",
    "ImageTarget",
    "Input",
    "MixedInput",
    "RowInput",
    "ScaledColumn",
    "Scaling",
    "SequenceInput",
    "TextInput",
    "Units",
    "WordColumn",
]
