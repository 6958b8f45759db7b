"""Make the images that ship with skgen: 10,000 out of Fashion-MNIST's training split.

SKGEN_DATA names the folder that holds the full ``fashion_mnist.npz``. This overwrites
``skgen/datasets/data/fashion_mnist_10k.npz``; the bytes are the same every time.
"""

import hashlib
import os
from pathlib import Path

import numpy as np

PER_CLASS = 1000
OUT = Path(__file__).resolve().parents[1] / "skgen" / "datasets" / "data" / "fashion_mnist_10k.npz"

with np.load(Path(os.environ["SKGEN_DATA"]) / "fashion_mnist.npz", allow_pickle=False) as full:
    images, target = full["X_train"], full["y_train"]

# RandomState, since its stream is the same in every version of NumPy.
rng = np.random.RandomState(0)
drawn = [rng.choice(np.flatnonzero(target == k), PER_CLASS, replace=False) for k in range(10)]
index = rng.permutation(np.concatenate(drawn)).astype(np.int32)

np.savez_compressed(OUT, images=images[index], target=target[index], index=index)
print(OUT.name, OUT.stat().st_size, "bytes, sha256", hashlib.sha256(OUT.read_bytes()).hexdigest())
