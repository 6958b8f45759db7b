"""What all models share: validation, seeding, devices, training and inference."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import assert_all_finite, check_random_state, gen_batches
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import validate_data
from skorch.callbacks import EarlyStopping
from torch import Tensor, distributed, nn

from skgen.engine import LR_SCHEDULES, Batches, Engine, Rows, ScaledRows, Turn, TurnLoss, seeded
from skgen.engine.progress import FitProgress
from skgen.exceptions import complain
from skgen.inputs.scaling import Scaling, inference_dtype, tensor_of
from skgen.parameters import Declared, parameter

__all__ = ["BaseModel"]

# Large enough to hide the cost of a call, small enough to stay in the processor's cache. A GPU is
# given more at once.
_INFERENCE_BYTES = 1 << 20

# A memory map up to this size is read once, in place of at every pass.
_IN_MEMORY_BYTES = 2 << 30


class BaseModel(Declared, ABC):
    """Base class of all models: a plain estimator that builds a net in `fit`, and keeps it.

    A family writes `fit` and `partial_fit` in terms of `_train`, and its public inference methods
    in terms of `_apply`. A model says what its networks are (`_module`) and how they are trained
    (`_turns`).
    """

    _fitted: ClassVar[Mapping[str, str]] = {
        "net_ : Engine": """The trained skorch net. ``net_.module_`` holds the networks and
            ``net_.history`` the losses, epoch by epoch.""",
        "loss_curve_ : list of float": """Training loss of every epoch; of a model with several
            turns, a dictionary of such lists by turn.""",
        "n_iter_ : int": """Number of epochs run, all calls of `fit` and `partial_fit` since the
            last cold start together.""",
        "scaling_ : Scaling": """The fitted map from X to network units: `mean`, `offset`,
            `scale`.""",
        "n_features_in_ : int": "Number of features seen in `fit`.",
        "feature_names_in_ : ndarray of shape (n_features,)": """Names of the features, if X had
            string names.""",
    }

    max_epochs: int | None = parameter(
        None,
        [Interval(Integral, 1, None, closed="left"), None],
        "int or None",
        """Passes over X. None stands for 20, or for as many as make 2,000 updates if X is small,
        but 200 at most.""",
    )
    batch_size: int = parameter(
        256,
        [Interval(Integral, 1, None, closed="left")],
        "int",
        """Rows in a minibatch; all of X if it has fewer.""",
    )
    lr: float = parameter(
        5e-3,
        [Interval(Real, 0, None, closed="neither")],
        "float",
        """Learning rate of the optimizer, at its peak.""",
    )
    lr_schedule: str | Callable[[float], float] = parameter(
        "one_cycle",
        [StrOptions(set(LR_SCHEDULES)), callable],
        "{'one_cycle', 'constant'} or callable",
        """How the rate moves in `fit`: up to `lr` over the first 30% of the updates and down to 0,
        or not at all. A callable maps the share of training done to a share of `lr`.
        `partial_fit` keeps the rate at `lr`. A skorch `LRScheduler` among the callbacks takes the
        place of all that.""",
    )
    early_stopping: bool = parameter(
        False,
        ["boolean"],
        "bool",
        """Whether `fit` sets a part of X aside, stops when the loss on it no longer improves, and
        keeps the weights that were best on it.""",
    )
    validation_fraction: float = parameter(
        0.1,
        [Interval(Real, 0, 1, closed="neither")],
        "float",
        """Share of X set aside for `early_stopping`.""",
    )
    n_iter_no_change: int = parameter(
        10,
        [Interval(Integral, 1, None, closed="left")],
        "int",
        """Epochs without improvement after which `early_stopping` stops.""",
    )
    warm_start: bool = parameter(
        False,
        ["boolean"],
        "bool",
        """Whether `fit` goes on from the present weights, optimizer state and random numbers in
        place of starting anew. What the networks were built with cannot change then.""",
    )
    callbacks: Sequence[Any] | None = parameter(
        None,
        [list, tuple, None],
        "list of skorch callbacks or None",
        """Copied before use; the copies are in ``net_.callbacks_``.""",
    )
    device: str = parameter(
        "auto",
        [str, torch.device],
        "str or torch.device",
        """Where to train and infer. ``"auto"`` is CUDA if there is one, otherwise the CPU.""",
    )
    verbose: int = parameter(
        0,
        ["verbose"],
        "int",
        """0 is silent, 1 shows a progress bar, 2 prints a line an epoch.""",
    )
    random_state: int | np.random.RandomState | None = parameter(
        None,
        ["random_state"],
        "int, RandomState instance or None",
        """Seeds weights, noise, the order of rows and the validation split. An int makes `fit`
        repeatable: on the CPU bit for bit, at an equal number of threads. torch's own generators
        are left as they were.""",
    )
    net_params: Mapping[str, Any] | None = parameter(
        None,
        [dict, None],
        "dict or None",
        """Rare options of the skorch net, such as ``{"optimizer": torch.optim.SGD,
        "optimizer__momentum": 0.9}``, ``{"compile": True}``, or ``{"autocast": torch.bfloat16}``
        for mixed precision.""",
    )

    # Whether a loss that rises late is a sign of trouble.
    _has_steady_loss: ClassVar[bool] = True

    @abstractmethod
    def _module(self, n_features: int) -> nn.Module:
        """Return the networks, untrained. Torch is seeded when this is called."""

    @abstractmethod
    def _turns(self) -> list[Turn]:
        """Return who is trained, towards what."""

    def _validation_loss(self) -> TurnLoss | None:
        """Return what stopping early looks at, None for the first turn's loss."""
        return None

    def _default_epochs(self, n_batches: int) -> int:
        """Return how many passes over so many batches ``max_epochs=None`` stands for."""
        return int(np.clip(-(-2000 // n_batches), 20, 200))

    def _least_patience(self, n_batches: int) -> int:
        """Return the epochs that stopping early waits at least, at so many batches in each."""
        return 1

    def _optimizer_settings(self, **settings: Any) -> dict[str, Any]:
        """Return settings of a turn's optimizer, less those that `net_params` speaks of."""
        chosen = self.net_params or {}
        if "optimizer" in chosen:  # which may know none of them
            return {name: value for name, value in settings.items() if name == "lr"}
        return {
            name: value for name, value in settings.items() if f"optimizer__{name}" not in chosen
        }

    def _scaling(self, X: NDArray) -> Scaling:
        """Return the map from X to network units."""
        return Scaling.fit(X)

    def _built_with(self) -> dict[str, Any]:
        """Return the parameters that cannot change while training goes on."""
        return {"device": self.device, "net_params": self.net_params}

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "scaling_")

    # Input

    def _validate(self, X: ArrayLike, *, reset: bool) -> NDArray:
        """Check X and return it as an array, its dtype and memory map kept.

        With ``reset=False``, that X is finite is left for `_apply` to check on the way, since
        another pass over X would show in the time that inference takes.
        """
        checked: NDArray = validate_data(
            self,
            X,
            reset=reset,
            dtype="numeric",
            ensure_min_samples=2 if reset else 1,
            ensure_all_finite=reset,
        )
        if checked.dtype.isnative:
            return checked
        return checked.astype(checked.dtype.newbyteorder("="))

    def _check_trainable(self, X: NDArray) -> None:
        """Raise an error if the model's loss cannot do with X; any finite X will do by default."""

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Leave the estimator as it was if the block fails; let it complain if it does not."""
        before = self.__dict__.copy()
        self._complaints: list[str] = []
        try:
            yield
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
        for message in self.__dict__.pop("_complaints"):  # which may be turned into errors
            complain(message)

    def _device(self) -> str:
        """Resolve and check `device`."""
        device = self.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            torch.empty(0, device=device)  # which also starts a GPU up, before its seed is set
        except (RuntimeError, AssertionError) as error:
            raise ValueError(
                f"device={self.device!r} is not available on this machine ({error}). "
                'Use device="auto" or "cpu".'
            ) from error
        return str(device)

    def _seed(self) -> int:
        """Draw the seed of a fit, the same one in all processes."""
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        if distributed.is_available() and distributed.is_initialized():
            device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
            drawn = torch.tensor([seed], device=device)
            distributed.broadcast(drawn, src=0)
            seed = int(drawn.item())
        return seed

    # Training

    def _train(self, X: ArrayLike, *, partial: bool = False) -> NDArray:
        """Validate, seed, build and train; return the validated X."""
        warm = hasattr(self, "net_") and (partial or self.warm_start)
        device = self._device()
        X = self._validate(X, reset=not warm)
        if warm:
            assert_all_finite(X, input_name="X")
        self._check_trainable(X)
        seed = self._seed()
        stopping = self.early_stopping and not partial
        if not warm:
            self.scaling_ = self._scaling(X)
            self._precision = inference_dtype(X)  # of what is made out of nothing
        settings = self._engine_settings(stopping)
        with seeded(None if warm else seed):
            net = self._go_on(settings) if warm else self._start(X, device, settings)
            n_before = len(net.history)
            rows, held_out = self._split(X, net.device, seed if stopping else None)
            net.max_epochs = self.max_epochs or self._default_epochs(rows.n_batches)
            if stopping:
                callback = dict(net.callbacks_)["early_stopping"]
                callback.patience = max(self.n_iter_no_change, self._least_patience(rows.n_batches))
            net.partial_fit(rows, validation=held_out, epochs=1 if partial else None)
        losses = net.history[n_before:, net.loss_name(0)]
        settled = len(losses) * rows.n_batches >= 100  # a shorter run may end on the way
        if settled and not stopping and len(net.turns) == 1 and self._has_steady_loss:
            self._complaints += _late_rise(losses, self.lr)
        self.net_ = net
        names = {turn.name: net.loss_name(number) for number, turn in enumerate(net.turns)}
        curves = {turn: net.history[:, name] for turn, name in names.items()}
        self.loss_curve_ = curves if len(curves) > 1 else next(iter(curves.values()))
        self.n_iter_ = len(net.history)
        return X

    def _start(self, X: NDArray, device: str, settings: dict[str, Any]) -> Engine:
        """Return a new net for X."""
        settings = {"lr": self.lr, "device": device, **settings, **(self.net_params or {})}
        net = Engine(self._module(X.shape[1]), **settings).initialize()
        net.built_with_ = self._built_with()
        return net

    def _go_on(self, settings: dict[str, Any]) -> Engine:
        """Return the net of earlier calls, with the estimator's present settings."""
        net: Engine = self.net_
        for name, value in self._built_with().items():
            if value != net.built_with_[name]:
                raise ValueError(
                    f"{name} was {net.built_with_[name]!r} when the networks were built, and is "
                    f"{value!r} now. Set it back to go on, or fit anew with warm_start=False."
                )
        if net.lr != self.lr:
            net.set_params(lr=self.lr)
        for name, value in settings.items():
            setattr(net, name, value)
        net.initialize_callbacks()
        return net

    def _engine_settings(self, stopping: bool) -> dict[str, Any]:
        """Return what a net takes from the estimator at every call, also when it goes on."""
        callbacks = copy.deepcopy(list(self.callbacks or []))
        if stopping:
            early_stopping = EarlyStopping(patience=self.n_iter_no_change, load_best=True)
            callbacks.append(("early_stopping", early_stopping))
        if self.verbose == 1:
            callbacks.append(("progress_bar", FitProgress(type(self).__name__)))
        schedule = self.lr_schedule
        return {
            "turns": self._turns(),
            "validation_loss": self._validation_loss(),
            "lr_schedule": LR_SCHEDULES[schedule] if isinstance(schedule, str) else schedule,
            "callbacks": callbacks,
            "batch_size": self.batch_size,
            "verbose": int(self.verbose > 1),
        }

    def _split(self, X: NDArray, device: str, seed: int | None) -> tuple[Batches, Batches | None]:
        """Return the training rows, and those that the seed, if any, sets aside for stopping."""
        columns = {"x": self._column(X, device), **self._further_columns(device)}
        if seed is None:
            return Rows(columns, self.batch_size), None
        n_validation = max(1, round(self.validation_fraction * len(X)))
        if n_validation >= len(X):
            raise ValueError(
                f"validation_fraction={self.validation_fraction} of {len(X)} rows leaves none to "
                "train on. Lower it, or set early_stopping=False."
            )
        order = np.random.default_rng(seed).permutation(len(X))
        return (
            Rows(columns, self.batch_size, np.sort(order[n_validation:])),
            Rows(columns, self.batch_size, np.sort(order[:n_validation])),
        )

    def _further_columns(self, device: str) -> dict[str, Tensor]:
        """Return what batches consist of beside the rows of X."""
        return {}

    def _column(self, X: NDArray, device: str) -> Tensor | ScaledRows:
        """Return rows as batches are made of them: all in network units, if they fit.

        Bytes stay bytes, a quarter of the size, until a batch is made of them.
        """
        fits = _fits(X, device)
        if fits and X.dtype != np.uint8:
            return self.scaling_.tensor(X, device)
        on_device = fits and torch.device(device).type != "cpu"
        held = tensor_of(X, X.dtype).to(device) if on_device else X
        return ScaledRows(held, self.scaling_, device)

    # Inference

    def _network(self, dtype: np.dtype) -> nn.Module:
        """Return the trained networks, to infer in that precision."""
        module: nn.Module = self.net_.module_
        return (module if dtype == np.float32 else copy.deepcopy(module).double()).eval()

    def _apply(self, function: Callable[[Tensor], Tensor], X: NDArray) -> NDArray:
        """Apply a row-wise function of tensors to all rows: the one inference loop.

        Parameters
        ----------
        function : callable
            Maps a tensor of rows, in the units and the precision of X, to one of as many rows.

        X : ndarray of shape (n_samples, ...)
            Validated rows.

        Returns
        -------
        result : ndarray of shape (n_samples, ...)
            In the precision of X.

        Raises
        ------
        ValueError
            If X has a NaN or an infinite value.
        """
        dtype = inference_dtype(X)
        device = self.net_.device if hasattr(self, "net_") else "cpu"
        result: NDArray | None = None
        with torch.inference_mode():
            row_bytes = 4 * max(X[:1].size, self.n_features_in_)  # a code is small, its row is not
            for rows in gen_batches(len(X), max(1, _inference_bytes(device) // row_bytes)):
                x = tensor_of(X[rows], dtype)
                if not torch.isfinite(x.sum()):
                    assert_all_finite(X[rows], input_name="X")
                values = function(x.to(device))
                if result is None:
                    result = np.empty((len(X), *values.shape[1:]), dtype)
                torch.from_numpy(result[rows]).copy_(values)
        assert result is not None  # validation lets no empty X through
        return result


def _inference_bytes(device: str) -> int:
    return _INFERENCE_BYTES if torch.device(device).type == "cpu" else 64 * _INFERENCE_BYTES


def _late_rise(losses: Sequence[float], lr: float) -> list[str]:
    """Return a complaint if training went well, and then lost all that it had learned."""
    best = int(np.argmin(losses))
    lowest, last = losses[best], losses[-1]
    if not last > max(losses[0], 2 * lowest) > 0:
        return []
    return [
        f"Training became unstable: the loss was {lowest:.3g} in epoch {best + 1}, and {last:.3g} "
        f"at the end. Lower lr, which is {lr}; early_stopping=True keeps the best weights."
    ]


def _fits(X: NDArray, device: str) -> bool:
    """Whether to hold all of X on the device, in single precision or as bytes."""
    needed = X.size * min(4, X.itemsize)
    if torch.device(device).type == "cuda":
        return needed < torch.cuda.mem_get_info(device)[0] / 2
    return needed <= _IN_MEMORY_BYTES or not _is_memory_mapped(X)


def _is_memory_mapped(X: NDArray) -> bool:
    base: Any = X
    while isinstance(base, np.ndarray):
        if isinstance(base, np.memmap):
            return True
        base = base.base
    return False
