"""What all models share: the way from X to training, and from the trained networks back."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.utils import check_random_state, gen_batches
from sklearn.utils.validation import check_is_fitted
from skorch.callbacks import Callback
from torch import Tensor, distributed, nn
from tqdm.auto import tqdm

from skgen._sklearn import Interval, StrOptions, _clone_parametrized, _fit_context
from skgen.engine import (
    LR_SCHEDULES,
    Batches,
    Column,
    EarlyStopping,
    Engine,
    FitProgress,
    LengthBuckets,
    Phase,
    Rows,
    Turn,
    TurnLoss,
    seeded,
    usual_settings,
)
from skgen.engine.sklearn_callbacks import CallbackSupportMixin, EpochTasks, with_callbacks
from skgen.exceptions import deferred_warnings, warn
from skgen.inputs import Input, Scaling
from skgen.parameters import COUNT, NOT_NEGATIVE, POSITIVE, Component, Declared, parameter

__all__ = ["BaseModel", "IncrementalModel", "own_callback", "torch_device"]

# On a CPU, rows that are few for a thread, or left over at an end, go another way through torch's
# kernels and are rounded otherwise. Batches are filled up to a multiple of so many for each thread,
# if that takes no more than so many bytes: what is made of a row does not depend on its company.
_ROWS_OF_THREAD = 16
_FILLED_BYTES = 8 << 20

# Seconds after which inference shows a bar, with verbose=1.
_PATIENCE = 3

_OPTIMIZERS: Mapping[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
}

# Parameters that say nothing of turns.
_NO_PARTS = {"callbacks", "max_epochs", "random_state", "verbose"}

_NET_PARAMS = ("optimizer__", "compile__", "compile", "autocast")


class BaseModel(CallbackSupportMixin, Declared, ABC):
    """Base class of all models: a plain estimator that builds a net in `fit`, and keeps it.

    A model says what it takes (`_input`), what its networks are (`_module`), and how they are
    trained (`_turns`). X goes one way: from `fit` through the input to columns, and from these in
    batches to the engine. What is asked of the trained networks goes through `_apply`, and back
    through the input.
    """

    _fitted: ClassVar[Mapping[str, str]] = {
        "net_ : Engine": """The trained skorch net. ``net_.module_`` holds the networks and
            ``net_.history`` the losses, epoch by epoch.""",
        "loss_curve_ : list of float": """Training loss of every epoch; of a model with several
            turns, a dictionary of such lists by turn.""",
        "validation_scores_ : list of float or None": """Minus the loss on rows set aside, or what a
            model has in its place, for every epoch; None if there were no such rows.""",
        "best_validation_score_ : float or None": "The best of these.",
        "n_iter_ : int": """Number of epochs run, all calls of `fit` and `partial_fit` since the
            last cold start together.""",
        "input_ : Input": "What `fit` learned of X: its layout, range, dtype and scaling.",
        "target_input_ : Input or None": "What it learned of y, in a model that takes one.",
        "scaling_ : Scaling": """The fitted map from X to network units: `mean`, `offset`,
            `scale`.""",
        "n_features_in_ : int": "Number of features seen in `fit`.",
        "feature_names_in_ : ndarray of shape (n_features,)": """Names of the features, if X had
            string names.""",
    }

    max_epochs: int | None = parameter(
        None,
        [*COUNT, None],
        """Passes over X. None stands for 20, or for as many as make 2,000 updates if X is small,
        but 200 at most.""",
    )
    batch_size: int = parameter(
        256,
        COUNT,
        """Rows in a minibatch; all of X if it has fewer.""",
    )
    lr: float = parameter(
        5e-3,
        POSITIVE,
        """Learning rate of the optimizer, at its peak.""",
    )
    lr_schedule: str | Callable[[float], float] = parameter(
        "one_cycle",
        [StrOptions(set(LR_SCHEDULES)), callable],
        """How the rate moves in `fit`: up to `lr` over the first 30% of the updates and down to 0,
        or not at all. A callable maps the share of training done to a share of `lr`.
        `partial_fit` keeps the rate at `lr`. A skorch `LRScheduler` among the callbacks takes the
        place of all that.""",
        kind="{'one_cycle', 'constant'} or callable",
    )
    optimizer: str | type[torch.optim.Optimizer] = parameter(
        "adam",
        [StrOptions(set(_OPTIMIZERS)), type],
        """What takes the steps; also a class of `torch.optim`.""",
        kind="{'adam', 'adamw', 'sgd', 'rmsprop'} or type",
    )
    weight_decay: float = parameter(
        0.0,
        NOT_NEGATIVE,
        """How much weights are drawn to 0, as the optimizer means it: ``"adamw"`` takes this share,
        times the rate, off them at every step; ``"adam"`` adds it to their gradient.""",
    )
    early_stopping: bool = parameter(
        False,
        ["boolean"],
        """Whether `fit` stops when the loss on rows set aside no longer improves, and keeps the
        weights that were best on them. They are `X_val`, or else a part of X.""",
    )
    validation_fraction: float = parameter(
        0.1,
        [Interval(Real, 0, 1, closed="neither")],
        """Share of X set aside for `early_stopping`.""",
    )
    n_iter_no_change: int = parameter(
        10,
        COUNT,
        """Epochs without improvement after which `early_stopping` stops.""",
    )
    warm_start: bool = parameter(
        False,
        ["boolean"],
        """Whether `fit` goes on from the present weights, optimizer state and random numbers in
        place of starting anew. What the networks were built with cannot change then.""",
    )
    callbacks: Sequence[Any] | None = parameter(
        None,
        [list, tuple, None],
        """Copied before use; the copies are in ``net_.callbacks_``. In place of a callback that
        cannot be copied, because it holds a file or a connection, pass a function that makes it,
        ``lambda: TensorBoard(SummaryWriter())``. Then the model can be cloned and searched.""",
        kind="list of skorch callbacks, or of functions that return one, or None",
    )
    device: str = parameter(
        "auto",
        [str, torch.device],
        """Where to train and infer. ``"auto"`` is CUDA if there is one, then Apple's MPS,
        otherwise the CPU.""",
    )
    verbose: int = parameter(
        0,
        ["verbose"],
        """0 is silent, 1 shows a progress bar, 2 prints a line an epoch.""",
    )
    random_state: int | np.random.RandomState | None = parameter(
        None,
        ["random_state"],
        """Seeds weights, noise, the order of rows and the validation split. An int makes `fit`
        repeatable: on the CPU bit for bit, at an equal number of threads. torch's own generators
        are left as they were.""",
    )
    net_params: Mapping[str, Any] | None = parameter(
        None,
        [dict, None],
        """Rare options: further ones of the optimizer, ``{"optimizer__momentum": 0.9}``;
        ``{"compile": True}`` and ``"compile__..."``, as in `torch.compile`; or
        ``{"autocast": torch.bfloat16}`` for mixed precision.""",
    )

    if TYPE_CHECKING:
        input_: Any
        target_input_: Any
        net_: Engine
        loss_curve_: list[float] | dict[str, list[float]]
        validation_scores_: list[float] | None

    # Whether a loss that rises late is a sign of trouble.
    _has_steady_loss: ClassVar[bool] = True

    # Where the documentation is, for the link in a notebook.
    _doc_link_module = "skgen"
    _doc_link_template = (
        "https://scikit-gen.readthedocs.io/en/stable/generated/skgen.{estimator_name}.html"
    )

    # What a model says

    @abstractmethod
    def _input(self) -> Input:
        """Return what X is to be, not yet fitted."""

    def _target_input(self) -> Input | None:
        """Return what y is to be, not yet fitted; None for a model that does without."""
        return None

    @abstractmethod
    def _module(self) -> nn.Module:
        """Return the networks, untrained. Inputs are fitted, and torch is seeded."""

    def _initialize(self, module: Any, batches: Batches) -> None:
        """Set those weights of new networks that start from the data. torch is seeded."""

    @abstractmethod
    def _turns(self) -> list[Turn]:
        """Return who is trained, towards what."""

    def _phases(
        self, turns: Sequence[Turn], batches: Batches, n_epochs: int, validation: Batches | None
    ) -> list[Phase]:
        """Return what is trained one after the other, by default a single phase."""
        return [Phase(batches, turns, n_epochs, validation)]

    def _batches(self, columns: Mapping[str, Column], rows: NDArray | None) -> Batches:
        """Return batches of some rows, or of all."""
        return Rows(columns, self.batch_size, rows)

    def _split(
        self, columns: Mapping[str, Column], seed: int
    ) -> tuple[NDArray[np.integer[Any]], NDArray[np.integer[Any]]]:
        """Return the rows to train on, and those to set aside."""
        return self._cut(np.random.default_rng(seed).permutation(_n_rows(columns)))

    def _cut(self, rows: NDArray, of: str = "rows") -> tuple[NDArray, NDArray]:
        """Cut shuffled rows in two, and return what to train on and what to set aside."""
        n_held_out = max(1, round(self.validation_fraction * len(rows)))
        if n_held_out >= len(rows):
            raise ValueError(
                f"validation_fraction={self.validation_fraction} of {len(rows)} {of} leaves none "
                "to train on. Lower it, or set early_stopping=False."
            )
        return np.sort(rows[n_held_out:]), np.sort(rows[:n_held_out])

    def _validation_batches(
        self, columns: Mapping[str, Column], rows: NDArray | None, seed: int
    ) -> Batches:
        """Return batches of the rows whose loss is measured after every epoch."""
        return self._batches(columns, rows)

    def _validation_loss(self) -> TurnLoss | None:
        """Return what stopping early looks at, None for the first turn's loss."""
        return None

    def _validation_score(self, loss: float) -> float:
        """Return what that loss is as a score."""
        return -loss

    def _default_epochs(self, n_batches: int) -> int:
        """Return how many passes over so many batches ``max_epochs=None`` stands for."""
        return int(np.clip(-(-2000 // n_batches), 20, 200))

    def _least_patience(self, n_batches: int) -> int:
        """Return the epochs that stopping early waits at least, at so many batches in each."""
        return 1

    def _optimizer_settings(self, **settings: Any) -> dict[str, Any]:
        """Return settings of a turn's optimizer, less those that the user speaks of."""
        if self.optimizer not in ("adam", "adamw"):  # which may know none of them
            return {name: value for name, value in settings.items() if name == "lr"}
        chosen = self.net_params or {}
        return {
            name: value for name, value in settings.items() if f"optimizer__{name}" not in chosen
        }

    def _built_with(self) -> dict[str, Any]:
        """Return the parameters that cannot change while training goes on."""
        names = ("device", "optimizer", "weight_decay", "net_params")
        return {name: getattr(self, name) for name in names}

    # Public

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: Any = None,
        *,
        X_val: ArrayLike | None = None,
        y_val: Any = None,
    ) -> Self:
        """Learn from X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or images
            Training rows: finite numbers, at least two rows.

        y : None
            Ignored.

        X_val : array-like like X, default=None
            Rows whose loss is measured after every epoch, which `early_stopping` goes by. In a
            pipeline, ``Pipeline(..., transform_input=["X_val"])`` brings them here.

        y_val : None
            Ignored.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        FloatingPointError
            If training diverges. The estimator is then as it was before.
        """
        with self._all_or_nothing():
            self._learn(X, y, X_val=X_val, y_val=y_val)
        return self

    @property
    def scaling_(self) -> Scaling:
        """The fitted map from X to network units."""
        scaling: Scaling = self.input_.scaling
        return scaling

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "input_")

    def __sklearn_clone__(self) -> Self:
        """Return an unfitted copy, or say which callback cannot be copied."""
        try:
            copied: Self = _clone_parametrized(self)
        except TypeError as error:
            for number, one in enumerate(self.callbacks or []):
                try:
                    copy.deepcopy(one)
                except TypeError:
                    raise TypeError(
                        f"callbacks[{number}], {one!r}, cannot be copied, as clone and searches "
                        f"do: {error}. Pass a function that makes it: callbacks=[lambda: ...]."
                    ) from error
            raise
        return copied

    # From X to training

    @with_callbacks
    def _learn(
        self,
        X: Any,
        y: Any = None,
        *,
        partial: bool = False,
        X_val: Any = None,
        y_val: Any = None,
    ) -> dict[str, Column]:
        """Read, seed, build and train; set the fitted attributes; return the columns read."""
        warm = hasattr(self, "net_") and (partial or self.warm_start)
        device = self.net_.device if warm else torch_device(self.device)
        columns = self._read(X, y, going_on=warm)
        if X_val is None and y_val is not None:
            raise ValueError("y_val says what the rows of X_val are: pass X_val, too.")
        held_out = None if X_val is None else self._read(X_val, y_val, going_on=True)
        stopping = self.early_stopping and not partial
        draws = not warm or stopping or held_out is not None
        seed = self._seed() if draws else 0
        made = self._turns_and_parts()
        settings = {"turns": made[0], **self._engine_settings(stopping)}
        with seeded(None if warm else seed), self._net_as_before():
            net = self._go_on(settings) if warm else self._start(device, settings)
            n_before = len(net.history)
            on_device = {name: column.on(net.device) for name, column in columns.items()}
            rows, validation = None, None
            if held_out is not None:
                there = {name: column.on(net.device) for name, column in held_out.items()}
                validation = self._validation_batches(there, None, seed)
            elif stopping:
                rows, aside = self._split(columns, seed)
                validation = self._validation_batches(on_device, aside, seed)
            batches = self._batches(on_device, rows)
            if not warm:
                self._initialize(net.module_, batches)
            n_epochs = self.max_epochs or self._default_epochs(batches.n_batches)
            if stopping:
                callback = dict(net.callbacks_)["early_stopping"]
                callback.patience = max(
                    self.n_iter_no_change, self._least_patience(batches.n_batches)
                )
            phases = self._phases(made[0], batches, 1 if partial else n_epochs, validation)
            net.partial_fit(phases, epochs=1 if partial else None)
        losses = [row["train_loss"] for row in net.history[n_before:]]
        settled = len(losses) * batches.n_batches >= 100  # a shorter run may end on the way
        alone = len(net.turns) == 1 and len(phases) == 1
        if settled and alone and not stopping and self._has_steady_loss:
            _warn_of_a_late_rise(losses, self.lr)
        net.made_ = made
        self.net_ = net
        if warm:
            self.input_ = self.input_.widened(columns)
            if self.target_input_ is not None:
                self.target_input_ = self.target_input_.widened(columns)
        self._set_curves(net, n_before)
        return columns

    def _read(self, X: Any, y: Any, *, going_on: bool) -> dict[str, Column]:
        """Return the columns of X and y, and keep what is learned of them."""
        if not going_on:
            self.input_, self.target_input_ = self._input(), self._target_input()
        columns: dict[str, Column] = {}
        for given, taken in ((y, self.target_input_), (X, self.input_)):
            if taken is not None and going_on:
                columns = taken.columns(given, self, to_train=True) | columns
            elif taken is not None:
                columns = taken.fit(given, self) | columns
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(
                f"X and y differ in length, with inconsistent numbers of samples: {lengths}."
            )
        return columns

    def _start(self, device: str, settings: dict[str, Any]) -> Engine:
        """Return a new net."""
        net = Engine(self._module(), lr=self.lr, device=device, **settings, **self._net_settings())
        net.initialize()
        net.built_with_ = self._built_with()
        return net

    def _net_settings(self) -> dict[str, Any]:
        """Return what a net is built with, and keeps."""
        chosen = dict(self.net_params or {})
        for name in chosen:
            if not (name in _NET_PARAMS or str(name).startswith(_NET_PARAMS[:2])):
                own = f" There is a parameter {name}= for it." if name in self.get_params() else ""
                raise ValueError(
                    f"net_params has {name!r}; it takes "
                    f'"optimizer__...", "compile", "compile__..." and "autocast".{own}'
                )
        kind = _OPTIMIZERS[self.optimizer] if isinstance(self.optimizer, str) else self.optimizer
        decay = {"optimizer__weight_decay": self.weight_decay} if self.weight_decay else {}
        return {"optimizer": kind, **decay, **chosen}

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
            if name != "turns" or net.progress_.n_phases == 1:  # several start anew
                setattr(net, name, value)
        net.initialize_callbacks()
        return net

    def _turns_and_parts(self) -> tuple[list[Turn], dict[str, Any]]:
        """Return the turns and what they are made of; those of before where that is the same."""
        parts = {
            name: _value(one)
            for name, one in self.get_params(deep=False).items()
            if name not in _NO_PARTS
        }
        parts["input_"] = self.input_
        turns, before = getattr(getattr(self, "net_", None), "made_", (None, None))
        return (self._turns(), parts) if turns is None or parts != before else (turns, parts)

    @contextmanager
    def _net_as_before(self) -> Iterator[None]:
        """Leave the settings of an earlier net as they were if the block fails."""
        net = getattr(self, "net_", None)
        if net is None:
            yield
            return
        before = net.__dict__.copy()
        rates = [(group, group["lr"]) for group in net.optimizer_.param_groups]
        try:
            yield
        except BaseException:
            net.__dict__.clear()
            net.__dict__.update(before)
            for group, rate in rates:
                group["lr"] = rate
            raise

    def _engine_settings(self, stopping: bool) -> dict[str, Any]:
        """Return what a net takes from the estimator at every call, also when it goes on."""
        callbacks = [own_callback(one) for one in self.callbacks or []]
        if stopping:
            early_stopping = EarlyStopping(patience=self.n_iter_no_change, load_best=True)
            callbacks.append(("early_stopping", early_stopping))
        if self.verbose == 1:
            callbacks.append(("progress_bar", FitProgress(type(self).__name__)))
        callbacks += [("epoch_tasks", tasks) for tasks in EpochTasks.of(self)]
        schedule = self.lr_schedule
        return {
            "validation_loss": self._validation_loss(),
            "lr_schedule": LR_SCHEDULES[schedule] if isinstance(schedule, str) else schedule,
            "callbacks": callbacks,
            "batch_size": self.batch_size,
            "verbose": int(self.verbose > 1),
        }

    def _set_curves(self, net: Engine, n_before: int) -> None:
        """Set what the history shows of training, from the epochs of this call on."""
        curves: dict[str, list[float]] = {}
        scores: list[float] = []
        if n_before:
            known = self.loss_curve_
            curves = dict(known) if isinstance(known, dict) else {"loss": known}
            scores = self.validation_scores_ or []
        new: dict[str, list[float]] = {}
        for row in net.history[n_before:]:
            named = [name for name in row if name.startswith("train_loss_")]
            named = [name for name in named if not name.endswith("_best")] or ["train_loss"]
            for name in named:
                new.setdefault(name.removeprefix("train_").removeprefix("loss_"), []).append(
                    row[name]
                )
        curves |= {name: [*curves.get(name, []), *losses] for name, losses in new.items()}
        self.loss_curve_ = curves if len(curves) > 1 else next(iter(curves.values()))
        losses = [row["valid_loss"] for row in net.history[n_before:] if "valid_loss" in row]
        scores = [*scores, *map(self._validation_score, losses)]
        self.validation_scores_ = scores or None
        self.best_validation_score_ = max(scores, default=None)
        self.n_iter_ = len(net.history)

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Leave the estimator as it was if the block fails; have it warn only if it does not.

        Torch's settings are not the caller's meanwhile.
        """
        before = self.__dict__.copy()
        with usual_settings(), deferred_warnings():
            try:
                yield
            except BaseException:
                self.__dict__.clear()
                self.__dict__.update(before)
                raise

    def _seed(self) -> int:
        """Draw the seed of a fit, the same one in all processes."""
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        if distributed.is_available() and distributed.is_initialized():
            device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
            drawn = torch.tensor([seed], device=device)
            distributed.broadcast(drawn, src=0)
            seed = int(drawn.item())
        return seed

    # From the trained networks back

    @usual_settings()
    def _columns(self, X: Any) -> dict[str, Column]:
        """Return the columns of rows to infer from."""
        check_is_fitted(self)
        columns: dict[str, Column] = self.input_.columns(X, self)
        return columns

    def _network(self) -> Any:
        """Return the trained networks, to infer with."""
        return self.net_.module_.eval()

    @usual_settings()
    def _apply(
        self,
        function: Callable[..., Any],
        columns: Mapping[str, Column],
        rows: NDArray[np.integer[Any]] | None = None,
    ) -> Any:
        """Apply a row-wise function of tensors to all rows, or to some: the one inference loop.

        Parameters
        ----------
        function : callable
            Maps the values of the columns, in single precision and one argument each, to a tensor
            with one entry for every row, or to a list of such entries.

        columns : mapping of str to Column
            What it is applied to.

        rows : ndarray of int, default=None
            Numbers of rows, for a part of them.

        Returns
        -------
        result : ndarray of shape (n_samples, ...), or list
            In the precision in which the first column's rows were given.

        Raises
        ------
        ValueError
            If there is a NaN or an infinite value.
        """
        device = self.net_.device if hasattr(self, "net_") else "cpu"
        on_cpu = torch.device(device).type == "cpu"
        n_rows = _n_rows(columns) if rows is None else len(rows)
        dtype = next(iter(columns.values())).dtype
        taken = [one for one in (self.input_, self.target_input_) if one is not None]
        at_once = min(one.batch_bytes for one in taken) * (1 if on_cpu else 64)
        n_bytes = [one.row_bytes for one in taken]  # a code is small, its row is not
        n_bytes += [_n_bytes(column.take(slice(1))) for column in columns.values()]
        least = _ROWS_OF_THREAD * torch.get_num_threads() if on_cpu else 1
        least = max(1, min(least, _FILLED_BYTES // max(n_bytes)))
        bar = tqdm(
            total=n_rows,
            desc=type(self).__name__,
            unit="row",
            delay=_PATIENCE,
            disable=self.verbose != 1,
            leave=False,
        )
        result: Any = None
        with torch.inference_mode(), bar:
            if any(
                isinstance(column.take(slice(1)), tuple) or _differ(column.lengths)
                for column in columns.values()
            ):
                least = 1  # what comes in several parts, or is of any length, is not filled up
            for places in _parts(columns, rows, max(1, at_once // max(n_bytes) // least) * least):
                index: Any = places if rows is None else rows[places]
                if not isinstance(index, slice):
                    index = torch.from_numpy(index)
                values = function(
                    *[_ready(column.take(index), device, least) for column in columns.values()]
                )
                numbers = range(n_rows)[places] if isinstance(places, slice) else places
                if isinstance(values, list):
                    result = [None] * n_rows if result is None else result
                    for number, one in zip(numbers, values, strict=False):  # some were filled up
                        result[number] = _array(one, dtype)
                else:
                    if result is None:
                        result = np.empty((n_rows, *values.shape[1:]), dtype)
                    if isinstance(places, slice):
                        torch.from_numpy(result[places]).copy_(values[: len(numbers)])
                    else:
                        result[places] = values[: len(numbers)].cpu().numpy()
                bar.update(len(numbers))
        return result


class IncrementalModel(BaseModel, ABC):
    """Base class of the models that learn from chunks, too."""

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn from one more chunk of rows: one pass at a constant rate.

        The first chunk also fixes the scaling, so it should be like the others.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), or images
            Training rows.

        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        with self._all_or_nothing():
            self._learn(X, y, partial=True)
        return self


def torch_device(device: Any) -> str:
    """Return what a parameter `device` stands for, and that it is there."""
    asked = device
    if device == "auto":
        mps = torch.backends.mps.is_available()
        device = "cuda" if torch.cuda.is_available() else "mps" if mps else "cpu"
    try:
        torch.empty(0, device=device)  # which also starts a GPU up, before its seed is set
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"device={asked!r} is not available on this machine ({error}). "
            'Use device="auto" or "cpu".'
        ) from error
    return str(device)


def _value(part: Any) -> Any:
    """Return a parameter as it is now, also if it is changed in place later."""
    if isinstance(part, Component):
        return clone(part)
    if isinstance(part, list | tuple | np.ndarray):
        return tuple(map(_value, part))
    return part


def own_callback(given: Any) -> Any:
    """Return a copy of a callback, or of a name and one; what cannot be copied is shared."""
    if isinstance(given, tuple):
        name, one = given
        return name, own_callback(one)
    if callable(given) and not isinstance(given, Callback):
        return given()
    try:
        return copy.deepcopy(given)
    except TypeError:
        return copy.copy(given)


def _n_rows(columns: Mapping[str, Column]) -> int:
    return len(next(iter(columns.values())))


def _parts(
    columns: Mapping[str, Column], rows: NDArray[np.integer[Any]] | None, size: int
) -> Iterator[slice | NDArray[np.integer[Any]]]:
    """Yield the rows to infer from at once: so many, or those of like length where that differs."""
    n_rows = _n_rows(columns) if rows is None else len(rows)
    ragged = [column.lengths for column in columns.values() if column.lengths is not None]
    if not ragged:
        yield from gen_batches(n_rows, size)
        return
    lengths = ragged[0] if rows is None else ragged[0][torch.from_numpy(rows)]
    order, sizes = LengthBuckets.of(lengths, size).arranged(torch.arange(n_rows))
    yield from (part.numpy() for part in order.split(sizes))


def _differ(lengths: Tensor | None) -> bool:
    return lengths is not None and len(lengths) > 0 and bool(lengths.min() < lengths.max())


def _n_bytes(values: Tensor | tuple[Tensor, ...]) -> int:
    return sum(one.nbytes for one in (values if isinstance(values, tuple) else (values,)))


def _array(value: Any, dtype: np.dtype) -> Any:
    """Return a tensor as an array of that precision, and anything else as it is."""
    return value.cpu().numpy().astype(dtype) if isinstance(value, Tensor) else value


def _ready(values: Any, device: str, least: int) -> Any:
    """Return values on a device; a tensor is filled up to a multiple of rows by its last."""
    if isinstance(values, tuple):
        return tuple(one.to(device) for one in values)
    missing = -len(values) % least
    if missing:
        values = torch.cat([values, values[-1:].expand(missing, *values.shape[1:])])
    return values.to(device)


def _warn_of_a_late_rise(losses: Sequence[float], lr: float) -> None:
    """Warn if training went well, and then lost all that it had learned."""
    best = int(np.argmin(losses))
    lowest, last = losses[best], losses[-1]
    if last > max(losses[0], 2 * lowest) > 0:
        warn(
            f"Training became unstable: the loss was {lowest:.3g} in epoch {best + 1}, and "
            f"{last:.3g} at the end. Lower lr, which is {lr}; early_stopping=True keeps the best "
            "weights."
        )
