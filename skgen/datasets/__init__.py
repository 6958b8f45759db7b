"""Data sets: loaders in scikit-learn's manner, and the small data that ship with the package."""

from skgen.datasets._avatars import make_avatars
from skgen.datasets._chairs import make_chairs
from skgen.datasets._fashion_mnist import fetch_fashion_mnist, load_fashion_mnist_10k

__all__ = ["fetch_fashion_mnist", "load_fashion_mnist_10k", "make_avatars", "make_chairs"]
