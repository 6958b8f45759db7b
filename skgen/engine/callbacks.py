"""What watches over a run: a progress bar, and when to stop."""

from typing import Any

import skorch.callbacks
from skorch import NeuralNet
from tqdm.auto import tqdm

__all__ = ["EarlyStopping", "FitProgress"]


class EarlyStopping(skorch.callbacks.EarlyStopping):
    """skorch's, with an improvement as a share of the size of a loss, which may be negative."""

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """Look at the epoch's loss, in a phase that has rows set aside."""
        if self.monitor in net.history[-1]:
            super().on_epoch_end(net, **kwargs)

    def _calc_new_threshold(self, score: float) -> float:
        return score - self.threshold * abs(score)


class FitProgress(skorch.callbacks.Callback):
    """One bar for a whole `fit`, of all its phases, with the losses of the last epoch beside it.

    Parameters
    ----------
    title : str
        What stands before the bar.

    n_more : int, default=0
        How many nets train after this one, to whose runs the open bar is handed on.

    unit : str, default="epoch"
        What an epoch is called.
    """

    def __init__(self, title: str, *, n_more: int = 0, unit: str = "epoch"):
        self.title = title
        self.n_more = n_more
        self.unit = unit
        self.bar_: Any = None

    @property
    def is_open(self) -> bool:
        """Whether there is a bar that a run can go on with."""
        return self.bar_ is not None

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        """Open the bar, or make an open one longer."""
        progress = net.progress_
        if progress.phase:
            return
        if self.is_open:
            self.n_more -= 1
            self.bar_.total += progress.n_epochs_of_all
        else:
            self.bar_ = tqdm(total=progress.n_epochs_of_all, desc=self.title, unit=self.unit)

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """Advance by an epoch and show its losses."""
        losses = {
            name: f"{value:.4g}"
            for name, value in net.history[-1].items()
            if "_loss" in name and not name.endswith("_best")
        }
        self.bar_.set_postfix(losses, refresh=False)
        self.bar_.update()

    def on_train_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """Close the bar, unless it goes on."""
        if net.progress_.phase + 1 == net.progress_.n_phases and not self.n_more:
            self.bar_.close()
            self.bar_ = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "bar_": None}
