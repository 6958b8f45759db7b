"""How far two domains are apart, and how well a classifier does where there are no labels.

None of the scores below looks at a label of the target. All of the target's are higher for better
classifiers, or what the score takes for such.
"""

import inspect
from numbers import Real
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import entr, logsumexp, rel_entr
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_array
from sklearn.utils.metadata_routing import MetadataRequest
from sklearn.utils.validation import check_consistent_length, column_or_1d

from skgen._sklearn import Interval, StrOptions, validate_params
from skgen.inputs.domains import checked_domains, checked_labels, source_rows
from skgen.metrics._shares import estimated_shares
from skgen.parameters import Component, parameter

__all__ = [
    "LabelFreeScorer",
    "deep_embedded_validation",
    "density_ratio",
    "prediction_certainty",
    "prediction_information_score",
    "proxy_a_distance",
    "soft_neighborhood_density",
]

# Rows of each domain that pairs of rows, or domains, are compared on, at most.
_MOST_COMPARED = 2000


def _checked_probabilities(probabilities: ArrayLike) -> NDArray:
    p: NDArray = check_array(probabilities, dtype=np.float64)
    if p.shape[1] < 2 or (p < 0).any() or not np.allclose(p.sum(axis=1), 1, atol=1e-3):
        raise ValueError(
            "probabilities has to hold a row of class probabilities for every sample: at least two "
            "columns, no negative number, rows that sum to 1."
        )
    return p


def prediction_certainty(probabilities: ArrayLike) -> float:
    r"""Return how sure a classifier is: its prediction entropy, turned round.

    .. math:: 1 - \frac{1}{n \log K} \sum_i H(\hat y_i)

    Parameters
    ----------
    probabilities : array-like of shape (n_samples, n_classes)
        What a classifier gives for rows of the target.

    Returns
    -------
    certainty : float
        From 0 for equal probabilities to 1 for a classifier without doubts; also for one that says
        the same class of all rows.

    References
    ----------
    .. [1] P. Morerio, J. Cavazza, V. Murino, "Minimal-entropy correlation alignment for
       unsupervised deep domain adaptation", ICLR 2018, section 3.4.
    """
    p = _checked_probabilities(probabilities)
    return float(1 - entr(p).sum(axis=1).mean() / np.log(p.shape[1]))


def prediction_information_score(probabilities: ArrayLike) -> float:
    r"""Return the information that predictions hold on rows, as a share of the most there can be.

    .. math:: \frac{1}{\log K} \left[ H\left(\tfrac1n \sum_i \hat y_i\right)
              - \frac1n \sum_i H(\hat y_i) \right]

    It is high for predictions that are certain, each of them, and diverse, taken together.

    Parameters
    ----------
    probabilities : array-like of shape (n_samples, n_classes)
        What a classifier gives for rows of the target.

    Returns
    -------
    information : float
        From 0, also for a classifier that says the same of all rows, to 1.

    References
    ----------
    .. [1] J. Bridle, A. Heading, D. MacKay, "Unsupervised classifiers, mutual information and
       'phantom targets'", NeurIPS 1991.
    """
    p = _checked_probabilities(probabilities)
    together, each = entr(p.mean(axis=0)).sum(), entr(p).sum(axis=1).mean()
    return float(max(0.0, together - each) / np.log(p.shape[1]))


@validate_params(
    {"temperature": [Interval(Real, 0, None, closed="neither")]},
    prefer_skip_nested_validation=True,
)
def soft_neighborhood_density(probabilities: ArrayLike, *, temperature: float = 0.05) -> float:
    r"""Return how many neighbors rows have, where predictions that are alike make neighbors.

    .. math:: \frac1n \sum_i H(P_i), \qquad P_{ij} \propto \exp(\hat y_i^\top \hat y_j / T)
              \text{ for } j \ne i

    with predictions of unit length, and a temperature :math:`T`.

    Parameters
    ----------
    probabilities : array-like of shape (n_samples, n_classes)
        What a classifier gives for rows of the target. Of more than 2,000 rows an even selection
        is taken.

    temperature : float, default=0.05
        The lower, the more alike neighbors have to be.

    Returns
    -------
    density : float
        As a share of the most there can be, the logarithm of the number of other rows: 1 if all
        predictions are the same.

    References
    ----------
    .. [1] K. Saito et al., "Tune it the right way: unsupervised validation of domain adaptation via
       soft neighborhood density", ICCV 2021, equations 1 to 3.
    """
    p = _even_selection(_checked_probabilities(probabilities))
    if len(p) < 3:
        raise ValueError(f"probabilities has to have at least 3 rows, got {len(p)}.")
    unit = p / np.linalg.norm(p, axis=1, keepdims=True)
    similar = unit @ unit.T / temperature
    np.fill_diagonal(similar, -np.inf)
    log_share = similar - logsumexp(similar, axis=1, keepdims=True)
    entropies = entr(np.exp(log_share)).sum(axis=1)
    return float(entropies.mean() / np.log(len(p) - 1))


