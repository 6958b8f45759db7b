"""Pictures of what a model learned.

Displays in the manner of scikit-learn: the constructor takes arrays, `from_estimator` computes them
from a fitted model and draws, and `plot` draws them again, into any axes.
"""

from skgen.inspection._adversarial_loss import AdversarialLossDisplay
from skgen.inspection._attributes import AttributeDisplay
from skgen.inspection._domains import DomainConfusionDisplay
from skgen.inspection._explained_variance import ExplainedVarianceDisplay
from skgen.inspection._filters import FilterDisplay
from skgen.inspection._latent import LatentDisplay
from skgen.inspection._loss_curve import LossCurveDisplay
from skgen.inspection._morph import MorphDisplay
from skgen.inspection._reconstruction import ReconstructionDisplay
from skgen.inspection._samples import SamplesDisplay
from skgen.inspection._sequences import SequenceDisplay

__all__ = [
    "AdversarialLossDisplay",
    "AttributeDisplay",
    "DomainConfusionDisplay",
    "ExplainedVarianceDisplay",
    "FilterDisplay",
    "LatentDisplay",
    "LossCurveDisplay",
    "MorphDisplay",
    "ReconstructionDisplay",
    "SamplesDisplay",
    "SequenceDisplay",
]
