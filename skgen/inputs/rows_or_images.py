"""Models that build dense networks for rows, and convolutional ones for images."""

from abc import ABC
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from skgen.inputs.images import ImageInput
from skgen.parameters import checked_sizes, override, parameter

__all__ = ["RowsOrImages"]


class RowsOrImages(ImageInput, ABC):
    """Mixed into a model, has it look at X to choose between two kinds of network.

    Arrays of three or four dimensions, and flat rows with `image_shape`, are images.
    """

    _fitted: ClassVar[Mapping[str, str]] = {
        "value_range_ : tuple of float or None": """What images that are made keep to: 0 to 255
            for bytes; 0 to 1 for other numbers that lie in between; otherwise the range of X. None
            for rows that were not said to be images.""",
    }

    image_shape: Sequence[int] | None = override(
        None,
        """``(height, width)`` or ``(height, width, channels)`` of images that come as flat rows.
        Arrays of three or four dimensions say it themselves. With None, flat rows are no images,
        and get dense networks.""",
    )
    hidden_layer_sizes: Sequence[int] = parameter(
        (512, 256),
        ["array-like"],
        "sequence of int",
        """For flat rows: sizes of the hidden layers, on the side of X first.""",
    )
    n_filters: Sequence[int] = parameter(
        (32, 64, 128),
        ["array-like"],
        "sequence of int",
        """For images: channels of the levels, on the side of X first, each of which halves
        height and width.""",
    )

    @property
    def _of_images(self) -> bool:
        """Whether X was said to hold images."""
        return self.value_range_ is not None

    def _layer_sizes(self) -> list[int]:
        """Return the parameter that sizes the networks, checked."""
        name = "n_filters" if self._of_images else "hidden_layer_sizes"
        sizes = checked_sizes(self, name)
        if not sizes:
            raise ValueError(f"{name} needs at least one entry, got none.")
        return sizes

    def _n_hidden_features(self) -> int:
        """Return the number of hidden units, or of channels of all levels."""
        name = "n_filters" if self._of_images else "hidden_layer_sizes"
        return sum(self.net_.built_with_[name])

    def _built_with(self) -> dict[str, Any]:
        return {
            **super()._built_with(),
            "image_shape": None if self.image_shape is None else tuple(self.image_shape),
            "n_filters" if self._of_images else "hidden_layer_sizes": self._layer_sizes(),
        }