def density_ratio(source: ArrayLike, target: ArrayLike) -> NDArray:
    r"""Return how much more likely rows of the source are in the target.

    .. math:: w(x) = \frac{P(\text{target} \mid x)}{P(\text{source} \mid x)}

    by logistic regression on standardized features, in which both domains count the same. Each row
    is judged by one that did not see it.

    Parameters
    ----------
    source : array-like of shape (n_source, n_features)
        Features of rows of the source.

    target : array-like of shape (n_target, n_features)
        Features of rows of the target.

    Returns
    -------
    weights : ndarray of shape (n_source,)
        1 on average if the source covers the target.
    """
    X, domains = _stacked(source, target)
    n_source = int((domains > 0).sum())
    p_source = np.clip(_domain_probabilities(X, domains)[:n_source], 1e-6, 1)
    weights: NDArray = (1 - p_source) / p_source
    return weights


def deep_embedded_validation(losses: ArrayLike, weights: ArrayLike) -> float:
    r"""Return the risk on the target, estimated from weighted losses of source rows.

    .. math:: \overline{w \ell} + \eta \bar w - \eta, \qquad
              \eta = -\frac{\operatorname{Cov}(w \ell, w)}{\operatorname{Var}(w)}

    The second part has expectation 0 and takes away variance.

    Parameters
    ----------
    losses : array-like of shape (n_samples,)
        Losses of rows of the source that the classifier was not trained on.

    weights : array-like of shape (n_samples,)
        How much more likely each is in the target: see `density_ratio`.

    Returns
    -------
    risk : float
        Lower is better.

    References
    ----------
    .. [1] K. You, X. Wang, M. Long, M. Jordan, "Towards accurate model selection in deep
       unsupervised domain adaptation", ICML 2019, algorithm 1.
    """
    loss, weight = (column_or_1d(values).astype(float) for values in (losses, weights))
    check_consistent_length(loss, weight)
    weighted = loss * weight
    variance = weight.var()
    eta = -np.mean((weighted - weighted.mean()) * (weight - weight.mean())) / (variance or 1.0)
    return float(weighted.mean() + eta * (weight.mean() - 1))


def proxy_a_distance(features: ArrayLike, sample_domain: ArrayLike) -> float:
    r"""Return how well a linear classifier tells two domains apart.

    .. math:: d = 2 (1 - 2 \varepsilon)

    with the balanced error :math:`\varepsilon` of logistic regression on standardized features, on
    rows that it did not see.

    Parameters
    ----------
    features : array-like of shape (n_samples, n_features)
        Features of rows of both domains: of a model, or as they are.

    sample_domain : array-like of shape (n_samples,)
        Positive for rows of the source, negative for those of the target.

    Returns
    -------
    distance : float
        From 0, for domains that cannot be told apart, to 2.

    References
    ----------
    .. [1] S. Ben-David, J. Blitzer, K. Crammer, F. Pereira, "Analysis of representations for domain
       adaptation", NeurIPS 2006.

    Examples
    --------
    >>> import numpy as np
    >>> from skgen.metrics import proxy_a_distance
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> domains = np.repeat([1, -1], 100)
    >>> proxy_a_distance(X + 4 * domains[:, None], domains)
    2.0
    """
    X: NDArray = check_array(features, dtype=np.float64)
    source = checked_domains(sample_domain, len(X))
    _check_both(source)
    said = _domain_probabilities(X, np.where(source, 1, -1)) > 0.5
    error = np.mean([np.mean(said[side] != source[side]) for side in (source, ~source)])
    return float(max(0.0, 2 * (1 - 2 * error)))


def _stacked(source: ArrayLike, target: ArrayLike) -> tuple[NDArray, NDArray]:
    sides = [check_array(side, dtype=np.float64) for side in (source, target)]
    domains = np.repeat([1, -1], [len(side) for side in sides])
    return np.concatenate(sides), domains


