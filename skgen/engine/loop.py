"""The one training loop: networks, and turns that say who moves, towards what, how often."""

import copy
import inspect
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochTimer, LRScheduler, PrintLog
from torch import Tensor, distributed, nn

from skgen.engine.batches import Batch, Batches, Values
from skgen.engine.optimizers import TurnOptimizers
from skgen.engine.random_state import seeded
from skgen.engine.turns import Phase, Progress, Turn, TurnLoss
from skgen.exceptions import called_directly, warn

__all__ = ["Engine"]


@contextmanager
def _denormals_flushed() -> Iterator[None]:
    """Have numbers too small for full precision count as 0, since arithmetic on them is slow."""
    flushed_before = (torch.tensor(1e-40) * 1).item() == 0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(flushed_before)


# Products of numbers in an update from which on several threads are faster than one; below they
# wait for each other, and beside a busy process many times as long.
_WORK_FOR_THREADS = 1e7


class _Step(nn.Module):
    """One turn's loss as a forward pass, which is where torch's wrappers hook in."""

    def __init__(
        self, module: nn.Module, loss: TurnLoss, autocast: torch.dtype | None, device: str
    ):
        super().__init__()
        self.module = module
        self.loss = loss
        self.autocast = autocast
        self.device_type = torch.device(device).type

    def forward(self, batch: Batch, state: Progress) -> tuple[Tensor, Mapping[str, Tensor]]:
        if self.autocast is None:
            result = self.loss(self.module, batch, state)
        else:
            with torch.autocast(self.device_type, self.autocast):
                result = self.loss(self.module, batch, state)
        return result if isinstance(result, tuple) else (result, {})


