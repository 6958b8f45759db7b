"""The denoising autoencoder."""

from collections.abc import Sequence
from typing import final

from skgen.autoencoders._dense import BaseDenseAutoencoder
from skgen.corruptions import CORRUPTION, Corruption, corruption_at
from skgen.parameters import NOT_NEGATIVE, parameter

__all__ = ["DenoisingAutoencoder"]


@final
class DenoisingAutoencoder(BaseDenseAutoencoder):
    r"""An autoencoder that gets distorted rows and learns to give back the clean ones.

    .. math:: L = \ell(\text{Dec}(\text{Enc}(\text{Noise}(x))), x)

    Undoing the distortion takes knowledge of how columns depend on each other, so even a code
    larger than the data learns something, and what it learns often serves better as features than
    a plain code. `transform` never adds noise.

    See Also
    --------
    Autoencoder : The general one; equal to this one with ``corruption`` set.

    Notes
    -----
    ``"dropout"`` suits features and reconstructions of whole rows: the sums that enter the first
    layer have the same mean in training as in `transform`. With ``"masking"``, as in [1]_, they are
    larger in `transform`, and whole rows come back distorted; it suits rows that miss as many cells
    as rows did in training, filled with their column's mean.

    References
    ----------
    .. [1] P. Vincent, H. Larochelle, I. Lajoie, Y. Bengio, P.-A. Manzagol, "Stacked denoising
       autoencoders", JMLR 11, 2010.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skgen import DenoisingAutoencoder
    >>> X, _ = load_digits(return_X_y=True)
    >>> model = DenoisingAutoencoder(16, random_state=0).fit(X)
    >>> model.transform(X).shape
    (1797, 16)
    """

    corruption: str | Corruption | Sequence[str | Corruption] = parameter(
        "dropout",
        CORRUPTION,
        """The kind of distortion: cells set to their column's mean while the others are scaled
        up, added noise, cells set to their column's mean, cells set to an extreme of their column,
        or cells that take another row's value in their column; an object of
        `skgen.corruptions`; or a list of these, done one after the other.""",
        kind="{'dropout', 'gaussian', 'masking', 'salt_and_pepper', 'swap'}, Corruption or list",
    )
    corruption_level: float | None = parameter(
        None,
        [*NOT_NEGATIVE, None],
        """How strong it is: for Gaussian noise the standard deviation, in units of
        ``scaling_.scale``, which is the overall standard deviation of X unless an output
        activation bounds X; for the others the share of cells that are replaced. None stands for
        the default of that kind.""",
    )

    def _corruption(self) -> Corruption | None:
        return corruption_at(self.corruption, self.corruption_level)
