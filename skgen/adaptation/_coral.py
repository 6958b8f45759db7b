"""The classifier of deep correlation alignment."""

from typing import final

from skgen.adaptation._base import BaseAdaptedClassifier
from skgen.alignments import Alignment, Coral
from skgen.parameters import override

__all__ = ["CoralClassifier"]


@final
class CoralClassifier(BaseAdaptedClassifier):
    r"""A classifier whose features are correlated alike in both domains.

    .. math:: L = L_y(g(f(x^s)), y^s)
              + \lambda \frac{\|C_S - C_T\|_F^2}{\|C_S\|_F^2 + \|C_T\|_F^2}
              + \lambda \sum_a L_a

    with features :math:`f`, a label head :math:`g`, and the covariance matrices :math:`C_S, C_T` of
    the features of source and target. The alignments :math:`L_a` are none by default, and
    :math:`\lambda` rises from 0 to `adaptation_weight`.

    See Also
    --------
    skgen.alignments.Coral : The loss, and how it differs from the paper's.
    DomainAdversarialClassifier : Aligns whole distributions.
    LabeledOnly : Lets XGBoost follow in a pipeline.

    References
    ----------
    .. [1] B. Sun, K. Saenko, "Deep CORAL: correlation alignment for deep domain adaptation", ECCV
       workshops 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from skgen import CoralClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> known = np.where(np.arange(len(X)) < 900, y, -1)
    >>> X[900:] = X[900:] * 0.5 + 4  # the target is paler
    >>> model = CoralClassifier(max_epochs=10, random_state=0).fit(X, known)
    >>> model.score(X[900:], y[900:]) > 0.8
    True
    """

    adaptation_weight: float = override(0.3)

    def _alignments(self) -> list[Alignment]:
        return [Coral(weight=1.0), *super()._alignments()]
