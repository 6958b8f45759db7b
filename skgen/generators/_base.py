"""What all adversarial generators share: players, turns, samples and their score."""

from abc import ABC
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import pdist
from scipy.special import expit
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils import Tags, check_array
from torch import Tensor, nn

from skgen._sklearn import Interval, StrOptions
from skgen.adversarial_losses import Adversarial, AdversarialLoss, Minimax, discriminator_objective
from skgen.base import IncrementalModel
from skgen.engine import (
    Batch,
    Batches,
    Column,
    Progress,
    Rows,
    TensorColumn,
    Turn,
    TurnLoss,
    drawing,
    seeded,
)
from skgen.exceptions import warn
from skgen.generators._score import sample_score
from skgen.inputs import ImageInput, Units
from skgen.inputs.images import RowsOrImages
from skgen.inputs.scaling import tensor_of
from skgen.networks.adversarial import Discriminator, MovingAverage, Players, SpectralNorm
from skgen.networks.convolutional import FlattenImages, UnflattenImages, downwards, halved, upwards
from skgen.networks.dense import ACTIVATIONS, dense_levels
from skgen.networks.encoders import ToRows, custom_network, described, n_outputs
from skgen.parameters import COUNT, NETWORK, POSITIVE, override, parameter

__all__ = ["BaseGAN"]

# Rows that the score after an epoch is computed from, at most, and those for the last look at all.
_N_SCORED = 2000
_N_JUDGED = 1000
_LEAST_SCORED = 6
_MOST_SCORED = 10_000

# Updates of the generator after which signs of failure mean something, and those that stopping
# early waits for an improvement at least.
_N_SETTLED = 1000
_PATIENCE = 500

# Adam without momentum, which would have the players circle around each other.
_BETAS = (0.0, 0.9)


def _generate(generator: nn.Module, noise: Tensor, condition: Tensor | None) -> Tensor:
    """Return samples in network units."""
    seen = noise if condition is None else torch.cat([noise, condition], dim=1)
    samples: Tensor = generator(seen)
    return samples


