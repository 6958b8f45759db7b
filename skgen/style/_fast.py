"""Style transfer by one network for all styles."""

import itertools
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar, Self, final

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError
from torch import Tensor, nn

from skgen._sklearn import Interval, StrOptions, _fit_context
from skgen.base import BaseModel
from skgen.engine import Batch, Batches, Column, DomainPairs, Progress, Rows, Turn, seeded
from skgen.inputs import Crops, ImageColumn, ImageListInput
from skgen.networks.style import Restyler, factors_of, padded
from skgen.parameters import POSITIVE, SHARE, override, parameter, resolve
from skgen.statistics import MATCHINGS, Matching, Moments, joined, mapped, moments, pooled
from skgen.style._base import LEAST_SIDE, BaseStyleTransfer
from skgen.style._objective import Objective, relative_error
from skgen.style._tiles import Painter

__all__ = ["FastStyleTransfer"]

# Photographs that are looked at for the units of features, at most.
_N_LOOKED_AT = 32

_TINY = torch.finfo(torch.float32).tiny

# Updates that max_epochs=None stands for, about.
_N_UPDATES = 2000


@final
class FastStyleTransfer(BaseStyleTransfer, BaseModel):
    r"""Paint photographs in the manner of any painting, by one pass through one network.

    A picture is

    .. math:: x = c' + \text{Dec}(t_1, ..., t_n) - \text{Dec}(f_1(c'), ..., f_n(c')), \quad
              t_l = A_l f_l(c') + b_l, \quad c' = B c + d

    where :math:`f_l` are layers of a network that was trained to recognize things. The matrices B
    and :math:`A_l` and the shifts d and :math:`b_l` give first the colors of the photograph c, and
    then the features of every layer, the means and covariances of those of a painting, in closed
    form. So there is nothing to train for another painting: `partial_fit` adds it in a moment.

    What is trained is the decoder [1]_. With photographs and paintings drawn at random it minimizes

    .. math:: L = \frac{\|f_n(x) - t_n\|^2}{\|t_n\|^2}
              + w \sum_l w_l \frac{\|S(f_l(x)) - S_l\|^2}{\|S_l\|^2}

    where S are statistics of layers :math:`f_l`, by default means and deviations, and :math:`S_l`
    those of the painting. It has to learn what changes, and not how to give a photograph back: a
    painting in its own style, and a photograph at ``alpha=0``, are what they were, and details that
    no layer sees stay. Early layers tell it of color and grain, and the last one of shapes.

    Attributes
    ----------
    moments_ : list of Moments
        Means and covariances of features, of every painting, by decoded layer.

    content_moments_ : list of Moments
        Those of features of photographs, by which the decoder standardizes what it gets.

    See Also
    --------
    StyleTransfer : Optimizes every picture by itself, which takes a hundred times as long.

    Notes
    -----
    Large images are painted tile by tile, as `working_memory` allows. Tiles overlap by as much as
    the networks see, and share their statistics, which a first pass takes: their borders do not
    show.

    References
    ----------
    .. [1] X. Huang, S. Belongie, "Arbitrary style transfer in real-time with adaptive instance
       normalization", ICCV 2017.
    .. [2] M. Lu, H. Zhao, A. Yao, Y. Chen, F. Xu, L. Zhang, "A closed-form solution to universal
       style transfer", ICCV 2019.

    Examples
    --------
    Random weights and two passes over two images do for a first look, and for no good picture.

    >>> from sklearn.datasets import load_sample_images
    >>> from skgen import FastStyleTransfer
    >>> from skgen.extractors import FeatureExtractor
    >>> china, flower = (image[::8, ::8] for image in load_sample_images().images)
    >>> random = FeatureExtractor(weights="random")
    >>> model = FastStyleTransfer(extractor=random, crop_size=32, max_epochs=2, random_state=0)
    >>> model = model.fit([flower], ["dahlia"], content=[china, flower])
    >>> (picture,) = model.transform([china], style="dahlia")
    >>> picture.shape, picture.dtype
    ((54, 80, 3), dtype('uint8'))
    """

    _fitted: ClassVar[Mapping[str, str]] = {
        name: "" for name in ("scaling_", "n_features_in_", "feature_names_in_")
    }

    alpha: float = parameter(
        1.0,
        SHARE,
        """How far to go from the photograph, at 0, to the style, at 1. It may be changed after
        `fit`.""",
    )
    layers: Sequence[str] | None = parameter(
        None,
        [list, tuple, None],
        """The layers :math:`f_l` that are decoded, the deepest last: the deeper it is, the more of
        a photograph is painted anew. None stands for ``"relu1_1"``, ``"relu2_1"`` and ``"relu3_1"``
        of VGG16, the first two levels of an autoencoder, and the output of a module.""",
        kind="list of str or None",
    )
    matching: str | Matching = parameter(
        "transport",
        [StrOptions(set(MATCHINGS)), Matching],
        """How features get the statistics of a painting: means and covariances with the least
        change, the same by way of uncorrelated features, or means and deviations alone. Also a
        component of `skgen.statistics`. It may be changed after `fit`.""",
        kind="{'transport', 'whitening', 'adain'} or Matching",
    )
    statistic: Any = override("mean_deviation")
    style_layers: Any = override(
        None,
        """Layers whose statistics are the style, or their weights by name. None stands for those
        that `StyleTransfer` has by default, no deeper than the last of `layers`.""",
    )
    content_layers: Any = override(
        None,
        """Layers whose maps are the content where pictures are measured, or their weights by name.
        None stands for the last of `layers`.""",
    )
    crop_size: int = parameter(
        64,
        [Interval(Integral, LEAST_SIDE, None, closed="left")],
        """Pixels along the sides of what to train on: parts of photographs, small ones and all of
        it, shrunk to that.""",
    )
    max_epochs: int | None = override(
        None,
        """Passes over photographs and paintings. None stands for as many as make 2,000 updates:
        with VGG16 about a quarter of an hour on one core.""",
    )
    batch_size: int = override(4, "Photographs in a minibatch.")
    lr: float = override(2e-3)
    working_memory: float | None = parameter(
        None,
        [*POSITIVE, None],
        """MiB that `transform` may take for an image at once; larger ones are painted tile by tile.
        None stands for that of `sklearn.set_config`, which is 1024 unless you say otherwise.""",
    )

    if TYPE_CHECKING:
        moments_: list[Moments]
        content_moments_: list[Moments]

    # Public

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, *, content: Any = None) -> Self:
        """Look at paintings, and train the decoder on photographs.

        Parameters
        ----------
        X : list of images
            Paintings of any sizes from 32 x 32 pixels on: arrays (height, width) or (height, width,
            channels), or images of Pillow; bytes, 16 bits or floats from 0 to 1.

        y : array-like of shape (n_paintings,), default=None
            The names of their styles. Those that share a name are one style. None stands for their
            numbers.

        content : list of images, default=None
            Photographs to train on, the more the better. None stands for the paintings.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ImportError
            If there are no weights of VGG16 to be found.

        FloatingPointError
            If training diverges. The estimator is then as it was before.
        """
        with self._all_or_nothing(), seeded():
            goes_on = self.warm_start and hasattr(self, "net_")
            content, what = (X, "X") if content is None else (content, "content")
            photographs = self._input().column(content, what)
            paintings = self._look_at(X, y, features=self.features_ if goes_on else None)
            self.moments_ = self._moments(paintings)
            if not goes_on:
                self.content_moments_ = self._content_moments(photographs)
            self._learn(content)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Look at further paintings, beside those that are known. Nothing is trained.

        Parameters
        ----------
        X : list of images
            Paintings.

        y : array-like of shape (n_paintings,), default=None
            The names of their styles; a known name gets one more painting. None stands for numbers
            that go on from those before.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        NotFittedError
            If there is no decoder yet.
        """
        if not hasattr(self, "net_"):
            raise NotFittedError(
                "partial_fit adds paintings to a network that is trained: call fit(X, y, "
                "content=photographs) first."
            )
        with self._all_or_nothing(), seeded():
            paintings = self._look_at(X, y, beside=True, features=self.features_)
            pairs = zip(self.moments_, self._moments(paintings), strict=True)
            self.moments_ = [joined(pair) for pair in pairs]
        return self

    # How it is built and trained

    def _input(self) -> ImageListInput:
        return ImageListInput(LEAST_SIDE)

    def _layers(self) -> list[str]:
        """Return the names of the layers that are decoded."""
        if self.layers is not None:
            if not self.layers:
                raise ValueError("layers has to name one at least, the deepest last.")
            return list(self.layers)
        known = self._extractor().default_layers()
        return known[: 3 if isinstance(self._extractor().network, str) else 2]

    def _further_layers(self) -> list[str]:
        return self._layers()

    def _default_layers(self) -> list[str]:
        known, last = super()._default_layers(), self._layers()[-1]
        return known[: known.index(last) + 1] if last in known else [*known, last]

    def _module(self) -> nn.Module:
        means, covariances = zip(*self.content_moments_, strict=True)
        deviations = []
        for mean, covariance in zip(means, covariances, strict=True):
            variance = covariance.diagonal()
            least = 1e-4 * variance.mean() + 1e-12 * mean.square().mean() + _TINY
            deviations.append((variance + least).sqrt())
        return Restyler(self.features_, self._layers(), means, deviations)

    def _turns(self) -> list[Turn]:
        matching = resolve(self.matching, MATCHINGS)
        assert matching is not None
        loss = _Restyling(self.objective_, matching)
        return [Turn(("decoder",), loss)]

    def _batches(self, columns: Mapping[str, Column], rows: NDArray | None) -> Batches:
        return self._pairs(columns, rows, at_random=True)

    def _validation_batches(
        self, columns: Mapping[str, Column], rows: NDArray | None, seed: int
    ) -> Batches:
        return self._pairs(columns, rows, at_random=False)

    def _pairs(
        self, columns: Mapping[str, Column], rows: NDArray | None, *, at_random: bool
    ) -> Batches:
        """Return parts of photographs beside paintings."""
        photographs: Any = columns["x"]
        crops = Crops(photographs.images, self._side(), at_random=at_random)
        paintings = _Paintings([*self.colors_, *itertools.chain(*self.moments_), *self.targets_[0]])
        device = photographs.device
        return DomainPairs(
            Rows({"x": crops.on(device)}, self.batch_size, rows),
            Rows({"style": paintings.on(device)}, self.batch_size),
            self.batch_size,
        )

    def _side(self) -> int:
        """Return the pixels along a side of what to train on: what the layers can divide."""
        factor = factors_of(self.features_.of(*self._layers()))[-1]
        return -(-self.crop_size // factor) * factor

    def _default_epochs(self, n_batches: int) -> int:
        return max(2, -(-_N_UPDATES // n_batches))

    def _built_with(self) -> dict[str, Any]:
        return {
            **super()._built_with(),
            "layers": self._layers(),
            "extractor": self._extractor(),
            "style_layers": self.objective_.style,
            "content_layers": self.objective_.content,
        }

    def _moments(self, paintings: Sequence[Tensor]) -> list[Moments]:
        """Return the moments of the decoded layers of paintings."""
        encoder = self.features_.of(*self._layers())
        factor, device = factors_of(encoder)[-1], encoder.mean.device
        with torch.no_grad():
            seen = [
                [moments(maps) for maps in encoder(padded(one.to(device), factor))]
                for one in paintings
            ]
        return [joined(of_layer) for of_layer in zip(*seen, strict=True)]

    def _content_moments(self, column: ImageColumn) -> list[Moments]:
        """Return the moments of the decoded layers of some photographs, all together."""
        some = np.unique(np.linspace(0, len(column) - 1, _N_LOOKED_AT, dtype=int))
        crops = Crops([column.images[n] for n in some], self._side(), at_random=False)
        encoder = self.features_.of(*self._layers())
        parts = []
        with torch.no_grad():
            for number in range(len(crops)):
                crop = crops.take(slice(number, number + 1)).to(encoder.mean.device)
                parts.append([moments(maps) for maps in encoder(crop)])
        together = [pooled(of_layer, [1] * len(crops)) for of_layer in zip(*parts, strict=True)]
        return [Moments(*(one[0].float().cpu() for one in each)) for each in together]

    # How it paints

    def _paint(self, photographs: ImageColumn, style: Any) -> list[NDArray]:
        matching = resolve(self.matching, MATCHINGS)
        assert matching is not None
        painter = Painter(
            self._network(),
            matching,
            self.colors_,
            self.moments_,
            self._shares(style),
            alpha=self.alpha,
            working_memory=self.working_memory,
        )
        pictures: list[NDArray] = self._apply(painter, {"x": photographs})
        return pictures


class _Restyling:
    """The loss of photographs that were given the styles of paintings."""

    def __init__(self, objective: Objective, matching: Matching):
        self.objective = objective
        self.matching = matching

    def __call__(
        self, module: nn.Module, batch: Batch, state: Progress
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        network: Any = module
        layers = network.encoder.outputs.layers
        parts = iter(batch["style"])
        colors, *features = [Moments(next(parts), next(parts)) for _ in range(1 + len(layers))]
        wanted = list(parts)
        with torch.no_grad():
            recolored = self._matched(batch["x"], colors)
            maps = network.encode(recolored)
            aims = [self._matched(*one) for one in zip(maps, features, strict=True)]
        seen = network.features(network(recolored, maps, aims))
        decoded = seen[network.features.outputs.layers.index(layers[-1])]
        of_content = relative_error(decoded, aims[-1]).mean()
        of_style = self.objective.of_style(self.objective.statistics(seen), wanted).mean()
        loss = of_content + self.objective.style_weight * of_style
        return loss, {"content": of_content, "style": of_style}

    def _matched(self, maps: Tensor, style: Moments) -> Tensor:
        return mapped(maps, *self.matching(moments(maps), style))


class _Paintings(Column):
    """Paintings as moments of colors, those of features by layer, and statistics by layer."""

    def __init__(self, tensors: Sequence[Tensor]):
        self.tensors = tuple(tensors)

    def __len__(self) -> int:
        return len(self.tensors[0])

    def take(self, index: slice | Tensor) -> tuple[Tensor, ...]:
        """Return the tensors of some paintings."""
        if isinstance(index, Tensor):
            index = index.to(self.tensors[0].device)
        return tuple(one[index] for one in self.tensors)

    def on(self, device: str) -> "_Paintings":
        """Return the column on that device."""
        return _Paintings([one.to(device) for one in self.tensors])