def _domain_probabilities(X: NDArray, domains: NDArray) -> NDArray:
    """Return the probability of being of the source, of each row by a model that did not see it.

    Both domains count the same.
    """
    fewest = int(np.bincount(domains > 0, minlength=2).min())
    if fewest < 2:
        raise ValueError(f"There have to be at least 2 rows of each domain, got {fewest}.")
    model = make_pipeline(
        StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced", max_iter=1000)
    )
    folds = StratifiedKFold(min(5, fewest), shuffle=True, random_state=0)
    probabilities: NDArray = cross_val_predict(model, X, domains, cv=folds, method="predict_proba")[
        :, 1
    ]
    return probabilities


def _check_both(source: NDArray) -> None:
    if source.all() or not source.any():
        raise ValueError(
            f"There have to be rows of both domains, got {source.sum()} of the source and "
            f"{(~source).sum()} of the target. Mark rows of the target by y=-1, or pass "
            "sample_domain, which a search hands on after "
            "sklearn.set_config(enable_metadata_routing=True). skgen.model_selection.DomainKFold "
            "keeps both in every fold."
        )


def _even_selection(rows: NDArray) -> NDArray:
    """Return some of the rows, evenly spaced, if there are too many."""
    if len(rows) <= _MOST_COMPARED:
        return rows
    return rows[np.linspace(0, len(rows) - 1, _MOST_COMPARED).astype(int)]


@final
class LabelFreeScorer(Component):
    r"""Scores a classifier on a target without labels, for `GridSearchCV` or `cross_val_score`.

    It is called with a fitted classifier, rows of both domains that it was not trained on, and
    their labels, of which it looks at those of the source alone. Greater is better.

    The one to take unless there is a reason not to, ``"transfer"``, is

    .. math:: \text{accuracy on the source} \times \frac{1}{\log K}
              \left[ H\left(\tfrac1n \sum_i \hat y_i\right) - \frac1n \sum_i H(\hat y_i) \right]

    over the probabilities :math:`\hat y_i` of the target's rows: their
    `prediction_information_score`. It is 0 where all of the target is said to be of one class,
    which prediction entropy takes for perfect, and low where the source's classes were lost.

    Where the rows say that the target has other shares :math:`\pi` of the classes than the source,
    predictions should have those, and not be as diverse as can be. The bracket then is

    .. math:: \log K - \operatorname{KL}\left(\tfrac1n \sum_i \hat y_i \,\Big\|\, \pi\right)
              - \frac1n \sum_i H(\hat y_i)

    which for equal shares is the same, and 0 if it is less. The shares are found as the classifiers
    find them, on the rows that are scored.

    See Also
    --------
    skgen.model_selection.DomainKFold : Folds that hold both domains.

    Notes
    -----
    All such scores are fallible, each in its way: ``benchmarks/README.md`` has by how much on six
    tasks. Look at the shares of the predicted classes as well.

    Features, for ``"importance_weighted"`` and ``"dev"``, are what `transform` returns; in a
    pipeline, what its last step gets; of a classifier without either, X.

    References
    ----------
    .. [1] M. Sugiyama, M. Krauledat, K.-R. Mueller, "Covariate shift adaptation by importance
       weighted cross validation", JMLR 8, 2007.
    .. [2] Y. Lalou et al., "SKADA-Bench: benchmarking unsupervised domain adaptation methods with
       realistic validation on diverse modalities", TMLR 2025.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skgen import CoralClassifier
    >>> from skgen.metrics import LabelFreeScorer
    >>> from skgen.model_selection import DomainKFold
    >>> X, y = load_digits(return_X_y=True)
    >>> known = np.where(np.arange(len(X)) < 900, y, -1)
    >>> search = GridSearchCV(
    ...     CoralClassifier(max_epochs=2, random_state=0),
    ...     {"adaptation_weight": [0, 0.3]},
    ...     scoring=LabelFreeScorer(),
    ...     cv=DomainKFold(2, random_state=0),
    ... )
    >>> bool(0 < search.fit(X, known).best_score_ < 1)
    True
    """

    method: str = parameter(
        "transfer",
        [StrOptions({"transfer", "entropy", "importance_weighted", "dev", "snd"})],
        """What is returned: the formula above; `prediction_certainty`; the accuracy on the source,
        rows weighted by their `density_ratio`; 1 less the risk by `deep_embedded_validation` of
        wrong predictions on the source; or `soft_neighborhood_density`.""",
        positional=True,
    )

    def __call__(
        self, estimator: Any, X: Any, y: ArrayLike, sample_domain: ArrayLike | None = None
    ) -> float:
        """Score a fitted classifier.

        Parameters
        ----------
        estimator : estimator instance
            A fitted classifier with `predict_proba`.

        X : array-like of shape (n_samples, n_features), or images
            Rows of both domains.

        y : array-like of shape (n_samples,)
            Classes of the source's rows, and -1 for those of the target.

        sample_domain : array-like of shape (n_samples,), default=None
            Positive for rows of the source, negative for those of the target. With None, y says it.

        Returns
        -------
        score : float
            Greater is better.

        Raises
        ------
        ValueError
            If there are no rows of one of the domains.
        """
        self._validate_params()
        labels = checked_labels(y)
        source = source_rows(labels, sample_domain, estimator.classes_)
        _check_both(source)
        domains = np.where(source, 1, -1)
        p = np.asarray(of_domains(estimator, "predict_proba", X, domains))
        if self.method == "entropy":
            return prediction_certainty(p[~source])
        if self.method == "snd":
            return soft_neighborhood_density(p[~source])
        right = estimator.classes_[p[source].argmax(axis=1)] == labels[source]
        if self.method == "transfer":
            numbers = np.full(len(labels), -1)
            numbers[source] = np.searchsorted(
                estimator.classes_, labels[source].astype(estimator.classes_.dtype)
            )
            information = _information(p[~source], _other_shares(X, numbers, p.shape[1]))
            return float(np.mean(right)) * information
        features = _features(estimator, X, domains)
        weights = density_ratio(features[source], features[~source])
        if self.method == "importance_weighted":
            return float(np.average(right, weights=weights))
        return 1 - deep_embedded_validation(~right, weights)

    def get_metadata_routing(self) -> MetadataRequest:
        """Return what metadata a search has to hand on, where routing is switched on.

        Returns
        -------
        routing : MetadataRequest
            ``sample_domain``.
        """
        request = MetadataRequest(owner=self)
        request.score.add_request(param="sample_domain", alias=True)
        return request