class Engine(NeuralNet):
    """A skorch net that trains any number of players by turns, without per-batch overhead.

    One iteration plays every turn `repeats` times, each update on a batch of its own; an epoch
    is as many iterations as one pass over the rows gives batches for. The loss of every turn,
    averaged over rows, stands in the history once per epoch as ``train_loss_<name>``; that of the
    first turn is also ``train_loss``, and what else losses return stands by its own name. With
    validation batches there is a ``valid_loss``. skorch's callbacks work as they do on any net;
    batch-level ones cost what they cost.

    Parameters
    ----------
    module : torch.nn.Module
        The networks. It is trained in place.

    turns : sequence of Turn
        Who moves, towards what.

    validation_loss : callable or None, default=None
        What stopping early looks at: ``validation_loss(module, batch, state)`` is averaged over the
        validation batches, in evaluation mode. None stands for the first turn's loss.

    lr_schedule : callable or None, default=None
        Maps the share of training done to a share of `lr`. None keeps `lr` constant. A skorch
        `LRScheduler` among the callbacks takes the place of either.

    autocast : torch.dtype or None, default=None
        Compute losses in mixed precision: ``torch.bfloat16``. Weights and optimizers stay in
        single precision.

    optimizer : type, default=torch.optim.Adam
        Class of the optimizers. Its fused version is taken where there is one.

    **kwargs : dict
        Further arguments of `skorch.NeuralNet`.

    Notes
    -----
    Under `torch.distributed` every process takes its share of each batch and gradients are
    averaged, so that any number of processes makes the same steps as one at the same batch size,
    but for random noise, which every process draws for its own rows.
    """

    def __init__(
        self,
        module: nn.Module,
        turns: Sequence[Turn],
        *,
        validation_loss: TurnLoss | None = None,
        lr_schedule: Callable[[float], float] | None = None,
        autocast: torch.dtype | None = None,
        optimizer: type[torch.optim.Optimizer] = torch.optim.Adam,
        criterion: type[nn.Module] = nn.Identity,
        train_split: None = None,
        use_caching: bool = False,
        **kwargs: Any,
    ):
        super().__init__(
            module,
            criterion=criterion,
            optimizer=optimizer,
            train_split=train_split,
            use_caching=use_caching,
            **kwargs,
        )
        self.turns = turns
        self.validation_loss = validation_loss
        self.lr_schedule = lr_schedule
        self.autocast = autocast

    # What skorch asks to be overridden: components

    @property
    def _default_callbacks(self) -> list[tuple[str, Callback]]:
        callbacks: list[tuple[str, Callback]] = [("epoch_timer", EpochTimer())]
        return [*callbacks, ("print_log", PrintLog())] if self.verbose else callbacks

    def initialize_optimizer(self, triggered_directly: bool | None = None) -> "Engine":
        """Build one optimizer a turn, each over its players' weights."""
        if self.turns[0].shares_batch:
            raise ValueError("The first turn has no turn before it whose batch it could share.")
        if self.autocast not in (None, torch.bfloat16):
            raise ValueError(
                "autocast has to be None or torch.bfloat16, whose range needs no scaling of "
                f"losses, got {self.autocast!r}."
            )
        optimizers: list[torch.optim.Optimizer] = []
        for players in self._players():
            named = [
                (name, weight) for name, weight in self._named_weights() if id(weight) in players
            ]
            turn = self.turns[len(optimizers)]
            args, settings = self.get_params_for_optimizer("optimizer", named)
            kind: Any = turn.optimizer_class or self.optimizer
            if kind is not self.optimizer:  # which may know nothing of the model's options
                settings = {"lr": settings["lr"]}
            settings |= turn.optimizer or {}
            accepts = inspect.signature(kind).parameters
            if "fused" in accepts and not {"fused", "foreach"} & settings.keys():
                settings["fused"] = torch.device(self.device).type in {"cpu", "cuda"}
            optimizers.append(kind(*args, **settings))
        self.optimizer_ = TurnOptimizers(optimizers)
        return self

    def torch_compile(self, module: nn.Module, name: str) -> nn.Module:
        """Leave the networks alone: it is the steps that are compiled, see `compile`."""
        return module

    def get_all_learnable_params(self) -> Iterator[tuple[str, Tensor]]:
        """Yield the weights of the networks with their names."""
        yield from self._named_weights()

    def _named_weights(self) -> list[tuple[str, Tensor]]:
        return [(name, weight) for name, weight in self.module_.named_parameters()]

    def _players(self) -> list[set[int]]:
        """Return the identities of the weights that each turn moves."""
        learnable = {id(weight) for weight in self.module_.parameters() if weight.requires_grad}
        return [
            learnable
            & {
                id(w)
                for name in turn.players
                for w in self.module_.get_submodule(name).parameters()
            }
            for turn in self.turns
        ]

    # Training

    def partial_fit(
        self,
        X: Batches | Sequence[Phase],
        y: None = None,
        classes: None = None,
        *,
        validation: Batches | None = None,
        epochs: int | None = None,
        **fit_params: Any,
    ) -> "Engine":
        """Train from where the networks stand.

        Parameters
        ----------
        X : Batches, or sequence of Phase
            The rows to train on; or several phases, each with rows and turns of its own.

        y, classes : None
            Present for skorch's sake. Labels are a column of the batches.

        validation : Batches, default=None
            Rows whose loss is measured after every epoch.

        epochs : int, default=None
            Train for so many epochs at a constant rate. None is a planned run: `max_epochs` under
            the schedule, or what is left of a plan that a callback has just loaded.

        Returns
        -------
        self : Engine
            The trained net. Interrupted from the keyboard in the last phase, it keeps the weights
            reached.

        Raises
        ------
        FloatingPointError
            If a loss or a weight is no longer finite. The net is then as it was before.
        """
        if not self.initialized_:
            self.initialize()
        n_epochs = self.max_epochs if epochs is None else epochs
        phases: Sequence[Phase] = [] if isinstance(X, Batches) else X
        if isinstance(X, Batches):
            phases = [Phase(X, self.turns, n_epochs, validation)]
        before = self._training_state()
        with seeded(), _denormals_flushed(), self._threads(phases):
            try:
                for number, phase in enumerate(phases):
                    if phase.turns is not self.turns:
                        self.turns = phase.turns
                        self.initialize_optimizer()
                    self._plan(phases, number, at_constant_rate=epochs is not None)
                    self._begin(phase.batches)
                    self.fit_loop(phase.batches, validation=phase.validation)
                    self._release()
                    self._end(phase.batches)
            except BaseException:
                self._release()
                self._restore(before)
                raise
        return self

    @contextmanager
    def _threads(self, phases: Sequence[Phase]) -> Iterator[None]:
        """Have small dense networks trained by one thread, and the caller's setting restored."""
        n_threads = torch.get_num_threads()
        if n_threads == 1 or self._has_work_for_threads(phases):
            yield
            return
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(n_threads)

    def _has_work_for_threads(self, phases: Sequence[Phase]) -> bool:
        """Whether several threads are faster than one."""
        n_weights = sum(weight.numel() for weight in self.module_.parameters())
        work = max(n_weights * phase.batches.batch_size for phase in phases)
        convolves = any(isinstance(one, nn.Conv2d) for one in self.module_.modules())
        return work > _WORK_FOR_THREADS or convolves

    def _plan(self, phases: Sequence[Phase], number: int, *, at_constant_rate: bool) -> None:
        """Set up how far a phase is to go."""
        batches, _, n_epochs, _ = phases[number]
        n_updates = n_epochs * self._n_iterations(batches) * self._updates_per_iteration
        self.progress_ = Progress(
            n_epochs=n_epochs,
            n_updates=0 if at_constant_rate else n_updates,
            phase=number,
            n_phases=len(phases),
            n_epochs_of_all=sum(phase.n_epochs for phase in phases),
        )

    def fit_loop(
        self,
        X: Batches,
        y: None = None,
        epochs: int | None = None,
        *,
        validation: Batches | None = None,
        **fit_params: Any,
    ) -> "Engine":
        """Run epochs until the plan is done, a callback has enough, or the user has."""
        datasets = {"dataset_train": X, "dataset_valid": validation}
        try:
            while self.progress_.epoch < self.progress_.n_epochs:
                self.notify("on_epoch_begin", **datasets)
                self._train_epoch(X)
                self._validate_epoch(validation)
                self.progress_.epoch += 1
                self._remember()
                try:
                    self.notify("on_epoch_end", **datasets)
                except KeyboardInterrupt:  # how skorch's EarlyStopping says that it has enough
                    break
        except KeyboardInterrupt:
            self._interrupted()
        return self

    def _train_epoch(self, X: Batches) -> None:
        run = self.run_
        self.module_.train()
        run.means, run.n_updates = {}, 0
        if not run.hears_batches:
            self.history.new_batch()  # one stands for all: skorch expects an epoch to have some
        stream = itertools.chain.from_iterable(X.epoch(run.order) for _ in itertools.count())
        for _ in range(self._n_iterations(X)):
            for number, turn in enumerate(self.turns):
                if len(self.turns) > 1:
                    self._take_turn(number)
                for _ in range(turn.repeats):
                    if not turn.shares_batch:
                        batch = next(stream)
                    self._update(batch, number)
        self._record_losses()

    def _update(self, batch: Batch, turn: int) -> None:
        """Make one optimizer step, and note its loss without waiting for the device."""
        run = self.run_
        n_rows = n_global = _n_rows(batch)
        if run.world > 1:
            n_rows = len(range(run.rank, n_global, run.world))
            share = slice(run.rank, None, run.world) if n_rows else slice(1)  # a row without weight
            batch = {name: _rows_of(value, share) for name, value in batch.items()}
        if run.rates is not None and self.lr_schedule is not None and self.progress_.n_updates:
            factor = self.lr_schedule(self.progress_.fraction)
            for group, peak in run.rates:
                group["lr"] = peak * factor
        if run.hears_batches:
            self.notify("on_batch_begin", batch=batch, training=True)
        loss, parts = self.train_step(batch, turn=turn, share=n_rows * run.world / n_global)
        self._note(self.loss_name(turn), loss, n_rows)
        for name, value in parts.items():
            self._note(name, value.detach(), n_rows)
        self.progress_.update += 1
        run.n_updates += 1
        if run.hears_batches:
            self.history.record_batch("train_loss", loss.item())
            self.history.record_batch("train_batch_size", n_rows)
            self.notify("on_batch_end", batch=batch, training=True, loss=loss, y_pred=None)

    def _note(self, name: str, value: Tensor, n_rows: int) -> None:
        """Let a value count in the mean of an epoch, without waiting for the device."""
        means = self.run_.means
        if name not in means:
            means[name] = _Mean(torch.zeros((), device=self.device))
        mean = means[name]
        mean.total.add_(value, alpha=n_rows)
        mean.n_rows += n_rows

    def loss_name(self, turn: int) -> str:
        """Return what the history calls the loss of a turn."""
        name = self.turns[turn].name
        return f"train_loss_{name}" if len(self.turns) > 1 or name != "loss" else "train_loss"

    def train_step(
        self, batch: Batch, *, turn: int = 0, share: float = 1.0, **fit_params: Any
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Make one update of one turn's players.

        Parameters
        ----------
        batch : mapping of str to Tensor
            This process's rows.

        turn : int, default=0
            Whose turn it is.

        share : float, default=1.0
            Weight of these rows' mean among those of all processes.

        Returns
        -------
        loss : Tensor
            The detached loss.

        parts : mapping of str to Tensor
            What else the loss returned.
        """
        run = self.run_
        loss, parts = run.steps[turn](batch, self.progress_)
        for _, weight in run.weights[turn]:
            weight.grad = None
        (loss if share == 1.0 else loss * share).backward()
        if run.hears_gradients:
            self.notify(
                "on_grad_computed", named_parameters=run.weights[turn], batch=batch, training=True
            )
        self.optimizer_.step(turn)
        after_step = self.turns[turn].after_step
        if after_step is not None:
            with torch.no_grad():
                after_step(self.module_, self.progress_)
        return loss.detach(), parts

    def _validate_epoch(self, validation: Batches | None) -> None:
        if validation is None:
            return
        run = self.run_
        self.module_.eval()
        total = torch.zeros((), device=self.device)
        for batch in validation.epoch():
            if run.hears_batches:
                self.notify("on_batch_begin", batch=batch, training=False)
            loss = self.validation_step(batch)
            total.add_(loss, alpha=_n_rows(batch))
            if run.hears_batches:
                self.history.record_batch("valid_loss", loss.item())
                self.history.record_batch("valid_batch_size", _n_rows(batch))
                self.notify("on_batch_end", batch=batch, training=False, loss=loss, y_pred=None)
        self._record("valid_loss", total.item() / len(validation))

    def validation_step(self, batch: Batch, **fit_params: Any) -> Tensor:
        """Return the loss that stopping early looks at on a batch, in evaluation mode."""
        loss = self.turns[0].loss if self.validation_loss is None else self.validation_loss
        with torch.no_grad():
            result = loss(self.module_, batch, self.progress_)
        return result[0] if isinstance(result, tuple) else result

    @property
    def _updates_per_iteration(self) -> int:
        return sum(turn.repeats for turn in self.turns)

    def _n_iterations(self, X: Batches) -> int:
        """As many as one pass gives batches for, and at least one."""
        drawn = sum(turn.repeats for turn in self.turns if not turn.shares_batch)
        return max(1, X.n_batches // drawn)

    # The steps of a run

    def _begin(self, X: Batches) -> None:
        """Let callbacks begin, and set up what lasts for one run."""
        self.optimizer_.training.pop("epoch", None)  # what a callback may bring back
        order = torch.Generator()
        order.manual_seed(int(torch.randint(2**62, ())))
        self.notify("on_train_begin", X=X, y=None)
        rank, world = _process()
        resumed = self._resume(order, rank)
        by_name = [(name, weight) for name, weight in self._named_weights() if weight.requires_grad]
        moved = [
            {id(weight) for group in optimizer.param_groups for weight in group["params"]}
            for optimizer in self.optimizer_.optimizers
        ]
        self.run_ = _Run(
            order=order,
            rank=rank,
            world=world,
            rates=self._rates(resumed),
            learnable=[weight for _, weight in by_name],
            weights=[[(n, w) for n, w in by_name if id(w) in ids] for ids in moved],
            hears_batches=self._hears("on_batch_begin") or self._hears("on_batch_end"),
            hears_gradients=self._hears("on_grad_computed"),
        )
        for number, turn in enumerate(self.turns):
            self._check_loss(turn.loss, world)
            self._take_turn(number)
            step: Any = _Step(self.module_, turn.loss, self.autocast, self.device)
            if world > 1:
                step = nn.parallel.DistributedDataParallel(step)
            if self.compile:
                step = torch.compile(step, **self.get_params_for("compile"))
            self.run_.steps.append(step)

    def _check_loss(self, loss: Any, world: int) -> None:
        """Refuse what compiling cannot do, and warn of what differs between processes."""
        twice = getattr(loss, "differentiates_twice", None)
        if self.compile and twice is not None and twice(self.module_):
            raise ValueError(
                f"torch.compile cannot differentiate twice, which {type(loss).__name__} does. "
                'Leave "compile" out of net_params, or the penalty on a gradient out of the loss: '
                "r1_weight=0, another adversarial_loss than Wasserstein, or no Contractive penalty."
            )
        if world > 1 and not getattr(loss, "is_mean_over_rows", False):
            warn(
                f"{type(loss).__name__} is no mean over rows, and {world} processes compute it on "
                "their own shares of a batch: the model differs from that of one process.",
                UserWarning,
            )

    # What a net of skorch has, and this one does not: its rows come as batches

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """Raise an error: an estimator's `fit` builds the batches."""
        raise _unsupported("fit")

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Raise an error: an estimator's methods know the units of X."""
        raise _unsupported("forward")

    def forward_iter(self, *args: Any, **kwargs: Any) -> Any:
        """Raise an error: an estimator's methods know the units of X."""
        raise _unsupported("forward_iter")

    def predict(self, *args: Any, **kwargs: Any) -> Any:
        """Raise an error: an estimator's methods know the units of X."""
        raise _unsupported("predict")

    def predict_proba(self, *args: Any, **kwargs: Any) -> Any:
        """Raise an error: an estimator's methods know the units of X."""
        raise _unsupported("predict_proba")

    def _resume(self, order: torch.Generator, rank: int) -> bool:
        """Go on with the random numbers, and with the plan if a callback has loaded one."""
        training = self.optimizer_.training
        if not training:
            if rank:
                torch.manual_seed(
                    torch.initial_seed() + rank
                )  # other noise, the same order of rows
            return False
        order.set_state(training["order"].cpu())
        torch.set_rng_state(training["torch"].cpu())
        if "cuda" in training and torch.device(self.device).type == "cuda":
            torch.cuda.set_rng_state(training["cuda"].cpu(), self.device)
        if "epoch" not in training:
            return False
        self.progress_.epoch, self.progress_.update = training["epoch"], training["update"]
        return True

    def _remember(self) -> None:
        """Put what `_resume` needs where a checkpoint finds it."""
        training = self.optimizer_.training
        training["order"] = self.run_.order.get_state()
        training["torch"] = torch.get_rng_state()
        if torch.device(self.device).type == "cuda":
            training["cuda"] = torch.cuda.get_rng_state(self.device)
        training["epoch"], training["update"] = self.progress_.epoch, self.progress_.update

    def _rates(self, resumed: bool) -> list[tuple[dict[str, Any], float]] | None:
        """Every parameter group with its peak rate, unless a scheduler is in charge."""
        if any(isinstance(callback, LRScheduler) for _, callback in self.callbacks_):
            return None
        rates = []
        for turn, optimizer in zip(self.turns, self.optimizer_.optimizers, strict=True):
            for group in optimizer.param_groups:
                peak = (
                    group["initial_lr"]
                    if resumed
                    else (turn.optimizer or group).get("lr", group["lr"])
                )
                group["initial_lr"] = group["lr"] = peak
                rates.append((group, peak))
        return rates

    def _hears(self, event: str) -> bool:
        """Whether any callback listens, so that nothing is done for none."""
        return any(
            getattr(type(callback), event) is not getattr(Callback, event)
            for _, callback in self.callbacks_
        )

    def _take_turn(self, turn: int) -> None:
        """Have gradients computed for this turn's players alone."""
        for weight in self.run_.learnable:
            weight.requires_grad_(False)
        for _, weight in self.run_.weights[turn]:
            weight.requires_grad_(True)

    def _record_losses(self) -> None:
        """Write the epoch's mean losses into the history, and how many updates it made."""
        self.history.record("train_batch_count", self.run_.n_updates)
        means = self.run_.means
        totals = torch.stack([mean.total for mean in means.values()])
        n_rows = torch.tensor([float(mean.n_rows) for mean in means.values()], device=self.device)
        if self.run_.world > 1:
            distributed.all_reduce(totals)
            distributed.all_reduce(n_rows)
        values = dict(zip(means, (totals / n_rows.clamp(min=1)).tolist(), strict=True))
        for name, value in values.items():
            if name.startswith("train_loss"):
                self._record(name, value)
            else:
                self.history.record(name, value)
        if "train_loss" not in values:
            self._record("train_loss", values[self.loss_name(0)])

    def _record(self, name: str, loss: float) -> None:
        if not math.isfinite(loss):
            raise FloatingPointError(
                f"Training diverged: {name} was {loss} in epoch {len(self.history)}. Lower lr, "
                f"which is {self.lr}; if X has extreme values, scale or clip them first."
            )
        best = self.run_.best
        if name not in best:  # of earlier calls, the last that was the best so far
            earlier = itertools.islice(reversed(self.history), 1, None)
            best[name] = next((row[name] for row in earlier if row.get(f"{name}_best")), math.inf)
        self.history.record(name, loss)
        self.history.record(f"{name}_best", loss < best[name])
        best[name] = min(loss, best[name])

    def _interrupted(self) -> None:
        """Keep what was trained when the user pressed Ctrl-C, if it is the user who called.

        A search or a pipeline would go on with a model that is trained by half.
        """
        if not called_directly():
            raise KeyboardInterrupt
        if self.history and "train_loss" not in self.history[-1]:
            turns = range(len(self.turns))
            if all(self.loss_name(turn) in self.run_.means for turn in turns):
                self._record_losses()
            else:
                self.history.pop()
        if not self.history or self.progress_.phase + 1 < self.progress_.n_phases:
            raise KeyboardInterrupt
        self._remember()
        warn(
            f"Training was interrupted in epoch {self.progress_.epoch + 1} of "
            f"{self.progress_.n_epochs}. "
            "The weights reached so far are kept."
        )

    def _release(self) -> None:
        """Undo what a run did to rates and gradients."""
        run = self.__dict__.pop("run_", None)
        if run is None:
            return
        for group, peak in run.rates or []:
            group["lr"] = peak
        for weight in run.learnable:
            weight.requires_grad_(True)
            weight.grad = None

    def _end(self, X: Batches) -> None:
        self.notify("on_train_end", X=X, y=None)
        weights = [weight.detach() for weight in self.module_.parameters()]
        # A sum that is finite has finite parts, and takes a tenth of the time to look at them.
        sums = torch.stack([weight.sum() for weight in weights]) if weights else torch.zeros(1)
        if not (sums.isfinite().all() or all(weight.isfinite().all() for weight in weights)):
            raise FloatingPointError(
                f"Training diverged: a weight was not finite after epoch {len(self.history)}. "
                f"Lower lr, which is {self.lr}; if X has extreme values, scale or clip them first."
            )

    def _training_state(self) -> "_Before":
        """Return what a run may change. Its tensors are copied into memory that is kept."""
        state = self.module_.state_dict(keep_vars=True)
        tensors = [one.detach() for one in state.values() if isinstance(one, Tensor)]
        tensors += self.optimizer_.tensors()
        copies = self.__dict__.get("copies_", [])
        if [one.shape for one in copies] != [one.shape for one in tensors]:
            copies = self.__dict__["copies_"] = [torch.empty_like(one) for one in tensors]
        with torch.no_grad():
            torch._foreach_copy_(copies, tensors)
        return _Before(
            turns=self.turns,
            optimizer=self.optimizer_,
            settings=self.optimizer_.settings(),
            tensors=tensors,
            copies=copies,
            extra={name: value for name, value in state.items() if not isinstance(value, Tensor)},
            n_epochs=len(self.history),
        )

    @torch.no_grad()
    def _restore(self, before: "_Before") -> None:
        self.turns, self.optimizer_ = before.turns, before.optimizer
        torch._foreach_copy_(before.tensors, before.copies)
        self.optimizer_.take_settings(before.settings)
        if before.extra:
            self.module_.load_state_dict({**self.module_.state_dict(), **before.extra})
        del self.history[before.n_epochs :]

    # Pickles hold CPU tensors

    def __getstate__(self) -> dict[str, Any]:
        if not self.initialized_:
            return super().__getstate__()
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.__dict__["module"] = None  # it is `module_`, once is enough
        twin.__dict__.pop("copies_", None)
        if torch.device(self.device).type != "cpu":
            twin.__dict__["module_"], twin.__dict__["optimizer_"] = copy.deepcopy(
                (self.module_, self.optimizer_)
            )
            twin._move("cpu")
        return NeuralNet.__getstate__(twin)

    def __setstate__(self, state: dict[str, Any]) -> None:
        if torch.device(state["device"]).type == "cuda" and not torch.cuda.is_available():
            state["device"] = "cpu"
        super().__setstate__(state)
        if self.__dict__["module"] is None:
            self.module: nn.Module = self.module_
        if torch.device(self.device).type != "cpu" and self.initialized_:
            self._move(self.device)

    def _move(self, device: str) -> None:
        self.module_.to(device)
        for optimizer in self.optimizer_.optimizers:
            for values in optimizer.state.values():
                for name, value in values.items():
                    values[name] = value.to(device) if isinstance(value, Tensor) else value


@dataclass
class _Before:
    """What there was before a run."""

    turns: Sequence[Turn]
    optimizer: TurnOptimizers
    settings: Any
    tensors: list[Tensor]
    copies: list[Tensor]
    extra: dict[str, Any]
    n_epochs: int


@dataclass
class _Run:
    """What lasts for one call of `partial_fit` and is never saved."""

    order: torch.Generator
    rank: int
    world: int
    rates: list[tuple[dict[str, Any], float]] | None
    learnable: list[Tensor]
    weights: list[list[tuple[str, Tensor]]]
    hears_batches: bool
    hears_gradients: bool
    steps: list[Any] = field(default_factory=list)
    means: "dict[str, _Mean]" = field(default_factory=dict)
    best: dict[str, float] = field(default_factory=dict)
    n_updates: int = 0


@dataclass
class _Mean:
    """A mean over rows in the making, on the device."""

    total: Tensor
    n_rows: int = 0


def _process() -> tuple[int, int]:
    """Return the rank of this process, and how many there are."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1


def _unsupported(method: str) -> NotImplementedError:
    return NotImplementedError(
        f"{method} of a net of skgen: its networks take rows in network units. Call the "
        "estimator's methods, such as transform, predict or sample, with X."
    )


def _n_rows(batch: Batch) -> int:
    """Return the number of rows of a batch; a step on no data counts as one."""
    values = next(iter(batch.values()), None)
    if values is None:
        return 1
    return len(values[0] if isinstance(values, tuple) else values)


def _rows_of(values: Values, rows: slice) -> Values:
    """Return some rows of what a column gave."""
    if isinstance(values, Tensor):
        return values[rows]
    if len({len(one) for one in values}) > 1:
        raise ValueError(
            "A column gives several tensors of unlike lengths, which processes cannot share. Train "
            "in one process."
        )
    return tuple(one[rows] for one in values)
