"""The encoder that learns from two distorted views of every row."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor, nn

from skgen._sklearn import StrOptions
from skgen.corruptions import CORRUPTIONS, Corruption
from skgen.encoders import BaseEncoder, RowFunction
from skgen.engine import Batch, Column, Progress, Turn, drawing
from skgen.exceptions import warn
from skgen.inputs import Units
from skgen.inputs.images import RowsOrImages
from skgen.invariances import INVARIANCES, Invariance, resolve_invariance
from skgen.networks.dense import dense_levels
from skgen.networks.encoders import custom_network, n_outputs
from skgen.networks.invariant import (
    CenterDistances,
    InvariantNetwork,
    conv_levels,
    encoder_of,
    projector,
)
from skgen.parameters import COUNT, NETWORK, SIZES, checked_sizes, override, parameter

__all__ = ["InvariantEncoder"]

_PARTS = ("code", "hidden", "distances")

# Rows that centers and the warning of a collapse are made from, at most, and that `score` compares.
_N_LOOKED_AT, _N_COMPARED = 20_000, 256

# Images of more pixels a side are halved by further levels first, of so many filters.
_LARGEST_SIDE, _FILTERS_OF_LARGE = 64, 16

# Codes and outputs that vary by no more than that share of their size are all the same.
# Before so many updates, statistics of the batches have not settled, and nothing can be said.
_COLLAPSED, _SETTLED = 0.05, 50

# Axes of less variance than that, as a share of the largest, are noise.
_LEAST_VARIANCE = 0.02


@dataclass(frozen=True)
class TwoViews:
    """The objective: what the projector makes of two views of every row of a batch."""

    corruption: RowFunction
    invariance: Invariance

    is_mean_over_rows: ClassVar[bool] = False

    def __call__(self, module: Any, batch: Batch, state: Progress) -> Tensor:
        """Return the objective on a batch."""
        x = batch["x"]
        views = self.corruption(torch.cat([x, x]))
        return self.invariance(*module(views).chunk(2))


@final
class InvariantEncoder(RowsOrImages, BaseEncoder):
    r"""An encoder that gives two distorted views of a row the same code.

    .. math:: L = \text{inv}\big(P(\text{Enc}(c_1(x))),\; P(\text{Enc}(c_2(x)))\big)

    with two draws :math:`c_1, c_2` of the corruption, a projector :math:`P` that only training
    uses, and an objective :math:`\text{inv}` that brings the two together and keeps codes of
    different rows apart. So the code says what the corruption leaves of a row, and hardly moves
    under the corruption itself: pixels do not have that, and neither do codes that are made to
    restore pixels. There is no way back to rows.

    Attributes
    ----------
    n_components_ : int
        Size of the code.

    distances_ : torch.nn.Module
        From codes to their distances to centers: `mean`, `whitening` and `centers`.

    See Also
    --------
    DenoisingAutoencoder : Learns to undo a corruption, and can decode.

    Notes
    -----
    The objective is met where nothing but the corruption tells rows apart, and what it changes is
    lost to the code: where mirrored, turned or recolored things are other things, leave that out.

    Images are mapped to [-1, 1] by the range that they can have. Of flat rows X is centered and
    divided by one overall scale; put a `StandardScaler` before it where all columns should weigh
    the same.

    References
    ----------
    .. [1] A. Bardes, J. Ponce, Y. LeCun, "VICReg: variance-invariance-covariance regularization for
       self-supervised learning", ICLR 2022.
    .. [2] D. Bahri, H. Jiang, Y. Tay, D. Metzler, "SCARF: self-supervised contrastive learning
       using random feature corruption", ICLR 2022.
    .. [3] A. Coates, A. Ng, "Learning feature representations with k-means", 2012.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skgen import InvariantEncoder
    >>> images = load_digits().images
    >>> model = InvariantEncoder(64, max_epochs=3, features="code", random_state=0).fit(images)
    >>> model.transform(images).shape
    (1797, 64)
    """

    n_components: int | None = parameter(
        None,
        [*COUNT, None],
        """Size of the code. None stands for 256; of an `encoder` of your own, for what it
        gives.""",
        positional=True,
    )
    corruption: str | Corruption | Sequence[Corruption] | None = parameter(
        None,
        [StrOptions(set(CORRUPTIONS)), Corruption, list, tuple, None],
        """What views may differ in: an object of `skgen.corruptions`, a list of them, or a name.
        None stands for ``[Crop(), Brightness(0.3), ErasedPatches(0.3)]`` of images, and for
        ``Swap(0.3)`` of rows, so that two views differ in half of their cells. `Flip` is for what
        may be mirrored, such as clothes, and harms what has a direction, such as digits.""",
        kind="str, Corruption, list of Corruption, or None",
    )
    invariance: str | Invariance = parameter(
        "vicreg",
        [StrOptions(set(INVARIANCES)), Invariance],
        f"""The objective: {", ".join(INVARIANCES)}, or an object of `skgen.invariances`.""",
        kind="str or Invariance",
    )
    features: str | Sequence[str] | None = parameter(
        None,
        [StrOptions(set(_PARTS)), list, tuple, None],
        """What `transform` returns: ``"code"``, the means of the last level; ``"hidden"``, the
        activations of all levels, of images their means and maxima over positions;
        ``"distances"`` of the whitened code, brought to length 1, to centers, which suit trees; or
        a list of these, to have them side by side. None stands for ``["code", "distances"]`` of
        images, and for ``"hidden"`` of rows.""",
        kind="{'code', 'hidden', 'distances'}, list of these, or None",
    )
    n_centers: int = parameter(
        100, COUNT, """Centers of ``features="distances"``, found by k-means in `fit`."""
    )
    hidden_layer_sizes: Sequence[int] = override((256, 256))
    n_filters: Sequence[int] | None = override(
        None,
        """For images: filters of the levels before the last, which has `n_components`. None stands
        for ``(24, 64, 96)``, with levels of 16 before them that bring images down to a side of
        64.""",
    )
    projector_sizes: Sequence[int] = parameter(
        (512, 512), SIZES, """Sizes of the layers that training puts on top of the code."""
    )
    encoder: nn.Module | Callable[[tuple[int, ...]], nn.Module] | None = parameter(
        None,
        NETWORK,
        """Layers of your own in place of the encoder's: from rows, or from images (batch,
        channels, height, width), in network units, to codes, or to images, whose means over
        positions are codes then; with `n_components`, a linear layer follows. A module is copied,
        and training starts from its weights. A callable gets the shape of a row without the batch,
        and returns a new module.""",
    )
    lr: float = override(2e-3)
    optimizer: str | type[torch.optim.Optimizer] = override("adamw")
    weight_decay: float = override(1e-2)
    max_epochs: int | None = override(
        None,
        """Passes over X. None stands for as many as make 800 updates, for 10 at least and 200 at
        most.""",
    )

    # What is built

    def _units(self, *, of_images: bool) -> Units:
        return Units((-1.0, 1.0), by_value_range=True) if of_images else Units()

    def _layer_sizes(self) -> list[int]:
        shape = self.input_.image_shape
        if shape is None or self.n_filters is not None:
            return checked_sizes(self, self._sized_by)
        side, first = max(shape[:2]), list[int]()
        while side > _LARGEST_SIDE:
            side, first = -(-side // 2), [*first, _FILTERS_OF_LARGE]
        return [*first, 24, 64, 96]

    def _built_with(self) -> dict[str, Any]:
        return {
            **super()._built_with(),
            "n_components": self.n_components,
            "projector_sizes": checked_sizes(self, "projector_sizes", at_least=1),
            "encoder": self.encoder,
        }

    def _module(self) -> nn.Module:
        shape, n_code = self.input_.image_shape, self.n_components or 256
        names: list[str] = []
        if self.encoder is not None:
            encoder, n_code = self._own_encoder(self.encoder)
        elif shape is None:
            sizes = [self.n_features_in_, *self._layer_sizes(), n_code]
            encoder = encoder_of(dense_levels(sizes, "relu", batch_norm=True), None)
        else:
            encoder = encoder_of(conv_levels(shape, [*self._layer_sizes(), n_code]), shape)
        if self.encoder is None:
            names = [str(n) for n in range(int(shape is not None), len(encoder) - 1)]
        sizes = [n_code, *checked_sizes(self, "projector_sizes", at_least=1)]
        return InvariantNetwork(encoder, projector(sizes), names)

    def _own_encoder(self, given: Any) -> tuple[nn.Sequential, int]:
        """Return the user's layers, and the size of the code that they make."""
        taken = self.input_
        body = encoder_of([custom_network("encoder", given, taken.shape)], taken.image_shape)
        n_made = n_outputs("encoder", body, self.n_features_in_, f"rows {taken.shape}")
        if self.n_components is None:
            return body, n_made
        return body.append(nn.Linear(n_made, self.n_components)), self.n_components

    def _corruption(self) -> RowFunction:
        """Return what views are made by, as a corruption of flat rows."""
        given = self._usual_views() if self.corruption is None else self.corruption
        corruption = self._distortion(given)
        assert corruption is not None
        return corruption

    def _turns(self) -> list[Turn]:
        views = TwoViews(self._corruption(), resolve_invariance(self.invariance))
        return [Turn(("encoder", "projector"), views)]

    def _default_epochs(self, n_batches: int) -> int:
        return int(np.clip(-(-800 // n_batches), 10, 200))

    # What is learned

    def _learn(self, X: Any, y: Any = None, **options: Any) -> dict[str, Column]:
        self._parts()  # so that a wrong name is found before training
        columns = super()._learn(X, None, **options)
        n_rows = len(columns["x"])
        rows = np.linspace(0, n_rows - 1, min(n_rows, _N_LOOKED_AT), dtype=int)
        codes: NDArray = self._apply(self._network().encoder, columns, rows).astype(np.float64)
        self.n_components_ = codes.shape[1]
        self.distances_ = _centers(codes, self.n_centers)
        self._warn_of_trouble(columns, codes)
        return columns

    def _warn_of_trouble(self, columns: Mapping[str, Column], codes: NDArray) -> None:
        x: Any = columns["x"].take(slice(_N_COMPARED))
        with drawing(0):
            changed = not torch.equal(self._corruption()(x), x)
        with torch.inference_mode():
            outputs = self._network()(x.to(self.net_.device)).cpu().double().numpy()
        spread, size = outputs.std(axis=0).max(), np.abs(outputs).max()
        trained = self.n_iter_ * -(-len(columns["x"]) // self.batch_size) >= _SETTLED
        same = codes.std(axis=0).max() <= _COLLAPSED * np.abs(codes).max()
        if bool((x == x[0]).all()):
            warn("All rows of X are the same: there is nothing that a code could say of them.")
        elif not changed:
            warn(
                "The corruption changes none of the rows that were looked at, so both views of a "
                "row are the row itself, and no code was asked to ignore anything. Use a stronger "
                "corruption, or one for this kind of data."
            )
        elif trained and (same or spread <= _COLLAPSED * size):
            warn(
                "The encoder collapsed: what training compares is nearly the same for all rows "
                f"(largest deviation {spread:.2g}, of outputs up to {size:.2g}), so the code "
                "learned nothing of X. Weaken the corruption, lower lr, raise the weight of what "
                'keeps outputs apart, or use invariance="vicreg".'
            )

    # What is asked

    def _parts(self) -> list[str]:
        """Return what `transform` puts side by side."""
        if self.features is None:
            of_images = hasattr(self, "input_") and self.input_.holds_images
            return ["code", "distances"] if of_images else ["hidden"]
        parts = [self.features] if isinstance(self.features, str) else list(self.features)
        if not parts or any(part not in _PARTS for part in parts):
            raise ValueError(
                f"features has to be one of {', '.join(_PARTS)}, or a list of these, got "
                f"{self.features!r}."
            )
        if "hidden" in parts and self.encoder is not None:
            raise ValueError(
                'features="hidden" is about the levels of skgen\'s own encoder, and encoder= takes '
                'their place. Use "code", "distances" or both.'
            )
        return parts

    def _encoder(self) -> nn.Module:
        encoder: nn.Module = self._network().encoder
        return encoder

    def _hidden_layers(self) -> Sequence[str]:
        names: Sequence[str] = self._network().hidden_layers
        return names

    def _features(self) -> RowFunction:
        network, parts, distances = self._network(), self._parts(), self.distances_

        def read_off(x: Tensor) -> Tensor:
            code, hidden = network.looked_into(x)
            found = {"code": code, "hidden": hidden}
            if "distances" in parts:
                found["distances"] = distances.to(code.device)(code)
            return torch.cat([found[part] for part in parts], dim=1)

        return read_off

    @property
    def _n_features_out(self) -> int:
        per_filter = 2 if self.input_.holds_images else 1  # a mean and a maximum
        n_hidden = sum(self.net_.built_with_[self._sized_by]) + self.n_components_
        sizes = {
            "code": self.n_components_,
            "hidden": per_filter * n_hidden,
            "distances": len(self.distances_.centers),
        }
        return sum(sizes[part] for part in self._parts())

    def score(self, X: ArrayLike, y: None = None) -> float:
        r"""Return how often a row is found again by another view of it.

        .. math:: \frac{1}{n} \sum_r \left[ \arg\max_s \cos(z_r, z'_s) = r \right]

        with whitened codes :math:`z, z'` of two views, drawn anew but the same at every call, among
        256 rows at a time. Codes that ignore the corruption and still tell rows apart have much of
        it; so `GridSearchCV` needs no labels. Figures under different corruptions do not compare: a
        weak one is easy to ignore.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or images
            Rows of the kind seen in `fit`.

        y : None
            Ignored.

        Returns
        -------
        score : float
            From 0 to 1. It is not the mean of anything that single rows have.
        """
        column: Any = self._columns(X)["x"]
        encoder, corruption = self._network().encoder, self._corruption()
        on_sphere = self.distances_.to(self.net_.device).on_sphere
        rows = np.random.default_rng(0).permutation(len(column))[:_N_LOOKED_AT]
        n_found = 0
        with drawing(0), torch.inference_mode():
            for block in np.array_split(rows, -(-len(rows) // _N_COMPARED)):
                x = column.take(torch.from_numpy(block)).to(self.net_.device)
                first, second = (on_sphere(encoder(corruption(x))) for _ in range(2))
                nearest = (first @ second.T).argmax(dim=1).cpu()
                n_found += int((nearest == torch.arange(len(block))).sum())
        return n_found / len(rows)


def _centers(codes: NDArray[np.float64], n_centers: int) -> CenterDistances:
    """Return the distances to centers of whitened codes of length 1."""
    mean = codes.mean(axis=0)
    variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(codes, rowvar=False)))
    kept = variances > max(_LEAST_VARIANCE * variances[-1], np.finfo(np.float32).tiny)
    whitening = axes[:, kept] / np.sqrt(variances[kept])
    found = CenterDistances(*map(torch.from_numpy, (mean, whitening, np.zeros((1, kept.sum())))))
    sphere = found.on_sphere(torch.from_numpy(codes).float()).numpy()
    if kept.any():
        with warnings.catch_warnings():  # of fewer different codes than centers
            warnings.simplefilter("ignore", ConvergenceWarning)
            k_means = KMeans(min(n_centers, len(sphere)), n_init=1, random_state=0)
            clusters = k_means.fit(sphere)
        found.centers = torch.from_numpy(clusters.cluster_centers_).float()
    return found