def _other_shares(X: Any, numbers: NDArray, n_classes: int) -> NDArray | None:
    """Return the shares of the classes in the target, if rows say that the source has others."""
    try:
        rows = np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=np.float32)
    except (TypeError, ValueError):  # a pipeline takes texts, or what not
        return None
    counts = np.bincount(numbers[numbers >= 0], minlength=n_classes)
    if not counts.all():
        return None
    shares = estimated_shares(lambda index: rows[index], numbers)
    return None if np.array_equal(shares, counts / counts.sum()) else shares


def _information(p: NDArray, shares: NDArray | None) -> float:
    """Return the information that predictions hold, less what their shares are off."""
    if shares is None:
        return prediction_information_score(p)
    smooth = (len(p) * shares + 0.5) / (len(p) + 0.5 * len(shares))  # none of them is 0
    off = rel_entr(p.mean(axis=0), smooth).sum()
    return float(max(0.0, 1 - (off + entr(p).sum(axis=1).mean()) / np.log(p.shape[1])))


def _features(estimator: Any, X: Any, domains: NDArray) -> NDArray:
    """Return features of rows in which the density ratio is measured."""
    if hasattr(estimator, "transform"):
        return np.asarray(of_domains(estimator, "transform", X, domains))
    if isinstance(estimator, Pipeline) and len(estimator) > 1:
        return np.asarray(of_domains(estimator[:-1], "transform", X, domains))
    rows = np.asarray(X)
    return rows.reshape(len(rows), -1)


def of_domains(estimator: Any, method: str, X: Any, sample_domain: NDArray) -> NDArray:
    """Return what a method of an estimator gives for rows, where each is one of its domain.

    Estimators that ask for domains are told; also those inside a pipeline.
    """
    if isinstance(estimator, Pipeline):
        *before, (_, last) = estimator.steps
        for _, step in before:
            if step not in (None, "passthrough"):
                X = of_domains(step, "transform", X, sample_domain)
        return of_domains(last, method, X, sample_domain)
    call = getattr(estimator, method)
    asks = "sample_domain" in inspect.signature(call).parameters
    values: NDArray = call(X, sample_domain=sample_domain) if asks else call(X)
    return values
