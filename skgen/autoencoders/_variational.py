"""The variational autoencoder."""

import math
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn
from torch.nn import functional

from skgen._sklearn import StrOptions
from skgen.autoencoders._base import RowFunction
from skgen.autoencoders._sampling import BaseSamplingAutoencoder
from skgen.engine import Batch, Column, Progress, Turn, drawing, seeded
from skgen.exceptions import warn
from skgen.inputs import Units
from skgen.networks.encoders import Means
from skgen.parameters import NOT_NEGATIVE, checked_count, parameter

__all__ = ["VariationalAutoencoder"]


# Rows by which the code is judged, and the variance below which a unit counts as dead (Burda et al.
# 2016, section 5.2).
_N_JUDGED = 1000
_LEAST_UPDATES = 100
_LEAST_VARIANCE = 0.01

# What logarithms of variances keep to, so that no exponential overflows on the way.
_LOG_VARIANCES = (-16.0, 8.0)


def _posterior(module: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return means and logarithms of variances of the codes of rows."""
    mean, log_variance = module.encoder(x).chunk(2, dim=1)
    return mean, log_variance.clamp(*_LOG_VARIANCES)


def _log_likelihood(module: Any, code: Tensor, x: Tensor, likelihood: str) -> Tensor:
    """Return the log-density of every row under what the decoder makes of its code."""
    output = module.decoder(code)
    if likelihood == "bernoulli":
        return -functional.binary_cross_entropy_with_logits(output, x, reduction="none").sum(dim=1)
    log_std = module.noise.log_std
    squares = ((x - output) * (-log_std).exp()).square().sum(dim=1)
    return -squares / 2 - x.shape[1] * (log_std + math.log(2 * math.pi) / 2)


@dataclass(frozen=True)
class _Bound:
    """The negative evidence lower bound, by feature."""

    likelihood: str
    beta: float
    is_mean_over_rows: ClassVar[bool] = True

    def __call__(
        self, module: Any, batch: Batch, state: Progress
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Return the objective on a batch; and its two parts, in nats a row."""
        x = batch["x"]
        mean, log_variance = _posterior(module, x)
        with nullcontext() if module.training else seeded(0):  # rows set aside: always the same
            noise = torch.randn_like(mean)
        code = mean + (log_variance / 2).exp() * noise
        restored = _log_likelihood(module, code, x, self.likelihood).mean()
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1).mean() / 2
        objective = (self.beta * divergence - restored) / x.shape[1]
        return objective, {"log_likelihood": restored.detach(), "divergence": divergence.detach()}


class _Noise(nn.Module):
    """The logarithm of the standard deviation of rows about what is decoded."""

    def __init__(self) -> None:
        super().__init__()
        self.log_std = nn.Parameter(torch.zeros(()))


