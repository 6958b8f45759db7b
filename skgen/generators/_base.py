"""What all adversarial generators share: players, turns, samples and their score."""

from abc import ABC
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import pdist
from scipy.special import expit
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils import Tags, check_array
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from skgen.adversarial_losses import Adversarial, AdversarialLoss, Minimax, discriminator_objective
from skgen.base import BaseModel
from skgen.engine import Batch, Batches, Progress, Rows, Turn, TurnLoss, seeded
from skgen.engine.random_state import drawing
from skgen.generators._score import sample_score
from skgen.inputs.rows_or_images import RowsOrImages
from skgen.inputs.scaling import Scaling, inference_dtype
from skgen.networks.adversarial import Discriminator, MovingAverage, Players, SpectralNorm
from skgen.networks.convolutional import FlattenImages, UnflattenImages, downwards, halved, upwards
from skgen.networks.dense import ACTIVATIONS, dense_levels
from skgen.parameters import override, parameter

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
    BaseModel,
    ABC,
):
    """Base class of the generators that learn from a discriminator."""

    _fitted: ClassVar[Mapping[str, str]] = {
        "calibration_ : tuple of float or None": """Slope and intercept of the logistic curve that
            makes probabilities of the discriminator's outputs, with losses that have none; fitted to
            rows and samples after training.""",
    }

    latent_dim: int = parameter(
        64,
        [Interval(Integral, 1, None, closed="left")],
        "int",
        """Numbers of noise that a sample is made of.""",
        positional=True,
    )
    discriminator_steps: int = parameter(
        1,
        [Interval(Integral, 1, None, closed="left")],
        "int",
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
        "bool",
        """Whether the weights of every layer of the discriminator are divided by the largest
        singular value of their matrix, which has a row for every unit or channel that they
        give.""",
    )
    ema_decay: float | None = parameter(
        0.999,
        [Interval(Real, 0, 1, closed="left"), None],
        "float or None",
        """Samples come from a moving average of the generator's weights, which keeps this share of
        itself at every update. None takes the weights as they are.""",
    )
    discriminator_lr: float | None = parameter(
        None,
        [Interval(Real, 0, None, closed="neither"), None],
        "float or None",
        """Learning rate of the discriminator, at its peak. None stands for `lr`.""",
    )
    activation: str = parameter(
        "leaky_relu",
        [StrOptions(set(ACTIVATIONS))],
        "str",
        f"""Activation of the hidden layers: one of {", ".join(ACTIVATIONS)}.""",
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
        betas of (0, 0.9), unless `net_params` says otherwise.""",
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

    # Networks and turns

    def _n_conditions(self) -> int:
        """Return how many numbers describe a row's condition."""
        return 0

    def _built_with(self) -> dict[str, Any]:
        return {
            **super()._built_with(),
            "latent_dim": self.latent_dim,
            "activation": self.activation,
            "spectral_norm": self.spectral_norm,
            "ema_decay is None": self.ema_decay is None,
        }

    def _module(self, n_features: int) -> nn.Module:
        sizes, n_seen = self._layer_sizes(), self.latent_dim + self._n_conditions()
        if self._of_images:
            shape = self._image_shape()
            last = (*halved(shape, len(sizes))[-1], sizes[-1])
            n_last = int(np.prod(last))
            levels = [*downwards(shape, sizes, self.activation), FlattenImages()]
            generator = [
                nn.Linear(n_seen, n_last),
                UnflattenImages(last),
                ACTIVATIONS[self.activation](),
                *upwards(shape, sizes, self.activation, "tanh"),
            ]
        else:
            n_last = sizes[-1]
            levels = dense_levels([n_features, *sizes], self.activation)
            generator = dense_levels([n_seen, *sizes[::-1]], self.activation)
            generator.append(nn.Linear(sizes[0], n_features))
        discriminator = Discriminator(nn.Sequential(*levels), n_last, self._n_conditions())
        if self.spectral_norm:
            _normalize(discriminator)
        averaged = self.ema_decay is not None
        players: nn.Module = Players(nn.Sequential(*generator), discriminator, averaged)
        return players.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _turns(self) -> list[Turn]:
        game, weight = self._adversarial_loss(usual_weight=0.1 * self.n_features_in_**0.5)
        own_rate = {} if self.discriminator_lr is None else {"lr": self.discriminator_lr}
        average = None if self.ema_decay is None else MovingAverage(self.ema_decay)
        return [
            Turn(
                ("discriminator",),
                _TellApart(game, self.latent_dim, weight),
                "discriminator",
                self.discriminator_steps,
                self._optimizer_settings(betas=_BETAS, **own_rate),
            ),
            Turn(
                ("generator",),
                _Fool(game, self.latent_dim),
                "generator",
                optimizer=self._optimizer_settings(betas=_BETAS),
                after_step=average,
                shares_batch=True,
            ),
        ]

    def _scaling(self, X: NDArray) -> Scaling:
        return Scaling.fit(X, (-1.0, 1.0) if self._of_images else None)

    def _default_epochs(self, n_batches: int) -> int:
        return int(np.clip(-(-5000 * self.discriminator_steps // n_batches), 20, 2000))

    # Learning

    def _validation_loss(self) -> TurnLoss | None:
        return _Shortfall(self.latent_dim)

    def _least_patience(self, n_batches: int) -> int:
        return -(-_PATIENCE * self.discriminator_steps // n_batches)

    def _split(self, X: NDArray, device: str, seed: int | None) -> tuple[Batches, Batches | None]:
        rows, held_out = super()._split(X, device, seed)
        if isinstance(held_out, Rows):
            if len(held_out) < _LEAST_SCORED:
                raise ValueError(
                    f"validation_fraction={self.validation_fraction} of {len(X)} rows is "
                    f"{len(held_out)}, and a score of samples takes {_LEAST_SCORED} rows at least. "
                    "Raise it, or set early_stopping=False."
                )
            some = np.random.default_rng(seed).permutation(len(held_out))[:_N_SCORED]
            held_out.rows = held_out.rows[np.sort(some)]
            held_out.batch_size = len(held_out)  # samples are scored all together
        return rows, held_out

    def _learn(self, X: ArrayLike, *, partial: bool) -> NDArray:
        """Train, set the fitted attributes, and look for signs of failure."""
        X = self._train(X, partial=partial)
        self._widen_value_range(X)
        n_updates = sum(self.net_.history[:, "train_batch_count"])
        settled = n_updates / (1 + self.discriminator_steps) >= _N_SETTLED
        has_probabilities = self._trained_loss().has_probabilities
        if has_probabilities:
            self.calibration_ = None
        few = len(X) < 50 and hasattr(self, "calibration_")  # to say anything new
        calibrate = not (has_probabilities or few)
        look = settled and not partial and len(X) > 1
        if calibrate or look:
            some = np.random.default_rng(0).permutation(len(X))[:_N_JUDGED]
            rows, condition = X[some], self._training_condition(some)
            with drawing(0):
                noise = self._noise(len(rows))
            samples = self._generated(noise, condition)
            of_rows, of_samples = (self._outputs(one, condition) for one in (rows, samples))
            if calibrate:
                self.calibration_ = _calibrated(of_rows, of_samples)
            if look:
                gap = self._probabilities(of_rows).mean() - self._probabilities(of_samples).mean()
                self._complaints += self._failures(rows, samples, float(gap))
        return X

    def _trained_loss(self) -> AdversarialLoss:
        """Return the loss that the networks were trained by."""
        turn: Any = self.net_.turns[0].loss
        game: AdversarialLoss = turn.adversarial_loss
        return game

    def _training_condition(self, rows: NDArray) -> NDArray | None:
        """Return the condition of some of the rows that the model has just been trained on."""
        return None

    def _failures(self, rows: NDArray, samples: NDArray, gap: float) -> list[str]:
        """Return complaints if the discriminator has won, or the samples lack variety."""
        failures, game = [], self._trained_loss()
        if gap > 0.9:
            failures.append(
                "The discriminator wins: the probability of being real that it gives to rows is "
                f"{gap:.2f} above that for samples, on average, so the generator has little to go "
                "by. Raise r1_weight, lower discriminator_lr, or take fewer "
                "discriminator_steps."
                + (
                    ' Or play adversarial_loss="non_saturating".'
                    if isinstance(game, Minimax)
                    else ""
                )
            )
        in_units = (one.reshape(len(one), -1) / self.scaling_.scale for one in (rows, samples))
        of_rows, of_samples = (float(pdist(one).mean()) for one in in_units)
        if of_samples < 0.5 * of_rows:
            failures.append(
                f"Samples have lost their variety: two of them are {of_samples / of_rows:.2f} "
                "times as far apart as two rows, on average. Raise r1_weight or "
                "batch_size, lower lr, or train longer."
            )
        return failures

    # What a fitted model can do

    def _noise(self, n_samples: int) -> NDArray:
        """Return noise for so many samples, drawn by torch's generator."""
        noise: NDArray = torch.randn(n_samples, self.net_.built_with_["latent_dim"]).numpy()
        return noise.astype(self._precision, copy=False)

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

    def _generated(self, noise: NDArray, condition: NDArray | None) -> NDArray:
        """Return flat rows made of noise, in the units of X."""
        seen = noise if condition is None else np.hstack([noise, condition.astype(noise.dtype)])
        network: Any = self._network(inference_dtype(seen))
        value_range = self.value_range_

        def rows(seen: Tensor) -> Tensor:
            x = self.scaling_.undo(network.sampler(seen))
            return x if value_range is None else x.clamp_(*value_range)

        return self._apply(rows, seen)

    def _outputs(self, X: NDArray, condition: NDArray | None) -> NDArray:
        """Return what the discriminator gives for rows, not yet squashed."""
        dtype = inference_dtype(X)
        network: Any = self._network(dtype)
        if condition is None:
            return self._apply(lambda x: network.discriminator(self.scaling_.apply(x)), X)
        n_features = self.n_features_in_

        def output(both: Tensor) -> Tensor:
            x, condition = both[:, :n_features], both[:, n_features:]
            return network.discriminator(self.scaling_.apply(x), condition)

        return self._apply(output, np.hstack([X.astype(dtype), condition.astype(dtype)]))

    def _probabilities(self, outputs: NDArray) -> NDArray:
        """Return probabilities of being real from the discriminator's outputs."""
        if self.calibration_ is None:
            verdict: NDArray = self._trained_loss().verdict(torch.from_numpy(outputs)).numpy()
            return verdict
        slope, intercept = self.calibration_
        probabilities: NDArray = expit(slope * outputs + intercept)
        return probabilities

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
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        network: Any = self._network(inference_dtype(X))
        return self._apply(lambda x: network.discriminator.pooled(self.scaling_.apply(x)), X)

    @property
    def _n_features_out(self) -> int:
        return self._n_hidden_features()

    def _score(self, X: NDArray, condition: NDArray | None) -> float:
        """Score as many samples as there are rows, in network units."""
        if len(X) < _LEAST_SCORED:
            raise ValueError(
                f"A score of samples takes {_LEAST_SCORED} rows at least, got {len(X)}."
            )
        some = np.random.default_rng(0).permutation(len(X))[:_MOST_SCORED]
        X, condition = X[some], None if condition is None else condition[some]
        with drawing(0):
            noise = self._noise(len(X))
        samples = self._generated(noise, condition)
        real, fake = (
            (rows.astype(np.float64) - self.scaling_.offset) / self.scaling_.scale
            for rows in (X, samples)
        )
        return sample_score(real, fake, condition)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


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
