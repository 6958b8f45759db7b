"""The training engine: networks, and turns that say who moves, towards what, how often.

It knows rows as columns that give tensors, and nothing of what they are made of.
"""

from skgen.engine.batches import (
    Batch,
    Batches,
    Column,
    DenseColumn,
    DomainPairs,
    LengthBuckets,
    Rows,
    Steps,
    TensorColumn,
    Values,
)
from skgen.engine.callbacks import EarlyStopping, FitProgress
from skgen.engine.loop import Engine
from skgen.engine.optimizers import RowAdagrad
from skgen.engine.random_state import drawing, seeded, usual_settings
from skgen.engine.turns import LR_SCHEDULES, Phase, Progress, Turn, TurnLoss, one_cycle

__all__ = [
    "LR_SCHEDULES",
    "Batch",
    "Batches",
    "Column",
    "DenseColumn",
    "DomainPairs",
    "EarlyStopping",
    "Engine",
    "FitProgress",
    "LengthBuckets",
    "Phase",
    "Progress",
    "RowAdagrad",
    "Rows",
    "Steps",
    "TensorColumn",
    "Turn",
    "TurnLoss",
    "Values",
    "drawing",
    "one_cycle",
    "seeded",
    "usual_settings",
]
