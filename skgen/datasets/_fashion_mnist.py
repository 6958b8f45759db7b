"""Fashion-MNIST: 10,000 images that ship with the package, and the full official split."""

import os
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.datasets import fetch_openml, get_data_home
from sklearn.utils import Bunch

from skgen._sklearn import StrOptions, validate_params

_DATA = resources.files("skgen.datasets") / "data"
_SHIPPED = _DATA / "fashion_mnist_10k.npz"
_FULL = "fashion_mnist.npz"
_N_TRAIN, _N_TEST = 60_000, 10_000

_TARGET_NAMES = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
]


@overload
def load_fashion_mnist_10k(*, return_X_y: Literal[False] = False) -> Bunch: ...
@overload
def load_fashion_mnist_10k(*, return_X_y: Literal[True]) -> tuple[NDArray, NDArray]: ...
@validate_params({"return_X_y": ["boolean"]}, prefer_skip_nested_validation=True)
def load_fashion_mnist_10k(*, return_X_y: bool = False) -> Bunch | tuple[NDArray, NDArray]:
    """Load 10,000 images out of the training split of Fashion-MNIST.

    The images ship with the package. There are 1,000 of each class, in shuffled order, all
    from the official training split: none of the official test images is among them.

    =================   ==============
    Classes                         10
    Samples per class             1000
    Samples total               10,000
    Dimensionality                 784
    Features            float32, 0 to 1
    =================   ==============

    Parameters
    ----------
    return_X_y : bool, default=False
        Return ``(data, target)`` in place of a :class:`~sklearn.utils.Bunch`.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with these attributes:

        data : ndarray of shape (10000, 784), dtype float32
            The flattened images, pixels between 0 and 1.
        images : ndarray of shape (10000, 28, 28), dtype float32
            The same images; a view of `data`.
        target : ndarray of shape (10000,), dtype int
            The class of each image, 0 to 9.
        index : ndarray of shape (10000,), dtype int32
            The row of each image in the official training split.
        feature_names : list of str
            ``pixel_<row>_<column>``.
        target_names : list of str
            The names of the ten classes.
        DESCR : str
            The description of the data set.
        license : str
            The license of the data, ``"MIT"``.
        filename : str
            The file the images were read from.

    (data, target) : tuple of ndarray
        If `return_X_y` is True.

    See Also
    --------
    fetch_fashion_mnist : All 70,000 images, in the official split.

    Examples
    --------
    >>> from skgen.datasets import load_fashion_mnist_10k
    >>> fashion = load_fashion_mnist_10k()
    >>> fashion.data.shape
    (10000, 784)
    >>> fashion.target_names[:3]
    ['T-shirt/top', 'Trouser', 'Pullover']
    >>> X, y = load_fashion_mnist_10k(return_X_y=True)
    >>> print(X.dtype, X.min(), X.max())
    float32 0.0 1.0
    """
    images, target, index = _read_shipped()
    return _answer(images, target, str(_SHIPPED), return_X_y, index=index)


