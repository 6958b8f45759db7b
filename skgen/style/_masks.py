"""Where to paint."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skgen.inputs.image_lists import SizedImage

__all__ = ["checked_masks"]


def checked_masks(mask: Any, images: Sequence[SizedImage]) -> list[NDArray]:
    """Return where to paint, (height, width, 1) from 0 to 1 for every image.

    Raises
    ------
    ValueError
        If there is not one mask for every image, of its size, or if one has other values.
    """
    if len(mask) != len(images):
        raise ValueError(
            f"X has {len(images)} images, and mask {len(mask)}. It is a list with a mask for each "
            "of them."
        )
    masks = []
    for number, (one, image) in enumerate(zip(mask, images, strict=True)):
        values, size = np.asarray(one), image.colors.shape[:2]
        if values.shape[:2] != size or values.size != size[0] * size[1]:
            raise ValueError(
                f"Mask {number} is of shape {values.shape}, but image {number} of X is {size[0]} "
                f"pixels high and {size[1]} wide. A mask has a number for each of them."
            )
        largest = 255.0 if values.dtype == np.uint8 and values.max() > 1 else 1.0
        values = values.reshape(*size, 1).astype(np.float32) / np.float32(largest)
        if not (values.min() >= 0 and values.max() <= 1):
            raise ValueError(
                f"Mask {number} has values from {values.min():g} to {values.max():g}. They have to "
                "lie between 0, left as it is, and 1, painted."
            )
        masks.append(values)
    return masks
