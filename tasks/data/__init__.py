"""The data sets: embedded, or fetched and imported into a cache by `python -m tasks.data`."""

from tasks.data.cache import DataSet, cache_root
from tasks.data.errors import DataError
from tasks.data.mnist import MNIST, Mnist, import_mnist, load_mnist

__all__ = [
    "MNIST",
    "DataError",
    "DataSet",
    "Mnist",
    "cache_root",
    "import_mnist",
    "load_mnist",
]
