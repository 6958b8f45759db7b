"""The redundant autoencoder."""

from collections.abc import Sequence
from typing import final

from skgen.autoencoders._expanding import BaseExpandingAutoencoder
from skgen.corruptions import CORRUPTION, Corruption, corruption_at
from skgen.parameters import NOT_NEGATIVE, parameter

__all__ = ["RedundantAutoencoder"]


@final
class RedundantAutoencoder(BaseExpandingAutoencoder):
    r"""An autoencoder whose code gets noise in training, so that no unit can be relied upon.

    .. math:: L = \ell(\text{Dec}(\text{Noise}(\text{Enc}(x))), x)

    What matters has to be said by several units, in a way that survives the loss of some of them.
    `transform` and `inverse_transform` never add noise.

    See Also
    --------
    Autoencoder : The general one; equal to this one with ``code_noise`` set and the same layers,
        activations and tied weights.
    DenoisingAutoencoder : Noise on the input in place of the code.

    References
    ----------
    .. [1] N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov, "Dropout: a
       simple way to prevent neural networks from overfitting", JMLR 15, 2014.
    .. [2] R. Salakhutdinov, G. Hinton, "Semantic hashing", International Journal of Approximate
       Reasoning 50, 2009, in which Gaussian noise on a sigmoid code makes it binary.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skgen import RedundantAutoencoder
    >>> X, _ = load_digits(return_X_y=True)
    >>> model = RedundantAutoencoder(random_state=0).fit(X)
    >>> model.transform(X).shape
    (1797, 128)
    """

    code_noise: str | Corruption | Sequence[str | Corruption] = parameter(
        "dropout",
        CORRUPTION,
        """The kind of noise on the code: units that are dropped while the others are scaled up,
        added noise, units set to 0, to an extreme, or to what they are for another row; an object
        of `skgen.corruptions`; or a list of these, done one after the other.""",
        kind="{'dropout', 'gaussian', 'masking', 'salt_and_pepper', 'swap'}, Corruption or list",
    )
    code_noise_level: float | None = parameter(
        None,
        [*NOT_NEGATIVE, None],
        """How strong it is: for Gaussian noise the standard deviation, in units of the code; for
        the others the share of units that are replaced. None stands for the default of that
        kind.""",
    )

    def _code_noise(self) -> Corruption | None:
        return corruption_at(self.code_noise, self.code_noise_level)
