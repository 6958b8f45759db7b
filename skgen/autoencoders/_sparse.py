"""The sparse autoencoder."""

from numbers import Real
from typing import Any, final

import numpy as np

from skgen._sklearn import Interval, StrOptions
from skgen.autoencoders._expanding import BaseExpandingAutoencoder
from skgen.engine import Column
from skgen.exceptions import warn
from skgen.metrics import hoyer_sparsity
from skgen.networks.dense import ACTIVATIONS
from skgen.parameters import COUNT, NOT_NEGATIVE, parameter
from skgen.penalties import KL, L1, Penalty

__all__ = ["SparseAutoencoder"]

# Rows of X that the sparsity is measured on: as many give it to a percent.
_MEASURED_ROWS = 10_000


@final
class SparseAutoencoder(BaseExpandingAutoencoder):
    r"""An autoencoder that describes every row by few active units out of many.

    .. math:: L = \ell(\text{Dec}(\text{Enc}(x)), x) + \text{weight} \cdot \Omega(\text{Enc}(x))

    with one of

    * ``method="l1"``: :math:`\Omega = \sum_i |\text{Enc}_i(x)|`, the penalty of the lasso;
    * ``method="kl"``: :math:`\Omega = \sum_i \text{KL}(\rho \| \hat\rho_i)`, which draws the mean
      activation of every unit, over a batch, to the target rate :math:`\rho`;
    * ``method="top_k"``: no penalty; the encoder keeps the `n_nonzero` largest activations of a row
      and sets the others to 0, in training and after.

    Attributes
    ----------
    sparsity_ : float
        Hoyer's sparsity of a code, mean over rows: 0 where all units are equally active, 1 where
        one alone is. NaN for a code of one unit.

    share_of_zeros_ : float
        Share of the activations that are exactly 0. Those of a sigmoid never are.

    dead_units_ : ndarray of shape (n_components,)
        Whether a unit is dead: its range over rows is less than a thousandth of the widest
        unit's, so that it tells no row from another.

    See Also
    --------
    Autoencoder : The general one; equal to this one with ``penalty=L1(weight)`` or
        ``penalty=KL(weight, target_rate=...)`` and the same layers, activations and tied weights.
        Keeping the largest activations is a matter of structure, and found here alone.

    Notes
    -----
    The three attributes are measured on the rows of the last call of `fit` or `partial_fit`, on
    10,000 of them if there are more; a small chunk makes units look dead that are not. Units die
    where the penalty outweighs what they would explain, and with ``"top_k"`` where others are
    always larger.

    References
    ----------
    .. [1] B. Olshausen, D. Field, "Emergence of simple-cell receptive field properties by learning
       a sparse code for natural images", Nature 381, 1996.
    .. [2] A. Ng, "Sparse autoencoder", CS294A lecture notes, Stanford, 2011.
    .. [3] A. Makhzani, B. Frey, "k-sparse autoencoders", ICLR 2014.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skgen import SparseAutoencoder
    >>> X, _ = load_digits(return_X_y=True)
    >>> model = SparseAutoencoder(random_state=0).fit(X)
    >>> model.transform(X).shape
    (1797, 128)
    >>> bool(model.share_of_zeros_ > 0.5)
    True
    """

    method: str = parameter(
        "l1",
        [StrOptions({"l1", "kl", "top_k"})],
        """How activations are kept few.""",
    )
    weight: float | None = parameter(
        None,
        [*NOT_NEGATIVE, None],
        """How much the penalty costs, see `skgen.penalties`; not used by ``"top_k"``. None stands
        for 0.03 over the square root of the number of features for ``"l1"``, since activations
        grow with that root, and for 0.03 for ``"kl"``.""",
    )
    target_rate: float = parameter(
        0.05,
        [Interval(Real, 0, 1, closed="neither")],
        """Mean activation that ``"kl"`` draws every unit to.""",
    )
    n_nonzero: int | None = parameter(
        None,
        [*COUNT, None],
        """Units that ``"top_k"`` keeps for every row. None stands for a tenth of them, and for one
        at least.""",
    )
    code_activation: str | None = parameter(
        "auto",
        [StrOptions({"auto", *ACTIVATIONS}), None],
        """Activation of the code. ``"auto"`` is ``"sigmoid"`` for ``"kl"``, which needs it, and
        ``"relu"`` otherwise. None leaves it linear: without exact zeros, but for ``"top_k"``.""",
        kind="str or None",
    )

    def _code_activation(self) -> str | None:
        if self.code_activation == "auto":
            return "sigmoid" if self.method == "kl" else "relu"
        return self.code_activation

    def _n_nonzero(self, n_components: int) -> int | None:
        if self.method != "top_k":
            return None
        if self.n_nonzero is not None and self.n_nonzero > n_components:
            raise ValueError(
                f"n_nonzero={self.n_nonzero} units cannot be other than 0 in a code of "
                f"{n_components}. Lower n_nonzero, or raise n_components."
            )
        return self.n_nonzero or max(1, n_components // 10)

    def _built_with(self) -> dict[str, Any]:
        return {"method": self.method, **super()._built_with()}

    def _penalties(self) -> list[Penalty]:
        if self.method == "top_k":
            return []
        if self.method == "kl":
            weight = 0.03 if self.weight is None else self.weight
            return [KL(weight=weight, target_rate=self.target_rate)]
        weight = 0.03 / self.n_features_in_**0.5 if self.weight is None else self.weight
        return [L1(weight=weight)]

    def _learn(self, X: Any, y: Any = None, **options: Any) -> dict[str, Column]:
        columns = super()._learn(X, y, **options)
        n_rows, rows = len(columns["x"]), None
        if n_rows > _MEASURED_ROWS:  # drawn, since a stride may fall in with a pattern of the rows
            drawn = np.random.default_rng(0).choice(n_rows, _MEASURED_ROWS, replace=False)
            rows = np.sort(drawn)
        codes = self._apply(self._network().encoder, columns, rows)
        spread = np.ptp(codes, axis=0)
        self.sparsity_ = float(hoyer_sparsity(codes).mean()) if codes.shape[1] > 1 else np.nan
        self.share_of_zeros_ = float(np.mean(codes == 0))
        self.dead_units_ = spread <= 1e-3 * spread.max()
        n_dead = int(self.dead_units_.sum())
        if 2 * n_dead > self.n_components_ and not options.get("partial"):
            remedy = {
                "l1": "Lower the weight of the penalty",
                "kl": "Lower the weight of the penalty, raise target_rate",
                "top_k": "Raise n_nonzero",
            }
            warn(
                f"{n_dead} of the {self.n_components_} units of the code are dead: they are the "
                f"same for every row, and say nothing. {remedy[self.method]} or lower lr; or "
                "choose a smaller n_components."
            )
        return columns
