"""The base of the autoencoders whose code is larger than the data."""

from abc import ABC
from collections.abc import Sequence

from skgen.autoencoders._dense import BaseDenseAutoencoder
from skgen.parameters import COUNT, override, parameter

__all__ = ["BaseExpandingAutoencoder"]


class BaseExpandingAutoencoder(BaseDenseAutoencoder, ABC):
    """Base class of the autoencoders whose regularization allows for a code larger than the data.

    They have one layer each way by default. Its weights are tied, which keeps them from going
    round what regularizes them: by a small code and a large decoder where the code is penalized,
    and by a large code and a small decoder where it gets noise.
    """

    n_components: int | None = parameter(
        None,
        [*COUNT, None],
        """Size of the code. None stands for twice the number of features, but 1,024 at most.""",
        positional=True,
    )
    hidden_layer_sizes: Sequence[int] = override(())
    tied_weights: bool = override(True)

    def _code_size(self, n_features: int) -> int:
        return self.n_components or min(2 * n_features, 1024)
