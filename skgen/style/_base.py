"""What all style transfer shares: paintings and their statistics, photographs and pictures."""

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from skgen._sklearn import HasMethods, StrOptions
from skgen.base import torch_device
from skgen.exceptions import warn
from skgen.extractors import FeatureExtractor, layer_weights
from skgen.inputs import ImageColumn, ImageListInput
from skgen.networks.features import FeatureMaps
from skgen.networks.style import shrunk
from skgen.parameters import COUNT, NOT_NEGATIVE, Declared, parameter, resolve
from skgen.statistics import STATISTICS, Moments, Statistic, joined, moments
from skgen.style._masks import checked_masks
from skgen.style._names import Style, checked_names, shares_of
from skgen.style._objective import Objective

__all__ = ["LEAST_SIDE", "BaseStyleTransfer"]

LEAST_SIDE = 32

# Deviation of the colors of a painting, from 0 to 1, below which it shows nothing.
_FLAT = 1e-3

# What the eye takes for brightness (ITU-R BT.601).
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


class BaseStyleTransfer(TransformerMixin, Declared, ABC):
    """Base class of style transfer: learns styles of paintings, and gives them to photographs."""

    _fitted: ClassVar[Mapping[str, str]] = {
        "styles_ : ndarray of shape (n_styles,)": "The names of the styles, sorted.",
        "painting_styles_ : ndarray of shape (n_paintings,)": """The name of each painting's style,
            in the order in which they came.""",
        "targets_ : list of list of Tensor": """The wanted statistics, by scale, the full one first,
            and by layer of `style_layers`: tensors with an entry for every painting.""",
        "colors_ : Moments": "Means and covariances of the colors of every painting.",
        "features_ : FeatureMaps": "The network that looks at images, frozen.",
        "objective_ : Objective": "The layers and the statistic that `fit` looked at.",
    }

    style: Style = parameter(
        None,
        [str, Integral, dict, None],
        """The style that `transform` gives unless it is told another: a name, or weights by name,
        which are taken relative to their sum. None stands for all of them in equal parts.""",
        kind="str, int, dict of names to float, or None",
        positional=True,
    )
    style_weight: float = parameter(
        10.0,
        NOT_NEGATIVE,
        """How much the style counts beside the content. Each loss is relative to its target, so
        that a weight means the same for every painting, size and network.""",
    )
    style_layers: Sequence[str] | Mapping[str, float] | None = parameter(
        None,
        [list, tuple, dict, None],
        """Layers whose statistics are the style, or their weights by name. Early ones see colors
        and grain, deep ones shapes. None stands for ``"relu1_1"``, ``"relu2_1"``, ``"relu3_1"``
        and ``"relu4_1"`` of VGG16, all levels of an autoencoder, and the output of a module.""",
        kind="list of str, dict of str to float, or None",
    )
    content_layers: Sequence[str] | Mapping[str, float] | None = parameter(
        None,
        [list, tuple, dict, None],
        """Layers whose maps are the content, or their weights by name. The deeper they are, the
        freer is the picture. None stands for the last of those that `style_layers` has by
        default.""",
        kind="list of str, dict of str to float, or None",
    )
    statistic: str | Statistic = parameter(
        "gram",
        [StrOptions(set(STATISTICS)), Statistic],
        """What is compared of the maps of `style_layers`; also a component of
        `skgen.statistics`.""",
        kind="{'gram', 'mean_deviation', 'mean_squares'} or Statistic",
    )
    extractor: str | nn.Module | Any = parameter(
        "vgg16",
        [StrOptions({"vgg16"}), nn.Module, FeatureExtractor, HasMethods(["fit", "transform"])],
        """The network that looks at images: VGG16, a module, or a fitted `ConvAutoencoder`; or a
        `skgen.extractors.FeatureExtractor`, which can say where weights are, too.""",
        kind="'vgg16', torch.nn.Module, fitted ConvAutoencoder or FeatureExtractor",
    )
    style_size: int | None = parameter(
        512,
        [*COUNT, None],
        """Paintings whose longer side has more pixels are shrunk to so many, but none to a shorter
        side under 32: brush strokes come out as large as they are then. None leaves all as they
        are.""",
    )
    preserve_color: bool = parameter(
        False,
        ["boolean"],
        """Whether pictures keep the colors of the photographs, and take only light and shade from
        the style.""",
    )

    if TYPE_CHECKING:
        styles_: NDArray
        painting_styles_: NDArray
        targets_: list[list[Tensor]]
        colors_: Moments
        features_: FeatureMaps
        objective_: Objective

    # What a kind of style transfer says

    @abstractmethod
    def _paint(self, photographs: ImageColumn, style: Style) -> list[NDArray]:
        """Return pictures (height, width, 3), colors from 0 to 1.

        Parameters
        ----------
        photographs : ImageColumn
            What they are to show.

        style : str, int, dict of names to float, or None
            In which manner.
        """

    @property
    def _n_scales(self) -> int:
        """At how many sizes the statistics of a painting are wanted."""
        return 1

    def _further_layers(self) -> list[str]:
        """Return layers to look at that are not compared."""
        return []

    # Public

    def transform(self, X: Any, *, style: Style = None, mask: Any = None) -> Any:
        """Paint images in a style.

        Parameters
        ----------
        X : list of images
            Photographs of any sizes from 32 x 32 pixels on: arrays (height, width) or (height,
            width, channels), or images of Pillow, gray or in color; these are turned upright, as
            the camera noted. Numbers are bytes, 16 bits or floats from 0 to 1. One array of images
            of one size will do as well.

        style : str, int, dict of names to float, or None, default=None
            The name of a style, or weights by name, relative to their sum. None stands for the
            parameter `style`.

        mask : list of array-like of shape (height, width), default=None
            Where to paint, for every image: 1 is painted, 0 is left as it is.

        Returns
        -------
        pictures : list of ndarray of shape (height, width, 3)
            In color, of the sizes and types of numbers of X. Where an image of X says how opaque
            its pixels are, so does the picture. An array if X is one.

        Raises
        ------
        ValueError
            If an image is too small or not one, if there is no such style, or if a mask is of
            another size than its image.
        """
        check_is_fitted(self)
        photographs = ImageListInput(LEAST_SIDE).column(X)
        style = self.style if style is None else style
        self._shares(style)  # so that nothing is painted for an unknown one
        masks = None if mask is None else checked_masks(mask, photographs.images)
        pictures = self._paint(photographs, style)
        for number, photograph in enumerate(photographs.images):
            if not (self.preserve_color or masks):
                break
            before = photograph.tensor().permute(1, 2, 0).numpy()
            if self.preserve_color:
                brightness = (pictures[number] - before) @ _LUMA
                pictures[number] = np.clip(before + brightness[..., None], 0, 1)
            if masks is not None:
                pictures[number] = before + masks[number] * (pictures[number] - before)
        return photographs.restored(pictures)

    def score(self, X: Any, y: Any = None, *, style: Style = None) -> float:
        """Return minus the mean loss of what `transform` makes of images.

        Parameters
        ----------
        X : list of images
            Photographs.

        y : None
            Ignored.

        style : str, int, dict of names to float, or None, default=None
            As in `transform`.

        Returns
        -------
        score : float
            Minus the loss, without units; see `measure`.
        """
        losses = self.measure(X, self.transform(X, style=style), style=style)
        return -float(losses["loss"].mean())

    def measure(self, X: Any, pictures: Any, *, style: Style = None) -> dict[str, NDArray]:
        """Return how far pictures are from their content and from a style, whoever made them.

        Parameters
        ----------
        X : list of images
            Photographs.

        pictures : list of images
            What was made of them, of the same sizes.

        style : str, int, dict of names to float, or None, default=None
            As in `transform`.

        Returns
        -------
        losses : dict of str to ndarray of shape (n_images,)
            ``"content"`` and ``"style"``, each as a share of its target, and ``"loss"``, the first
            plus `style_weight` times the second.
        """
        check_is_fitted(self)
        takes = ImageListInput(LEAST_SIDE)
        photographs, made = takes.column(X), takes.column(pictures, "pictures")
        if len(photographs) != len(made):
            raise ValueError(f"X has {len(photographs)} images, and pictures {len(made)}.")
        objective, shares = (
            self._present_objective(),
            self._shares(self.style if style is None else style),
        )
        features = self.features_
        device = features.mean.device
        wanted = mixed(self.targets_[0], shares.to(device))
        losses = []
        with torch.inference_mode():
            for number in range(len(made)):
                index = slice(number, number + 1)
                before, after = (one.take(index).to(device) for one in (photographs, made))
                if before.shape != after.shape:
                    raise ValueError(
                        f"Image {number} of pictures is of another size than that of X."
                    )
                content, seen = objective.contents(features(before)), features(after)
                losses.append(
                    [
                        objective.of_content(objective.contents(seen), content).item(),
                        objective.of_style(objective.statistics(seen), wanted).item(),
                    ]
                )
        of_content, of_style = np.array(losses).T
        total = of_content + self.style_weight * of_style
        return {"content": of_content, "style": of_style, "loss": total}

    # Learning of paintings

    def _objective(self) -> Objective:
        """Return what pictures are measured by."""
        default = self._default_layers()
        statistic = resolve(self.statistic, STATISTICS)
        assert statistic is not None
        return Objective(
            layer_weights(self.content_layers, default[-1:], "content_layers"),
            layer_weights(self.style_layers, default, "style_layers"),
            statistic,
            self.style_weight,
        )

    def _default_layers(self) -> list[str]:
        """Return the layers whose statistics are the style by default, the content's last."""
        return self._extractor().default_layers()

    def _present_objective(self) -> Objective:
        """Return that of `fit`, with the weight of the style as it is now."""
        return replace(self.objective_, style_weight=self.style_weight)

    def _extractor(self) -> FeatureExtractor:
        given = self.extractor
        if not isinstance(given, FeatureExtractor):
            given = FeatureExtractor(network=given, weights=None)
        extractor = resolve(given, {})
        assert extractor is not None
        return extractor

    def _look_at(
        self, X: Any, y: Any, *, beside: bool = False, features: FeatureMaps | None = None
    ) -> list[Tensor]:
        """Learn the styles of paintings, and return these, shrunk.

        Parameters
        ----------
        X : list of images
            Paintings.

        y : array-like of shape (n_paintings,) or None
            The names of their styles.

        beside : bool, default=False
            Whether to keep those that are known.

        features : FeatureMaps, default=None
            What looks at them, if it is there already.
        """
        objective = self.objective_ if beside else self._objective()
        column = ImageListInput(LEAST_SIDE).column(X)
        names = checked_names(y, len(column), self.painting_styles_ if beside else None)
        paintings = self._shrunk(column, names)
        if features is None:
            layers = list(dict.fromkeys([*objective.layers, *self._further_layers()]))
            features = self._extractor().build(layers, torch_device(self.device))
        n_scales = len(self.targets_) if beside else self._n_scales
        targets = self._targets(paintings, objective, features, n_scales)
        colors = joined([moments(painting) for painting in paintings])
        if beside:
            pairs = zip(self.targets_, targets, strict=True)
            targets = [list(map(torch.cat, zip(*pair, strict=True))) for pair in pairs]
            names = np.concatenate([self.painting_styles_, names])
            colors = joined([self.colors_, colors])
        self.objective_, self.features_ = objective, features
        self.targets_, self.painting_styles_, self.colors_ = targets, names, colors
        self.styles_ = np.unique(names)
        return paintings

    def _shrunk(self, column: ImageColumn, names: NDArray) -> list[Tensor]:
        """Return paintings as they are looked at, after a word about those of one color."""
        paintings = []
        for number, name in enumerate(names.tolist()):
            image = column.take(slice(number, number + 1))
            if self.style_size is not None:
                image = _at(image, self.style_size / max(image.shape[-2:]))
            if float(image.flatten(2).std(dim=2).max()) < _FLAT:
                warn(
                    f"Painting {number}, of style {name!r}, is of one color everywhere: it has "
                    "that color to give, and no texture.",
                    UserWarning,
                )
            paintings.append(image)
        return paintings

    def _targets(
        self,
        paintings: Sequence[Tensor],
        objective: Objective,
        features: FeatureMaps,
        n_scales: int,
    ) -> list[list[Tensor]]:
        """Return the statistics of paintings, by scale and layer."""
        device = features.mean.device
        seen = []
        with torch.no_grad():
            for painting in paintings:
                scales = [_at(painting.to(device), 0.5**scale) for scale in range(n_scales)]
                seen.append([objective.statistics(features(scale)) for scale in scales])
        layers = range(len(objective.style))
        return [
            [torch.cat([one[k][m] for one in seen]).cpu() for m in layers] for k in range(n_scales)
        ]

    def _shares(self, style: Style) -> Tensor:
        """Return how much every painting counts, summing to 1."""
        return torch.from_numpy(shares_of(style, self.painting_styles_))

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        features = state.get("features_")
        if features is not None and features.mean.device.type != "cpu":  # pickles hold CPU tensors
            state["features_"] = copy.deepcopy(features).cpu()
        return state

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "targets_")

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


def mixed(targets: Sequence[Tensor], shares: Tensor) -> list[Tensor]:
    """Return the statistics of a mix of paintings, one for a batch of one."""
    return [torch.tensordot(shares.to(one), one, dims=1)[None] for one in targets]


def _at(painting: Tensor, factor: float) -> Tensor:
    """Return a painting shrunk, but no side of it below that of the smallest photograph."""
    sides = painting.shape[-2:]
    factor = min(1.0, max(factor, LEAST_SIDE / min(sides)))
    return shrunk(painting, [math.ceil(side * factor - 1e-6) for side in sides])
