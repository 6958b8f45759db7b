"""The domain-adversarial classifier."""

from collections.abc import Sequence
from typing import Any, ClassVar, final

from torch import nn

from skgen.adaptation._base import BaseAdaptedClassifier
from skgen.networks.dense import dense_levels
from skgen.parameters import SIZES, checked_sizes, override, parameter

__all__ = ["DomainAdversarialClassifier"]


@final
class DomainAdversarialClassifier(BaseAdaptedClassifier):
    r"""A classifier whose features do not tell a discriminator which domain a row is of.

    With features :math:`f`, a label head :math:`g` and a domain head :math:`d`, the features and
    the label head descend

    .. math:: L_y(g(f(x^s)), y^s) - \lambda L_d + \lambda \sum_a L_a, \qquad
              L_d = -\tfrac12 \left[ \log d(f(x^s)) + \log (1 - d(f(x^t))) \right]

    while the domain head descends :math:`L_d`, in the same step: on its way back from the domain
    head the gradient is reversed. The alignments :math:`L_a` are none by default, and
    :math:`\lambda` rises from 0 to `adaptation_weight`.

    See Also
    --------
    MinimumClassConfusionClassifier, CoralClassifier : Without a discriminator.
    LabeledOnly : Lets XGBoost follow in a pipeline.

    Notes
    -----
    Features alike in distribution need not be alike class by class: an adversary that is too strong
    maps one class onto another. Then `adaptation_weight` is too high, or the target has other
    shares of the classes than ``target_shares_`` says. ``alignment=ClassConfusion()`` beside it
    works against that.

    References
    ----------
    .. [1] Y. Ganin et al., "Domain-adversarial training of neural networks", JMLR 17, 2016,
       equations 9 to 18.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_moons
    >>> from skgen import DomainAdversarialClassifier
    >>> X, y = make_moons(400, noise=0.1, random_state=0)
    >>> X[200:] += 0.5  # the target is shifted, and its labels are not known
    >>> known = np.append(y[:200], np.full(200, -1))
    >>> sample_domain = np.repeat([1, -1], 200)
    >>> model = DomainAdversarialClassifier(8, max_epochs=50, random_state=0)
    >>> model.fit(X, known, sample_domain=sample_domain).transform(X).shape
    (400, 8)
    """

    adaptation_weight: float = override(
        0.1,
        r"""What :math:`\lambda` rises to: how much the target counts beside the labels. 0 trains on
        the source alone.""",
    )
    discriminator_layer_sizes: Sequence[int] = parameter(
        (128,),
        SIZES,
        """Sizes of the hidden layers of the domain head.""",
    )

    _is_adversarial: ClassVar[bool] = True

    def _domain_head(self) -> nn.Module | None:
        sizes = [self.n_components, *checked_sizes(self, "discriminator_layer_sizes")]
        return nn.Sequential(*dense_levels(sizes, self.activation), nn.Linear(sizes[-1], 1))

    def _built_with(self) -> dict[str, Any]:
        sizes = checked_sizes(self, "discriminator_layer_sizes")
        return {**super()._built_with(), "discriminator_layer_sizes": sizes}
