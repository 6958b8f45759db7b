"""Classifiers that adapt to a domain without labels, and what goes with them in a pipeline."""

from skgen.adaptation._adversarial import DomainAdversarialClassifier
from skgen.adaptation._confusion import MinimumClassConfusionClassifier
from skgen.adaptation._coral import CoralClassifier
from skgen.adaptation._labeled import LabeledOnly

__all__ = [
    "CoralClassifier",
    "DomainAdversarialClassifier",
    "LabeledOnly",
    "MinimumClassConfusionClassifier",
]
