import numpy as np
import pytest
from sklearn.datasets import load_digits


@pytest.fixture(scope="session")
def digits():
    """Handwritten digits, 8x8 pixels from 0 to 16, in single precision."""
    return load_digits(return_X_y=True)[0].astype(np.float32)
