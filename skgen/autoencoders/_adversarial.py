"""The adversarial autoencoder."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn

from skgen._sklearn import StrOptions
from skgen.adversarial_losses import Adversarial, AdversarialLoss, discriminator_objective
from skgen.autoencoders._deep import BaseDeepAutoencoder
from skgen.autoencoders._sampling import BaseSamplingAutoencoder
from skgen.engine import Batch, Progress, Turn
from skgen.inputs import Units
from skgen.networks.adversarial import Discriminator
from skgen.networks.dense import dense_levels
from skgen.parameters import POSITIVE, SIZES, checked_sizes, override, parameter
from skgen.priors import PRIORS, Prior, prior_codes, resolve_prior

__all__ = ["AdversarialAutoencoder"]


@dataclass(frozen=True)
class _TellCodesApart:
    """The discriminator's turn: the prior is real, codes are fake."""

    adversarial_loss: AdversarialLoss
    prior: Callable[[int, int], Any]
    r1_weight: float

    is_mean_over_rows: ClassVar[bool] = True

    def differentiates_twice(self, module: Any) -> bool:
        """Return whether it has a penalty on a gradient."""
        return self.r1_weight > 0 or self.adversarial_loss.has_penalty()

    def __call__(
        self, module: Any, batch: Batch, state: Progress
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Return the objective on a batch, and what the discriminator says of both sides."""
        codes = module.encoder(batch["x"])
        drawn = prior_codes(self.prior, *codes.shape).to(codes.device)
        objective, of_prior, of_codes = discriminator_objective(
            self.adversarial_loss, module.discriminator, drawn, codes, self.r1_weight
        )
        return objective, {"D(prior)": of_prior, "D(code)": of_codes}


@dataclass(frozen=True)
class _FoolWithCodes:
    """The encoder's second turn: codes that pass for draws from the prior."""

    adversarial_loss: AdversarialLoss

    is_mean_over_rows: ClassVar[bool] = True

    def __call__(self, module: Any, batch: Batch, state: Progress) -> Tensor:
        """Return the objective on a batch."""
        return self.adversarial_loss.generator_loss(
            module.discriminator(module.encoder(batch["x"]))
        )


@final
class AdversarialAutoencoder(Adversarial, BaseSamplingAutoencoder, BaseDeepAutoencoder):
    r"""An autoencoder whose codes, taken together, follow a distribution of your choice.

    Three turns on every minibatch, with a discriminator :math:`D` of codes:

    .. math::
        \text{restore:} \quad & \min_{\text{Enc}, \text{Dec}} \;
            \ell(\text{Dec}(\text{Enc}(x)), x) \\
        \text{tell apart:} \quad & \min_D \;
            -\log D(z) - \log(1 - D(\text{Enc}(x))), \quad z \sim \text{prior} \\
        \text{fool:} \quad & \min_{\text{Enc}} \; -\log D(\text{Enc}(x))

    So the decoder knows what to make of any draw from the prior, and `sample` draws new rows.

    See Also
    --------
    VariationalAutoencoder : Holds every code to the prior, by a formula and with noise.
    GAN : Without an encoder; samples of images are sharper.

    References
    ----------
    .. [1] A. Makhzani, J. Shlens, N. Jaitly, I. Goodfellow, B. Frey, "Adversarial autoencoders",
       arXiv:1511.05644, 2015.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skgen import AdversarialAutoencoder
    >>> images = load_digits().images
    >>> model = AdversarialAutoencoder(4, n_filters=(16, 32), random_state=0).fit(images)
    >>> model.transform(images).shape
    (1797, 4)
    >>> model.sample(10, random_state=0).shape
    (10, 8, 8)
    """

    prior: str | Prior | Callable[[int, int], Any] = parameter(
        "normal",
        [StrOptions(set(PRIORS)), Prior, callable],
        f"""What codes are drawn to: {", ".join(PRIORS)}, an object of `skgen.priors`, or
        ``prior(n_samples, n_components)``, which returns an array and draws with torch's
        generator, so that a seed repeats it.""",
        kind="str, Prior or callable",
    )
    r1_weight: float | None = override(
        None,
        """Weight of the squared gradient of the discriminator at draws from the prior (R1). None
        stands for 0.01 times the square root of the code's size, and for 0 in the Wasserstein loss,
        which has a penalty of its own. More makes training steadier; less lets codes follow a prior
        with fine structure.""",
    )
    discriminator_layer_sizes: Sequence[int] = parameter(
        (256, 256),
        SIZES,
        """Sizes of the hidden layers of the discriminator.""",
    )
    lr: float = override(2e-3)
    adversarial_lr_ratio: float = parameter(
        0.5,
        POSITIVE,
        """Learning rate of the encoder in its second turn, as a share of `lr`. More of it brings
        codes closer to the prior, at the price of reconstruction; 1 suits small codes.""",
    )

    def _units(self, *, of_images: bool = False) -> Units:
        return BaseDeepAutoencoder._units(self)

    def _new_module(self) -> nn.Module:
        module = super()._new_module()
        sizes = checked_sizes(self, "discriminator_layer_sizes")
        code_size = self._code_size(self.n_features_in_)
        levels = nn.Sequential(*dense_levels([code_size, *sizes], "leaky_relu"))
        module.discriminator = Discriminator(levels, [code_size, *sizes][-1])
        with torch.random.fork_rng([]):
            prior_codes(resolve_prior(self.prior), 2, code_size)  # that it can be drawn from
        return module

    def _built_with(self) -> dict[str, Any]:
        sizes = checked_sizes(self, "discriminator_layer_sizes")
        return {**super()._built_with(), "discriminator_layer_sizes": sizes}

    def _turns(self) -> list[Turn]:
        code_size = self._code_size(self.n_features_in_)
        loss, weight = self._adversarial_loss(usual_weight=0.01 * code_size**0.5)
        (restore,) = super()._turns()
        return [
            restore._replace(name="reconstruction"),
            Turn(
                ("discriminator",),
                _TellCodesApart(loss, resolve_prior(self.prior), weight),
                "discriminator",
                optimizer=self._optimizer_settings(betas=(0.5, 0.9)),
                shares_batch=True,
            ),
            Turn(
                ("encoder",),
                _FoolWithCodes(loss),
                "encoder",
                optimizer={"lr": self.adversarial_lr_ratio * self.lr},
                shares_batch=True,
            ),
        ]

    def _prior_codes(self, n_samples: int) -> Tensor:
        turn: Any = self.net_.turns[1].loss
        return prior_codes(turn.prior, n_samples, self.n_components_)
