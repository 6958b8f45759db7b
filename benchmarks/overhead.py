"""What skgen costs beyond training: its import, memory for large files, parallel search.

Run it on an otherwise idle machine::

    python benchmarks/overhead.py
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from skgen import Autoencoder


def import_time(rounds=7):
    """Importing skgen over importing torch, skorch and scikit-learn, in fresh processes."""

    def seconds(statement):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], check=True)
        return time.perf_counter() - start

    baseline = "import torch, skorch, sklearn.base, sklearn.decomposition"
    pairs = [(seconds("import skgen"), seconds(baseline)) for _ in range(rounds)]
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    print(f"import: {statistics.median(ours for ours, _ in pairs):.2f} s, ratio {ratio:.2f}")


MEMORY = """
import sys
import numpy as np
from skgen import Autoencoder

def anonymous():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) / 1024

X = np.load(sys.argv[1], mmap_mode="r")
model = Autoencoder(8, hidden_layer_sizes=(64,), max_epochs=1).fit(np.array(X[:10_000]))
model.transform(np.array(X[:10_000]))
before = anonymous()
codes = model.transform(X)
print(f"memory map of {X.shape}: {anonymous() - before:.0f} MB more, of which "
      f"{codes.nbytes / 2**20:.0f} MB are the output")
"""


def memory():
    """Anonymous memory that transforming a read-only memory map takes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "X.npy"
        X = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(1_000_000, 100))
        rng = np.random.default_rng(0)
        for start in range(0, len(X), 100_000):
            X[start : start + 100_000] = rng.random((100_000, 100), dtype=np.float32)
        X.flush()
        subprocess.run([sys.executable, "-c", MEMORY, str(path)], check=True)


IMAGES_MEMORY = """
import numpy as np
from skgen import ConvAutoencoder

def resident(which):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(which)) / 1024

X = np.random.default_rng(0).integers(0, 256, (60_000, 28, 28), dtype=np.uint8)
if DTYPE != "uint8":
    X = (X / np.float32(255)).astype(DTYPE)
model = ConvAutoencoder(8, n_filters=(4, 4, 4), max_epochs=1, random_state=0)
model.fit(X[:1000])
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # forget the peak so far
before = resident("VmRSS")
model.fit(X)
more, whole = resident("VmHWM") - before, X.size * 4 / 2**20
print(f"fit on 60,000 images of {X.dtype}: {more:.0f} MB more at its peak, "
      f"{more / whole:.2f} times the set in single precision")
"""


def images_memory():
    """What fitting takes beyond the images themselves."""
    for dtype in ("uint8", "float32"):
        script = IMAGES_MEMORY.replace("DTYPE", repr(dtype))
        subprocess.run([sys.executable, "-c", script], check=True)


def grid_search(rounds=5):
    """A search with two workers over the same search with one, which may use both cores too."""
    rng = np.random.default_rng(0)
    searches = {
        "table of 20,000 x 30, hidden layer of 64": (
            rng.normal(size=(20_000, 30)).astype(np.float32),
            Autoencoder(8, hidden_layer_sizes=(64,), max_epochs=10, random_state=0),
        ),
        "9,000 images of 64 pixels, default layers": (
            np.tile(load_digits(return_X_y=True)[0].astype(np.float32), (5, 1)),
            Autoencoder(8, max_epochs=10, random_state=0),
        ),
    }
    for title, (X, model) in searches.items():

        def seconds(n_jobs, X=X, model=model):
            start = time.perf_counter()
            GridSearchCV(model, {"n_components": [4, 6, 8, 10]}, cv=3, n_jobs=n_jobs).fit(X)
            return time.perf_counter() - start

        seconds(2)  # starts the workers
        pairs = [(seconds(1), seconds(2)) for _ in range(rounds)]
        ratio = statistics.median(one / two for one, two in pairs)
        print(f"GridSearchCV(n_jobs=2), {title}: {ratio:.2f} times as fast as n_jobs=1")


if __name__ == "__main__":
    import_time()
    memory()
    images_memory()
    grid_search()
