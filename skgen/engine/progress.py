"""A progress bar over the epochs of a run."""

from typing import Any

from skorch import NeuralNet
from skorch.callbacks import Callback
from tqdm.auto import tqdm

__all__ = ["FitProgress"]


class FitProgress(Callback):
    """One bar for a whole `fit`, with the losses of the last epoch beside it.

    Parameters
    ----------
    title : str
        What stands before the bar.
    """

    def __init__(self, title: str):
        self.title = title

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        """Open the bar."""
        self.bar_ = tqdm(total=net.progress_.n_epochs, desc=self.title, unit="epoch")

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
        self.bar_.close()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "bar_"}
