"""The classifier of minimum class confusion."""

from typing import final

from skgen.adaptation._base import BaseAdaptedClassifier
from skgen.alignments import Alignment, ClassConfusion
from skgen.parameters import POSITIVE, parameter

__all__ = ["MinimumClassConfusionClassifier"]


@final
class MinimumClassConfusionClassifier(BaseAdaptedClassifier):
    r"""A classifier that does not waver between classes of the target.

    .. math:: L = L_y(g(f(x^s)), y^s) + \lambda \frac1K \sum_{j \ne k}
              \frac{C_{jk}}{\sum_l C_{jl}} + \lambda \sum_a L_a

    with features :math:`f`, a label head :math:`g`, and the confusion :math:`C` of classes that
    predictions of target rows show among each other. The alignments :math:`L_a` are none by
    default, and :math:`\lambda` rises from 0 to `adaptation_weight`.

    See Also
    --------
    skgen.alignments.ClassConfusion : The loss.
    DomainAdversarialClassifier : Aligns the domains; takes this loss as a further one.
    LabeledOnly : Lets XGBoost follow in a pipeline.

    Notes
    -----
    The loss brings no distributions together; batch normalization with ``"per_domain"`` does. It
    builds on the first guesses: where a classifier of the source is no better than chance on the
    target, it will be sure of chance.

    References
    ----------
    .. [1] Y. Jin, X. Wang, M. Long, J. Wang, "Minimum class confusion for versatile domain
       adaptation", ECCV 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from skgen import MinimumClassConfusionClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> known = np.where(np.arange(len(X)) < 900, y, -1)
    >>> X[900:] = X[900:] * 0.5 + 4  # the target is paler
    >>> model = MinimumClassConfusionClassifier(max_epochs=10, random_state=0).fit(X, known)
    >>> model.score(X[900:], y[900:]) > 0.8
    True
    """

    temperature: float = parameter(
        2.5,
        POSITIVE,
        """What logits are divided by before they become the probabilities that are compared.""",
    )

    def _alignments(self) -> list[Alignment]:
        return [ClassConfusion(weight=1.0, temperature=self.temperature), *super()._alignments()]
