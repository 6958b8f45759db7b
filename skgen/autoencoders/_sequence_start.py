"""Where the training of an autoencoder of sequences starts: at principal components."""

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from skgen.engine import Batches
from skgen.networks.recurrent import RecurrentNetwork

__all__ = ["start_from_components"]

# How many numbers of cosine series are looked at, at most.
_MOST_VALUES = 1 << 24


def start_from_components(network: RecurrentNetwork, batches: Batches) -> None:
    """Have codes be the principal components of cosine series, and be decoded as such.

    They are turned at random: every number of a code varies alike then, so that neither the
    optimizer nor a scaler that comes after makes much of what hardly varies.
    """
    series = _series(network, batches)
    n_axes = min(network.encoder.head.out_features, len(series) - 1, series.shape[1])
    axes = np.zeros((0, series.shape[1]))
    if np.ptp(series, axis=0).any():
        axes = PCA(n_axes, random_state=0).fit(series).components_
    turn = torch.linalg.qr(torch.randn(len(axes), len(axes)))[0]
    mean = torch.from_numpy(series.mean(axis=0)).float()
    network.start_from(mean, turn @ torch.from_numpy(axes).float())


def _series(network: RecurrentNetwork, batches: Batches) -> NDArray[np.float64]:
    """Return the cosine series of all sequences, or of as many as memory is to be taken for."""
    order, parts, n_values = torch.Generator(), list[NDArray](), 0
    order.manual_seed(int(torch.randint(2**62, ())))
    with torch.inference_mode():
        for batch in batches.epoch(order):
            parts.append(network.encoder.series(batch["x"]).cpu().numpy())
            n_values += parts[-1].size
            if n_values > _MOST_VALUES:
                break
    return np.concatenate(parts).astype(np.float64)