@dataclass(frozen=True)
class _TellApart:
    """The discriminator's turn: rows of the batch against samples from fresh noise."""

    adversarial_loss: AdversarialLoss
    latent_dim: int
    r1_weight: float

    is_mean_over_rows: ClassVar[bool] = True

    def differentiates_twice(self, module: Any) -> bool:
        """Return whether it has a penalty on a gradient."""
        return self.r1_weight > 0 or self.adversarial_loss.has_penalty()

    def __call__(
        self, module: Any, batch: Batch, state: Progress
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Return the objective on a batch, and what the discriminator says of both sides."""
        x, condition = batch["x"], batch.get("condition")
        noise = torch.randn(len(x), self.latent_dim, device=x.device)
        samples = _generate(module.generator, noise, condition)
        objective, of_real, of_fake = discriminator_objective(
            self.adversarial_loss,
            lambda rows: module.discriminator(rows, condition),
            x,
            samples,
            self.r1_weight,
        )
        return objective, {"D(x)": of_real, "D(G(z))": of_fake}


@dataclass(frozen=True)
class _Fool:
    """The generator's turn, on fresh noise."""

    adversarial_loss: AdversarialLoss
    latent_dim: int

    is_mean_over_rows: ClassVar[bool] = True

    def __call__(self, module: Any, batch: Batch, state: Progress) -> Tensor:
        """Return the objective for as many samples as the batch has rows."""
        x, condition = batch["x"], batch.get("condition")
        noise = torch.randn(len(x), self.latent_dim, device=x.device)
        samples = _generate(module.generator, noise, condition)
        return self.adversarial_loss.generator_loss(module.discriminator(samples, condition))


@dataclass(frozen=True)
class _Shortfall:
    """What the score of samples falls short of 1 by: what stopping early looks at."""

    latent_dim: int

    def __call__(self, module: Any, batch: Batch, state: Progress) -> Tensor:
        """Return it for the samples that rows set aside are compared with."""
        x, condition = batch["x"], batch.get("condition")
        with seeded(0):  # the same noise after every epoch
            noise = torch.randn(len(x), self.latent_dim, device=x.device)
        samples = _generate(module.sampler, noise, condition)
        real, fake = (rows.cpu().double().numpy() for rows in (x, samples))
        given = None if condition is None else condition.cpu().numpy()
        return torch.tensor(1 - sample_score(real, fake, given), device=x.device)


class BaseGAN(
    RowsOrImages,
    Adversarial,
    TransformerMixin,
    ClassNamePrefixFeaturesOutMixin,
    IncrementalModel,
    ABC,
):
    """Base class of the generators that learn from a discriminator."""

    _fitted: ClassVar[Mapping[str, str]] = {
        "calibration_ : tuple of float or None": """Slope and intercept of the logistic curve that
            makes probabilities of the discriminator's outputs, with losses that have none; fitted
            to rows and samples after training.""",
    }

    if TYPE_CHECKING:
        input_: ImageInput

    latent_dim: int = parameter(
        64,
        COUNT,
        """Numbers of noise that a sample is made of.""",
        positional=True,
    )
    discriminator_steps: int = parameter(
        1,
        COUNT,
        """Updates of the discriminator, each on a fresh minibatch, for every update of the
        generator.""",
    )
    r1_weight: float | None = override(
        None,
        """Weight of the squared gradient of the discriminator at rows of X, known as R1. None
        stands for 0.1 times the square root of the number of features, and for 0 in the
        Wasserstein loss, which has a penalty of its own.""",
    )
    spectral_norm: bool = parameter(
        False,
        ["boolean"],
        """Whether the weights of every layer of the discriminator are divided by the largest
        singular value of their matrix, which has a row for every unit or channel that they
        give.""",
    )
    ema_decay: float | None = parameter(
        0.999,
        [Interval(Real, 0, 1, closed="left"), None],
        """Samples come from a moving average of the generator's weights, which keeps this share of
        itself at every update. None takes the weights as they are.""",
    )
    discriminator_lr: float | None = parameter(
        None,
        [*POSITIVE, None],
        """Learning rate of the discriminator, at its peak. None stands for `lr`.""",
    )
    activation: str = parameter(
        "leaky_relu",
        [StrOptions(set(ACTIVATIONS))],
        f"""Activation of the hidden layers: one of {", ".join(ACTIVATIONS)}.""",
        kind="str",
    )
    hidden_layer_sizes: Sequence[int] = override((128, 128, 128))
    max_epochs: int | None = override(
        None,
        """Passes over X. None stands for 20, or for as many as make 5,000 updates of the generator,
        but 2,000 at most.""",
    )
    lr: float = override(
        2e-3,
        """Learning rate of both players, at its peak. Their optimizers are Adam without momentum,
        betas of (0, 0.9), unless `optimizer` or `net_params` says otherwise.""",
    )
    early_stopping: bool = override(
        False,
        """Whether `fit` sets a part of X aside, stops when the score of samples against it no
        longer improves, and keeps the generator that was best by it.""",
    )
    n_iter_no_change: int = override(
        10,
        """Epochs without improvement after which `early_stopping` stops; and not before 500 updates
        of the generator without one.""",
    )

    generator: nn.Module | Callable[[tuple[int, ...]], nn.Module] | None = parameter(
        None,
        NETWORK,
        """Layers of your own in place of the generator's: from noise, and the numbers of a
        condition beside it, to rows, or to images (batch, channels, height, width), in network
        units: of images -1 to 1. A module is copied, and training starts from its weights. A
        callable gets ``(n_numbers,)`` and returns a new one.""",
    )
    discriminator: nn.Module | Callable[[tuple[int, ...]], nn.Module] | None = parameter(
        None,
        NETWORK,
        """Layers of your own in place of the discriminator's: from rows, or from images, to
        features; a linear layer to one number follows. A callable gets the shape of a row without
        the batch.""",
    )

    # Networks and turns

    def _n_conditions(self) -> int:
        """Return how many numbers describe a row's condition."""
        return 0 if self.target_input_ is None else self.target_input_.shape[0]

    def _built_with(self) -> dict[str, Any]:
        return {
            **super()._built_with(),
            "latent_dim": self.latent_dim,
            "activation": self.activation,
            "spectral_norm": self.spectral_norm,
            "ema_decay is None": self.ema_decay is None,
            "generator": self.generator,
            "discriminator": self.discriminator,
        }

    def _units(self, *, of_images: bool) -> Units:
        return Units((-1.0, 1.0) if of_images else None)

    def _module(self) -> nn.Module:
        levels, generator = self._discriminator_levels(), self._generator()
        discriminator = Discriminator(*levels, self._n_conditions())
        if self.spectral_norm:
            _normalize(discriminator)
        players: nn.Module = Players(generator, discriminator, self.ema_decay is not None)
        return players.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _generator(self) -> nn.Module:
        """Return layers from noise, and conditions beside it, to rows."""
        n_seen, shape = self.latent_dim + self._n_conditions(), self.input_.image_shape
        if self.generator is not None:
            own = nn.Sequential(custom_network("generator", self.generator, (n_seen,)), ToRows())
            n_made = n_outputs("generator", own, n_seen, f"noise ({n_seen},)")
            if n_made != self.n_features_in_:
                raise ValueError(
                    f"generator makes {n_made} numbers, but a row of X has {self.n_features_in_}."
                )
            return own
        sizes = self._layer_sizes()
        if shape is None:
            levels = dense_levels([n_seen, *sizes[::-1]], self.activation)
            return nn.Sequential(*levels, nn.Linear(sizes[0], self.n_features_in_))
        last = (*halved(shape, len(sizes))[-1], sizes[-1])
        return nn.Sequential(
            nn.Linear(n_seen, int(np.prod(last))),
            UnflattenImages(last),
            ACTIVATIONS[self.activation](),
            *upwards(shape, sizes, self.activation, "tanh"),
        )

    def _discriminator_levels(self) -> tuple[nn.Sequential, int]:
        """Return layers from rows to features, and how many these are."""
        shape, n_features = self.input_.image_shape, self.n_features_in_
        if self.discriminator is not None:
            seen = self.input_.shape
            first = [] if shape is None else [UnflattenImages(shape)]
            own = custom_network("discriminator", self.discriminator, seen)
            level = nn.Sequential(*first, own, ToRows())
            return nn.Sequential(level), n_outputs(
                "discriminator", level, n_features, described(seen)
            )
        sizes = self._layer_sizes()
        if shape is None:
            return nn.Sequential(*dense_levels([n_features, *sizes], self.activation)), sizes[-1]
        levels = [*downwards(shape, sizes, self.activation), FlattenImages()]
        return nn.Sequential(*levels), int(np.prod(halved(shape, len(sizes))[-1])) * sizes[-1]

    def _turns(self) -> list[Turn]:
        loss, weight = self._adversarial_loss(usual_weight=0.1 * self.n_features_in_**0.5)
        own_rate = {} if self.discriminator_lr is None else {"lr": self.discriminator_lr}
        average = None if self.ema_decay is None else MovingAverage(self.ema_decay)
        return [
            Turn(
                ("discriminator",),
                _TellApart(loss, self.latent_dim, weight),
                "discriminator",
                self.discriminator_steps,
                self._optimizer_settings(betas=_BETAS, **own_rate),
            ),
            Turn(
                ("generator",),
                _Fool(loss, self.latent_dim),
                "generator",
                optimizer=self._optimizer_settings(betas=_BETAS),
                after_step=average,
                shares_batch=True,
            ),
        ]

    def _default_epochs(self, n_batches: int) -> int:
        return int(np.clip(-(-5000 * self.discriminator_steps // n_batches), 20, 2000))

    # Learning

    def _validation_loss(self) -> TurnLoss | None:
        return _Shortfall(self.latent_dim)

    def _validation_score(self, loss: float) -> float:
        return 1 - loss

    def _least_patience(self, n_batches: int) -> int:
        return -(-_PATIENCE * self.discriminator_steps // n_batches)

    def _validation_batches(
        self, columns: Mapping[str, Column], rows: NDArray | None, seed: int
    ) -> Batches:
        there = np.arange(len(columns["x"])) if rows is None else rows
        if len(there) < _LEAST_SCORED:
            raise ValueError(
                f"{len(there)} rows were set aside (validation_fraction="
                f"{self.validation_fraction}), and a score of samples takes {_LEAST_SCORED} rows "
                "at least. Set more aside, or set early_stopping=False."
            )
        some = np.random.default_rng(seed).permutation(len(there))[:_N_SCORED]
        return Rows(columns, len(some), there[np.sort(some)])  # scored all together

    def _learn(self, X: Any, y: Any = None, **options: Any) -> dict[str, Column]:
        """Train, set the fitted attributes, and look for signs of failure."""
        columns = super()._learn(X, y, **options)
        n_updates = sum(self.net_.history[:, "train_batch_count"])
        settled = n_updates / (1 + self.discriminator_steps) >= _N_SETTLED
        has_probabilities = self._trained_loss().has_probabilities
        if has_probabilities:
            self.calibration_ = None
        n_rows = len(columns["x"])
        few = n_rows < 50 and hasattr(self, "calibration_")  # to say anything new
        calibrate = not (has_probabilities or few)
        look = settled and not options.get("partial") and n_rows > 1
        if calibrate or look:
            real, fake = self._compared(columns, _N_JUDGED)
            if calibrate:
                self.calibration_ = _calibrated(self._outputs(real), self._outputs(fake))
            if look:
                gap = self._probabilities(real).mean() - self._probabilities(fake).mean()
                self._warn_of_failures(_numbers(real), _numbers(fake), float(gap))
        return columns

    def _compared(
        self, columns: Mapping[str, Column], at_most: int
    ) -> tuple[dict[str, Column], dict[str, Column]]:
        """Return some of the rows, and samples of the same conditions, in network units."""
        some = np.random.default_rng(0).permutation(len(columns["x"]))[:at_most]
        chosen = {name: column.take(torch.from_numpy(some)) for name, column in columns.items()}
        real: dict[str, Column] = {
            name: TensorColumn(values) for name, values in chosen.items() if torch.is_tensor(values)
        }
        with drawing(0):
            noise = self._noise(len(some))
        given = {name: column for name, column in real.items() if name != "x"}
        samples = torch.from_numpy(self._generated(noise, given, in_units=False))
        return real, {"x": TensorColumn(samples), **given}

    def _trained_loss(self) -> AdversarialLoss:
        """Return the loss that the networks were trained by."""
        turn: Any = self.net_.turns[0].loss
        loss: AdversarialLoss = turn.adversarial_loss
        return loss

    def _warn_of_failures(self, rows: NDArray, samples: NDArray, gap: float) -> None:
        """Warn if the discriminator has won, or the samples lack variety."""
        if gap > 0.9:
            minimax = isinstance(self._trained_loss(), Minimax)
            warn(
                "The discriminator wins: the probability of being real that it gives to rows is "
                f"{gap:.2f} above that for samples, on average, so the generator has little to go "
                "by. Raise r1_weight, lower discriminator_lr, or take fewer discriminator_steps."
                + (' Or take adversarial_loss="non_saturating".' if minimax else "")
            )
        of_rows, of_samples = (float(pdist(one).mean()) for one in (rows, samples))
        if of_samples < 0.5 * of_rows:
            warn(
                f"Samples have lost their variety: two of them are {of_samples / of_rows:.2f} "
                "times as far apart as two rows, on average. Raise r1_weight or batch_size, lower "
                "lr, or train longer."
            )

    # What a fitted model can do

    def _noise(self, n_samples: int) -> NDArray:
        """Return noise for so many samples, drawn by torch's generator."""
        noise: NDArray = torch.randn(n_samples, self.net_.built_with_["latent_dim"]).numpy()
        return noise.astype(self.input_.dtype, copy=False)

    def _checked_noise(self, Z: ArrayLike) -> NDArray:
        """Return noise that a caller chose as an array."""
        noise: NDArray = check_array(Z, dtype=[np.float64, np.float32], input_name="Z")
        latent_dim = self.net_.built_with_["latent_dim"]
        if noise.shape[1] != latent_dim:
            raise ValueError(
                f"Z has {noise.shape[1]} columns, but this {type(self).__name__} has "
                f"latent_dim={latent_dim}."
            )
        return noise

    def _generated(
        self, noise: NDArray, condition: Mapping[str, Column], *, in_units: bool = True
    ) -> NDArray:
        """Return flat rows made of noise, in the units of X or of the network."""
        network, dtype = self._network(), noise.dtype

        def rows(noise: Tensor, condition: Tensor | None = None) -> Tensor:
            x = _generate(network.sampler, noise, condition)
            return self.input_.undo(x, dtype) if in_units else self.input_.bounded(x)

        given = TensorColumn(tensor_of(noise, np.dtype(np.float32)), dtype if in_units else None)
        made: NDArray = self._apply(rows, {"noise": given, **condition})
        return made

    def _outputs(self, columns: Mapping[str, Column]) -> NDArray:
        """Return what the discriminator gives for rows, not yet squashed."""
        outputs: NDArray = self._apply(self._network().discriminator, columns)
        return outputs

    def _probabilities(self, columns: Mapping[str, Column]) -> NDArray:
        """Return how likely the discriminator takes rows for real."""
        discriminator, verdict = self._network().discriminator, self._trained_loss().verdict
        if self.calibration_ is not None:
            slope, intercept = self.calibration_
            probabilities: NDArray = expit(slope * self._outputs(columns) + intercept)
            return probabilities
        said: NDArray = self._apply(lambda *values: verdict(discriminator(*values)), columns)
        return said

    def transform(self, X: ArrayLike) -> NDArray:
        """Return what the discriminator's hidden layers see in rows, side by side.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of the kind seen in `fit`.

        Returns
        -------
        features : ndarray of shape (n_samples, n_features_out)
            Activations of all hidden layers; of images, the averages of all channels of all
            levels. In double precision if X is.
        """
        columns = self._columns(X)
        features: NDArray = self._apply(self._network().discriminator.pooled, columns)
        return features

    @property
    def _n_features_out(self) -> int:
        if self.net_.built_with_["discriminator"] is not None:
            n_features: int = self.net_.module_.discriminator.head.in_features
            return n_features
        return self._n_hidden_features()

    def _score(self, columns: Mapping[str, Column]) -> float:
        """Score as many samples as there are rows, in network units."""
        n_rows = len(columns["x"])
        if n_rows < _LEAST_SCORED:
            raise ValueError(
                f"A score of samples takes {_LEAST_SCORED} rows at least, got {n_rows}."
            )
        real, fake = self._compared(columns, _MOST_SCORED)
        condition: Any = real.get("condition")
        given = None if condition is None else condition.tensor.numpy()
        return sample_score(_numbers(real), _numbers(fake), given)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _numbers(columns: Mapping[str, Column]) -> NDArray[np.float64]:
    """Return rows as an array in double precision."""
    x: Any = columns["x"].take(slice(None))
    rows: NDArray[np.float64] = x.double().numpy()
    return rows


def _calibrated(of_rows: NDArray, of_samples: NDArray) -> tuple[float, float]:
    """Return slope and intercept of the logistic curve that tells rows from samples by outputs.

    A discriminator that has lost may give samples more: that is no sign that less is better.
    """
    outputs = np.concatenate([of_rows, of_samples])[:, None]
    scale = float(np.abs(outputs).max()) or 1.0
    is_real = np.repeat([1, 0], [len(of_rows), len(of_samples)])
    fitted = LogisticRegression(C=1e3).fit(outputs / scale, is_real)
    if fitted.coef_[0, 0] <= 0:
        return 0.0, 0.0
    return float(fitted.coef_[0, 0] / scale), float(fitted.intercept_[0])


def _normalize(discriminator: nn.Module) -> None:
    """Put spectral normalization around every layer with weights."""
    for name, layer in list(discriminator.named_children()):
        if isinstance(layer, nn.Linear | nn.Conv2d):
            setattr(discriminator, name, SpectralNorm(layer))
        else:
            _normalize(layer)