@overload
def fetch_fashion_mnist(
    *,
    subset: str = "train",
    data_home: str | os.PathLike[str] | None = None,
    download_if_missing: bool = True,
    return_X_y: Literal[False] = False,
) -> Bunch: ...
@overload
def fetch_fashion_mnist(
    *,
    subset: str = "train",
    data_home: str | os.PathLike[str] | None = None,
    download_if_missing: bool = True,
    return_X_y: Literal[True],
) -> tuple[NDArray, NDArray]: ...
@validate_params(
    {
        "subset": [StrOptions({"train", "test", "all"})],
        "data_home": [str, os.PathLike, None],
        "download_if_missing": ["boolean"],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fetch_fashion_mnist(
    *,
    subset: str = "train",
    data_home: str | os.PathLike[str] | None = None,
    download_if_missing: bool = True,
    return_X_y: bool = False,
) -> Bunch | tuple[NDArray, NDArray]:
    """Load all of Fashion-MNIST, in its official split of 60,000 and 10,000 images.

    The images are looked for in this order:

    1. ``fashion_mnist.npz`` in the folder that the environment variable ``SKGEN_DATA`` names. It
       holds the uint8 arrays ``X_train`` (60000, 28, 28), ``y_train`` (60000,), ``X_test``
       (10000, 28, 28) and ``y_test`` (10000,);
    2. the same file in scikit-learn's data home;
    3. OpenML, through :func:`sklearn.datasets.fetch_openml` and its cache. What comes from there
       is kept in scikit-learn's data home as ``fashion_mnist.npz``, so that it is parsed once.

    =================   ==============
    Classes                         10
    Samples total               70,000
    Dimensionality                 784
    Features            float32, 0 to 1
    =================   ==============

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        The 60,000 training images, the 10,000 test images, or both, training images first.

    data_home : str or path-like, default=None
        scikit-learn's data home. None means what :func:`sklearn.datasets.get_data_home` answers,
        by default ``scikit_learn_data`` in the home folder.

    download_if_missing : bool, default=True
        If False, raise an OSError where the images are neither in ``SKGEN_DATA`` nor in the
        data home, in place of asking OpenML for them.

    return_X_y : bool, default=False
        Return ``(data, target)`` in place of a :class:`~sklearn.utils.Bunch`.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with these attributes:

        data : ndarray of shape (n_samples, 784), dtype float32
            The flattened images, pixels between 0 and 1.
        images : ndarray of shape (n_samples, 28, 28), dtype float32
            The same images; a view of `data`.
        target : ndarray of shape (n_samples,), dtype int
            The class of each image, 0 to 9.
        feature_names : list of str
            ``pixel_<row>_<column>``.
        target_names : list of str
            The names of the ten classes.
        DESCR : str
            The description of the data set.
        license : str
            The license of the data, ``"MIT"``.
        filename : str
            The file the images were read from.

    (data, target) : tuple of ndarray
        If `return_X_y` is True.

    Raises
    ------
    OSError
        Where the images are not on this machine and could not be, or were not to be, fetched.

    See Also
    --------
    load_fashion_mnist_10k : 10,000 of the training images; no download.

    Examples
    --------
    >>> from skgen.datasets import fetch_fashion_mnist
    >>> X_test, y_test = fetch_fashion_mnist(
    ...     subset="test", return_X_y=True
    ... )  # doctest: +SKIP
    >>> X_test.shape  # doctest: +SKIP
    (10000, 784)
    """
    path = _locate(data_home, download_if_missing)
    splits = ("train", "test") if subset == "all" else (subset,)
    with np.load(path, allow_pickle=False) as arrays:
        images = np.concatenate([arrays[f"X_{split}"] for split in splits])
        target = np.concatenate([arrays[f"y_{split}"] for split in splits])
    return _answer(images, target, str(path), return_X_y)


def _read_shipped() -> tuple[NDArray, NDArray, NDArray]:
    """Return images, target and index of the shipped file as they are stored."""
    with _SHIPPED.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return arrays["images"], arrays["target"], arrays["index"]


def _answer(
    images: NDArray, target: NDArray, filename: str, return_X_y: bool, **more: Any
) -> Bunch | tuple[NDArray, NDArray]:
    """Return what a loader returns, from images in uint8."""
    data = images.reshape(len(images), -1).astype(np.float32)
    data /= 255
    target = target.astype(int)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        images=data.reshape(images.shape),
        target=target,
        feature_names=[f"pixel_{row}_{column}" for row in range(28) for column in range(28)],
        target_names=list(_TARGET_NAMES),
        DESCR=(_DATA / "fashion_mnist.rst").read_text(encoding="utf-8"),
        license="MIT",
        filename=filename,
        **more,
    )


def _locate(data_home: str | os.PathLike[str] | None, download_if_missing: bool) -> Path:
    """Return the path of the full data, after fetching them where that is needed and allowed."""
    folder = os.environ.get("SKGEN_DATA")
    if folder and (given := Path(folder).expanduser() / _FULL).is_file():
        return given
    kept = Path(get_data_home(data_home)) / _FULL
    if kept.is_file():
        return kept

    searched = (
        f"SKGEN_DATA is set to {folder!r}, but that folder has no {_FULL}"
        if folder
        else "SKGEN_DATA is not set"
    )
    remedies = (
        f"Either set the environment variable SKGEN_DATA to a folder that holds {_FULL}, or run "
        f"this once with a network connection: the data are then kept as {kept}, which may also "
        "be copied there from another machine."
    )
    if not download_if_missing:
        raise OSError(
            f"Fashion-MNIST is not on this machine, and download_if_missing=False: {searched}, "
            f"and there is no {kept}. {remedies}"
        )
    try:
        pixels, labels = fetch_openml(
            "Fashion-MNIST",
            version=1,
            data_home=data_home,
            return_X_y=True,
            as_frame=False,
            # scikit-learn's faster parser needs pandas, which is no dependency of skgen.
            parser="pandas" if find_spec("pandas") else "liac-arff",
        )
    except OSError as error:
        raise OSError(
            f"Fashion-MNIST could not be fetched from OpenML ({error}), and {searched}. {remedies}"
        ) from error
    _keep(pixels, labels, kept)
    return kept


def _keep(pixels: ArrayLike, labels: ArrayLike, path: Path) -> None:
    """Write OpenML's rows to `path` in the official split."""
    images = np.asarray(pixels).astype(np.uint8).reshape(-1, 28, 28)
    labels = np.asarray(labels).astype(np.uint8)
    shipped, _, index = _read_shipped()
    if len(images) != _N_TRAIN + _N_TEST or not np.array_equal(images[index], shipped):
        raise ValueError("OpenML's copy of Fashion-MNIST does not come in the official order.")
    # Written beside and moved into place, so that an interrupted run leaves no broken file.
    draft = path.with_name(f"{path.name}.{os.getpid()}.npz")
    try:
        np.savez_compressed(
            draft,
            X_train=images[:_N_TRAIN],
            y_train=labels[:_N_TRAIN],
            X_test=images[_N_TRAIN:],
            y_test=labels[_N_TRAIN:],
        )
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
