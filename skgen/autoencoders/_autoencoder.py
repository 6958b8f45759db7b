"""The general dense autoencoder."""

from typing import final

from skgen.autoencoders._dense import BaseDenseAutoencoder
from skgen.autoencoders._regularized import Regularized

__all__ = ["Autoencoder"]


@final
class Autoencoder(Regularized, BaseDenseAutoencoder):
    r"""A dense autoencoder: projects rows to a code from which they can be restored.

    It minimizes

    .. math:: L = \ell(\text{Dec}(n(\text{Enc}(c(x)))), x) + \sum_p p(x, \text{Enc}(c(x)))

    over minibatches, where the loss :math:`\ell` is the mean squared error by default, and the
    corruption :math:`c`, the noise on the code :math:`n` and the penalties :math:`p` are none.

    A code smaller than the data compresses. One that is larger needs a corruption, noise or a
    penalty to learn anything but the identity.

    See Also
    --------
    DenoisingAutoencoder : Learns from distorted rows.
    LinearAutoencoder : Without activations: principal components.

    Notes
    -----
    X is centered and divided by one overall scale before it enters the network, and results come
    back in the units of X, so units do not matter; the columns keep their relative weight, as in
    PCA. Put a `StandardScaler` before it where all columns should weigh the same.

    References
    ----------
    .. [1] G. Hinton, R. Salakhutdinov, "Reducing the dimensionality of data with neural networks",
       Science 313, 2006.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skgen import Autoencoder
    >>> X, _ = load_digits(return_X_y=True)
    >>> model = Autoencoder(16, random_state=0).fit(X)
    >>> model.transform(X).shape
    (1797, 16)
    >>> model.score(X) > 0.9
    True
    """
