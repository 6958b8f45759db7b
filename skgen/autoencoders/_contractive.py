"""The contractive autoencoder."""

from typing import final

from skgen.autoencoders._expanding import BaseExpandingAutoencoder
from skgen.parameters import COUNT, NOT_NEGATIVE, override, parameter
from skgen.penalties import Contractive, Penalty

__all__ = ["ContractiveAutoencoder"]


@final
class ContractiveAutoencoder(BaseExpandingAutoencoder):
    r"""An autoencoder whose code changes little when the input does.

    .. math:: L = \ell(\text{Dec}(\text{Enc}(x)), x)
              + \text{weight} \cdot \left\| \frac{\partial\, \text{Enc}(x)}{\partial x} \right\|_F^2

    Restoring rows takes a code that moves along with what tells them apart; the penalty makes it
    stand still in all other directions. Denoising with little noise is its relative: that asks the
    same of the reconstruction, where this asks it of the code.

    See Also
    --------
    Autoencoder : The general one; equal to this one with ``penalty=Contractive(weight)`` and the
        same layers, activations and tied weights.
    DenoisingAutoencoder : Learns from distorted rows.

    Notes
    -----
    With one layer each way, the norm of the Jacobian is exact and costs next to nothing. With one
    hidden layer and a linear code it is exact, and costs a product of the layers' weights for every
    batch. With more it is estimated, at the price of another pass through the encoder, and of a
    pass back for each of `n_directions`.

    References
    ----------
    .. [1] S. Rifai, P. Vincent, X. Muller, X. Glorot, Y. Bengio, "Contractive auto-encoders:
       explicit invariance during feature extraction", ICML 2011.
    .. [2] G. Alain, Y. Bengio, "What regularized auto-encoders learn from the data-generating
       distribution", JMLR 15, 2014, on how it relates to denoising.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skgen import ContractiveAutoencoder
    >>> X, _ = load_digits(return_X_y=True)
    >>> model = ContractiveAutoencoder(random_state=0).fit(X)
    >>> model.transform(X).shape
    (1797, 128)
    """

    weight: float = parameter(
        1e-2,
        NOT_NEGATIVE,
        """How much the squared norm of the Jacobian costs. See `skgen.penalties.Contractive`.""",
    )
    n_directions: int = parameter(
        1,
        COUNT,
        """Random directions for every row, where the norm has no closed form.""",
    )
    code_activation: str | None = override("sigmoid")

    def _penalties(self) -> list[Penalty]:
        return [Contractive(weight=self.weight, n_directions=self.n_directions)]
