"""The generative adversarial network."""

from typing import final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from skgen.engine import drawing
from skgen.generators._base import BaseGAN
from skgen.parameters import checked_count

__all__ = ["GAN"]


@final
class GAN(BaseGAN):
    r"""A generator of rows like those of X, trained by a discriminator that tells them apart.

    In every iteration the discriminator makes `discriminator_steps` updates, each on fresh rows
    and fresh noise, then the generator makes one. With the default loss they descend

    .. math:: L_D = -\log D(x) - \log(1 - D(G(z))) + \tfrac{w}{2} \|\nabla_x f(x)\|^2, \qquad
              L_G = -\log D(G(z)), \qquad z \sim N(0, I)

    where :math:`D = \sigma(f)` is the probability of being real, and :math:`w` is
    `r1_weight`.

    See Also
    --------
    ConditionalGAN : Samples of a class, or with attributes, of your choice.
    VariationalAutoencoder : Trains without a discriminator; has a likelihood and a code.

    Notes
    -----
    Flat rows get dense networks, images convolutional ones. Columns of a table should be of
    comparable scale: put a `StandardScaler` before it, and its `inverse_transform` after `sample`.

    Losses do not tell how good samples are, since each is measured against an opponent that learns.
    `score` does, and ``early_stopping=True`` keeps the generator that did best by it.

    References
    ----------
    .. [1] I. Goodfellow et al., "Generative adversarial nets", NeurIPS 2014.
    .. [2] L. Mescheder, A. Geiger, S. Nowozin, "Which training methods for GANs do actually
       converge?", ICML 2018.
    .. [3] A. Radford, L. Metz, S. Chintala, "Unsupervised representation learning with deep
       convolutional generative adversarial networks", ICLR 2016, on the discriminator's features.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skgen import GAN
    >>> X, _ = make_moons(2000, noise=0.05, random_state=0)
    >>> model = GAN(2, max_epochs=100, random_state=0).fit(X)
    >>> model.sample(5, random_state=0).shape
    (5, 2)
    >>> model.transform(X).shape
    (2000, 384)
    """

    def sample(
        self, n_samples: int = 1, *, random_state: int | np.random.RandomState | None = None
    ) -> NDArray:
        """Draw new rows.

        Parameters
        ----------
        n_samples : int, default=1
            How many.

        random_state : int, RandomState instance or None, default=None
            Seeds the noise.

        Returns
        -------
        rows : ndarray of shape (n_samples, n_features)
            In the units of X; or images, if `fit` got such.
        """
        check_is_fitted(self)
        n_samples = checked_count("n_samples", n_samples)
        with drawing(random_state):
            noise = self._noise(n_samples)
        return self.input_.restore(self._generated(noise, {}))

    def generate(self, Z: ArrayLike) -> NDArray:
        """Make rows of noise of your choice, to move from one sample to another for example.

        Parameters
        ----------
        Z : array-like of shape (n_samples, latent_dim)
            Noise. That of training was standard normal.

        Returns
        -------
        rows : ndarray of shape (n_samples, n_features)
            In the units of X; or images, if `fit` got such.
        """
        check_is_fitted(self)
        return self.input_.restore(self._generated(self._checked_noise(Z), {}))

    def discriminate(self, X: ArrayLike) -> NDArray:
        """Return how likely the discriminator takes rows for real, not for samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of the kind seen in `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n_samples,)
            Of being real. (Some texts have the discriminator give the probability of being fake:
            1 less this.) At the end of a good training it is near 0.5 for rows and samples alike.
        """
        return self._probabilities(self._columns(X))

    def score(self, X: ArrayLike, y: None = None) -> float:
        """Return how well samples cover rows, and rows samples, without labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, best such that the model did not see.

        y : None
            Ignored.

        Returns
        -------
        score : float
            The mean of two coverages, see `skgen.metrics.density_coverage`: of rows by as many
            samples, and of samples by rows. Near 1, from below, for samples of the rows' own
            distribution; 0 for samples that are nowhere near. Distances are between rows in network
            units, of images between pixels. It depends on the number of rows, of which it takes
            10,000 at most: compare scores of equal numbers.
        """
        return self._score(self._columns(X))
