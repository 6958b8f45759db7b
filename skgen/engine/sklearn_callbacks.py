"""Epochs as tasks of scikit-learn's callbacks, which it has from version 1.9 on."""

from collections.abc import Callable
from typing import Any

from skorch import NeuralNet
from skorch.callbacks import Callback

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing to support."""

    def with_callbacks(method: Callable[..., Any]) -> Callable[..., Any]:
        """Return the method as it is."""
        return method


__all__ = ["CallbackSupportMixin", "EpochTasks", "with_callbacks"]


class EpochTasks(Callback):
    """Tells the callbacks of an estimator, or of a search around it, of every epoch.

    Parameters
    ----------
    estimator : estimator instance
        Whose ``set_callbacks`` was called, or which is fitted by a meta-estimator's.
    """

    def __init__(self, estimator: Any):
        self.estimator = estimator

    @classmethod
    def of(cls, estimator: Any) -> "list[EpochTasks]":
        """Return one if anybody listens."""
        heard = hasattr(estimator, "_skl_callbacks") or hasattr(estimator, "_parent_callback_ctx")
        return [cls(estimator)] if heard else []

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        """Begin the task of the fit."""
        if net.progress_.phase == 0:
            n_epochs = net.progress_.n_epochs_of_all
            self.fit_ = self.estimator._init_callback_context(max_subtasks=n_epochs)
            self.fit_.call_on_fit_task_begin(estimator=self.estimator)

    def on_epoch_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        """Begin the task of an epoch."""
        self.epoch_ = self.fit_.subcontext(task_name="epoch")
        self.epoch_.call_on_fit_task_begin(estimator=self.estimator)

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """End the task of an epoch, and training if a callback has enough."""
        losses = {name: value for name, value in net.history[-1].items() if "_loss" in name}
        if self.epoch_.call_on_fit_task_end(estimator=self.estimator, metadata=losses):
            raise KeyboardInterrupt  # as skorch's own callbacks say that it is enough

    def on_train_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """End the task of the fit."""
        if net.progress_.phase + 1 == net.progress_.n_phases:
            self.fit_.call_on_fit_task_end(estimator=self.estimator)
            del self.estimator, self.fit_, self.epoch_
