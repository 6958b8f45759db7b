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
    """

    def __init__(self, title: str):
        self.title = title

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        """Open the bar."""
        progress = net.progress_
        if progress.phase == 0:
            self.bar_ = tqdm(total=progress.n_epochs_of_all, desc=self.title, unit="epoch")

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
        """Close the bar."""
        if net.progress_.phase + 1 == net.progress_.n_phases:
            self.bar_.close()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "bar_"}