@final
class VariationalAutoencoder(BaseSamplingAutoencoder):
    r"""An autoencoder whose codes are distributions, held to the standard normal one.

    It minimizes the negative evidence lower bound, divided by the number of features:

    .. math:: L = -\mathbb{E}_{z \sim q(z|x)} \log p(x|z)
              + \text{beta} \cdot \text{KL}(q(z|x) \,\|\, N(0, I)),
              \qquad q(z|x) = N(\mu(x), \text{diag}\, \sigma^2(x))

    The likelihood :math:`p(x|z)` is normal about what the decoder gives, with one standard
    deviation that is learned, or Bernoulli for X in [0, 1].

    Attributes
    ----------
    noise_std_ : float or None
        Standard deviation of X about what is decoded, in units of X. None for Bernoulli.

    See Also
    --------
    AdversarialAutoencoder : Holds the codes of all rows together to any prior.
    sklearn.decomposition.FactorAnalysis : Linear, with a closed form.

    Notes
    -----
    `transform` returns the mean code and is deterministic. Where a number of the code does not pay
    for itself, its mean is 0 for all rows; a smaller `beta` has more of them used.

    The learned standard deviation balances the two terms by itself [2]_, so that ``beta=1`` is the
    bound, whatever the units of X.

    References
    ----------
    .. [1] D. Kingma, M. Welling, "Auto-encoding variational Bayes", ICLR 2014.
    .. [2] O. Rybkin, K. Daniilidis, S. Levine, "Simple and effective VAE training with calibrated
       decoders", ICML 2021.
    .. [3] I. Higgins et al., "beta-VAE: learning basic visual concepts with a constrained
       variational framework", ICLR 2017.
    .. [4] Y. Burda, R. Grosse, R. Salakhutdinov, "Importance weighted autoencoders", ICLR 2016.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skgen import VariationalAutoencoder
    >>> X, _ = load_digits(return_X_y=True)
    >>> model = VariationalAutoencoder(8, random_state=0).fit(X)
    >>> model.transform(X).shape
    (1797, 8)
    >>> model.sample(10, random_state=0).shape
    (10, 64)
    """

    beta: float = parameter(
        1.0,
        NOT_NEGATIVE,
        """Weight of the divergence from the prior.""",
    )
    likelihood: str = parameter(
        "gaussian",
        [StrOptions({"gaussian", "bernoulli"})],
        """How rows are distributed about what is decoded. ``"bernoulli"`` is for X in [0, 1], best
        of zeros and ones; the range of images is mapped to it.""",
    )

    _code_heads: ClassVar[int] = 2

    def _new_module(self) -> nn.Module:
        module = super()._new_module()
        if self.likelihood == "gaussian":
            module.noise = _Noise()
        return module

    def _units(self, *, of_images: bool) -> Units:
        if self.likelihood == "gaussian":
            return Units()
        return Units((0.0, 1.0), by_value_range=True, needed_by='likelihood="bernoulli"')

    def _built_with(self) -> dict[str, Any]:
        return {**super()._built_with(), "likelihood": self.likelihood}

    def _turns(self) -> list[Turn]:
        players = ("encoder", "decoder", "noise")[: 3 if self.likelihood == "gaussian" else 2]
        return [Turn(players, _Bound(self.likelihood, self.beta))]

    def _learn(self, X: Any, y: Any = None, **options: Any) -> dict[str, Column]:
        columns = super()._learn(X, y, **options)
        noise = getattr(self.net_.module_, "noise", None)
        self.noise_std_ = None
        if noise is not None:
            self.noise_std_ = float(noise.log_std.detach().exp()) * self.scaling_.scale
        if self.net_.progress_.update >= _LEAST_UPDATES and not options.get("partial"):
            some = np.random.default_rng(0).permutation(len(columns["x"]))[:_N_JUDGED]
            codes = self._apply(self._maps()[0], columns, some)
            if (codes.var(axis=0) < _LEAST_VARIANCE).all():
                warn(
                    f"The code is dead: all of its {self.n_components_} units are the same for "
                    "every row, so it says nothing, and samples are all alike. Lower beta, which "
                    f"is {self.beta}, or train longer."
                )
        return columns

    def _output(self, network: Any) -> RowFunction:
        """Return the mean of rows given their codes, in network units."""
        if self.net_.built_with_["likelihood"] == "bernoulli":
            return lambda code: network.decoder(code).sigmoid()
        decoder: RowFunction = network.decoder
        return decoder

    def _maps(self) -> tuple[RowFunction, RowFunction]:
        network = self._network()
        return lambda x: _posterior(network, x)[0], self._output(network)

    def _code_head(self) -> nn.Module:
        return Means()

    def score_samples(
        self,
        X: ArrayLike,
        *,
        n_draws: int = 64,
        random_state: int | np.random.RandomState | None = 0,
    ) -> NDArray:
        r"""Estimate the log-likelihood of every row, by importance weighting.

        .. math:: \log \frac{1}{m} \sum_{j=1}^{m} \frac{p(x | z_j)\, p(z_j)}{q(z_j | x)},
                  \quad z_j \sim q(z | x)

        That is a lower bound in expectation, and tighter the larger :math:`m` is; for 1 it is an
        estimate of the evidence lower bound.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of the kind seen in `fit`.

        n_draws : int, default=64
            Codes that are drawn for every row, :math:`m`.

        random_state : int, RandomState instance or None, default=0
            Seeds the draws, which are the same for all rows.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            In nats: logarithms of densities in the units of X; or of probabilities, for Bernoulli.
            Higher is more normal.

        References
        ----------
        .. [1] Y. Burda, R. Grosse, R. Salakhutdinov, "Importance weighted autoencoders", ICLR 2016,
           equation 8.
        """
        n_draws = checked_count("n_draws", n_draws)
        columns = self._columns(X)
        likelihood, network = self.net_.built_with_["likelihood"], self._network()
        with drawing(random_state):
            noise = torch.randn(n_draws, self.n_components_)
        unit = 0.0 if likelihood == "bernoulli" else math.log(self.scaling_.scale)

        def log_likelihood(x: Tensor) -> Tensor:
            mean, log_variance = _posterior(network, x)
            weights = []
            for draw in noise.to(x.device):
                code = mean + (log_variance / 2).exp() * draw
                # log p(z) - log q(z | x), whose constants cancel
                ratio = (draw.square() + log_variance - code.square()).sum(dim=1) / 2
                weights.append(_log_likelihood(network, code, x, likelihood) + ratio)
            total = torch.stack(weights).double().logsumexp(dim=0)
            return total - math.log(n_draws) - x.shape[1] * unit

        scores: NDArray = self._apply(log_likelihood, columns)
        return scores

    def score(self, X: ArrayLike, y: None = None) -> float:
        """Return the mean of `score_samples`: the log-likelihood of a row of X, estimated.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of the kind seen in `fit`.

        y : None
            Ignored.

        Returns
        -------
        score : float
            In nats a row; higher is better.
        """
        return float(self.score_samples(X).mean(dtype=np.float64))

    def _prior_codes(self, n_samples: int) -> Tensor:
        return torch.randn(n_samples, self.n_components_)

    def sample(
        self,
        n_samples: int = 1,
        *,
        noise: bool | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> NDArray:
        """Draw new rows.

        Parameters
        ----------
        n_samples : int, default=1
            How many.

        noise : bool or None, default=None
            Whether to draw rows about what is decoded, as the likelihood says, or to return its
            mean. The model is of the former; images look better as the latter. None draws noise
            for rows, and none for images.

        random_state : int, RandomState instance or None, default=None
            Seeds the draw.

        Returns
        -------
        rows : ndarray of shape (n_samples, n_features)
            In the units of X; or images, if `fit` got such.
        """
        check_is_fitted(self)
        if noise not in (None, True, False):
            raise ValueError(f"noise has to be True, False or None, got {noise!r}.")
        noisy = not self.input_.holds_images if noise is None else noise
        with drawing(random_state):
            rows = self._drawn(n_samples)
            if noisy and self.noise_std_ is None:
                chances = self.scaling_.apply(torch.from_numpy(rows)).clamp_(0, 1)
                rows = self.scaling_.undo(torch.bernoulli(chances)).numpy()
            elif noisy:
                drawn = rows + self.noise_std_ * torch.randn(rows.shape).numpy()
                value_range = self.input_.value_range
                rows = drawn if value_range is None else drawn.clip(*value_range)
                rows = rows.astype(self.input_.dtype, copy=False)
        return self.input_.restore(rows)
