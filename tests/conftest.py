import os

# Workers side by side get one thread each: threads of several wait for each other. Before torch.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import numpy as np
import pytest
from sklearn.datasets import load_digits


@pytest.fixture(scope="session")
def digits():
    """Handwritten digits, 8x8 pixels from 0 to 16, in single precision."""
    return load_digits(return_X_y=True)[0].astype(np.float32)
