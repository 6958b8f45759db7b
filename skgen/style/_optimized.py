"""Style transfer by optimizing the picture itself."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Self, final

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from skgen._sklearn import HasMethods, StrOptions, _fit_context
from skgen.base import own_callback, torch_device
from skgen.engine import Batch, Engine, FitProgress, Phase, Progress, Steps, Turn, seeded
from skgen.exceptions import deferred_warnings
from skgen.inputs import ImageColumn, ImageListInput
from skgen.networks.style import Canvas, pyramid
from skgen.parameters import COUNT, POSITIVE, parameter
from skgen.statistics import MATCHINGS, mapped, mixed_map, moments
from skgen.style._base import LEAST_SIDE, BaseStyleTransfer, mixed
from skgen.style._objective import Objective

__all__ = ["StyleTransfer"]


# How a photograph gets the colors to begin with.
_COLORS = MATCHINGS["transport"]()


@final
class StyleTransfer(BaseStyleTransfer):
    r"""Paint photographs in the manner of paintings, by optimizing the picture.

    For every photograph c, gradient descent on the pixels of a picture x minimizes

    .. math:: L = \sum_l v_l \frac{\|f_l(x) - f_l(c)\|^2}{\|f_l(c)\|^2}
              + w \sum_l w_l \frac{\|S(f_l(x)) - S_l\|^2}{\|S_l\|^2}

    where :math:`f_l` are layers of a network that was trained to recognize things, S is a statistic
    that does not depend on where things are (Gram matrices by default), and :math:`S_l` is that of
    the paintings [1]_. `fit` looks at the paintings, and `transform` paints. It begins with the
    photograph in the colors of the paintings, at a small size where strokes are broad, and goes on
    to its full size, since what spans many pixels takes many steps there [2]_.

    See Also
    --------
    FastStyleTransfer : One network for all styles, which paints in a fraction of a second.

    Notes
    -----
    Paintings that share a name in y are one style, their statistics averaged. A mix of styles aims
    at the average of their statistics, too.

    An iteration takes as long as two passes through the network, forward and back: for VGG16 and
    256 x 256 pixels, about a second on one core.

    References
    ----------
    .. [1] L. Gatys, A. Ecker, M. Bethge, "Image style transfer using convolutional neural
       networks", CVPR 2016.
    .. [2] L. Gatys, A. Ecker, M. Bethge, A. Hertzmann, E. Shechtman, "Controlling perceptual
       factors in neural style transfer", CVPR 2017.

    Examples
    --------
    Random weights do for a first look; leave `extractor` out for VGG16 as it was trained.

    >>> from sklearn.datasets import load_sample_images
    >>> from skgen import StyleTransfer
    >>> from skgen.extractors import FeatureExtractor
    >>> china, flower = (image[::8, ::8] for image in load_sample_images().images)
    >>> random = FeatureExtractor(weights="random")
    >>> model = StyleTransfer(extractor=random, n_steps=2).fit([flower], ["dahlia"])
    >>> (picture,) = model.transform([china], style="dahlia")
    >>> picture.shape, picture.dtype
    ((54, 80, 3), dtype('uint8'))
    """

    n_steps: int = parameter(
        100,
        COUNT,
        """Steps of the optimizer at every size.""",
    )
    n_scales: int = parameter(
        3,
        COUNT,
        """At how many sizes to paint, each half the next. Photographs that would have a side under
        32 pixels are painted at fewer. `fit` looks at paintings at as many sizes; after it, there
        may be fewer.""",
    )
    lr: float = parameter(
        0.03,
        POSITIVE,
        """Learning rate of Adam at first, in colors from 0 to 1. It falls to nothing at every
        size, and begins by the root of 2 lower at each than at the smaller one before: long steps
        would undo what that has painted.""",
    )
    init: str | Any = parameter(
        "colors",
        [StrOptions({"colors", "content"}), HasMethods(["transform"])],
        """What to begin with: the photograph in the colors of the style, the photograph as it is,
        or what a fitted `FastStyleTransfer`, which knows the same names, makes of it.""",
        kind="{'colors', 'content'} or fitted FastStyleTransfer",
    )
    callbacks: Sequence[Any] | None = parameter(
        None,
        [list, tuple, None],
        """Copied for every photograph. Their events come with the net: an epoch is a step, and
        ``net.module_.picture()`` is the picture.""",
        kind="list of skorch callbacks, or of functions that return one, or None",
    )
    device: str = parameter(
        "auto",
        [str, torch.device],
        """Where to compute. ``"auto"`` is CUDA if there is one, then Apple's MPS, otherwise the
        CPU.""",
    )
    verbose: int = parameter(
        0,
        ["verbose"],
        """0 is silent, 1 shows a progress bar of steps, 2 prints a line for each.""",
    )

    @property
    def _n_scales(self) -> int:
        return self.n_scales

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Look at paintings.

        Parameters
        ----------
        X : list of images
            Paintings of any sizes from 32 x 32 pixels on: arrays (height, width) or (height, width,
            channels), or images of Pillow; bytes, 16 bits or floats from 0 to 1.

        y : array-like of shape (n_paintings,), default=None
            The names of their styles. Those that share a name are one style. None stands for their
            numbers.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ImportError
            If there are no weights of VGG16 to be found.
        """
        with deferred_warnings(), seeded():
            self._look_at(X, y)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Look at further paintings, beside those that are known.

        Parameters
        ----------
        X : list of images
            Paintings.

        y : array-like of shape (n_paintings,), default=None
            The names of their styles; a known name gets one more painting. None stands for numbers
            that go on from those before.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        known = hasattr(self, "targets_")
        with deferred_warnings(), seeded():
            self._look_at(X, y, beside=known, features=self.features_ if known else None)
        return self

    def _paint(self, photographs: ImageColumn, style: Any) -> list[NDArray]:
        if self.n_scales > len(self.targets_):
            raise ValueError(
                f"n_scales is {self.n_scales}, but fit looked at paintings at {len(self.targets_)} "
                "sizes: fit anew."
            )
        made = None if isinstance(self.init, str) else self._made_by(self.init, photographs, style)
        bar = FitProgress(type(self).__name__, n_more=len(photographs) - 1, unit="step")
        with seeded():
            device = torch_device(self.device)
            objective, features = self._present_objective(), self.features_.to(device)
            shares = self._shares(style).to(device)
            known = self.targets_[: self.n_scales]
            targets = [mixed([one.to(device) for one in scale], shares) for scale in known]
            pictures = []
            for number in range(len(photographs)):
                index = slice(number, number + 1)
                content = photographs.take(index).to(device)
                first = content if made is None else made.take(index).to(device)
                if self.init == "colors":
                    recolor = mixed_map(_COLORS, moments(content), self.colors_, shares)
                    first = mapped(content, *recolor).clamp(0, 1)
                scales = [pyramid(one, len(targets), LEAST_SIDE) for one in (content, first)]
                with torch.no_grad():
                    wanted = [objective.contents(features(scale)) for scale in scales[0]]
                towards = list(zip(wanted, targets, strict=False))[::-1]  # the coarsest first
                canvas = Canvas(scales[1], features)
                pictures.append(self._optimized(canvas, objective, towards, bar, device))
        return pictures

    def _made_by(self, painter: Any, photographs: ImageColumn, style: Any) -> ImageColumn:
        """Return what another model makes of photographs."""
        style = dict.fromkeys(self.styles_.tolist(), 1.0) if style is None else style
        images = [one.colors for one in photographs.images]
        return ImageListInput().column(painter.transform(images, style=style))

    def _optimized(
        self,
        canvas: Canvas,
        objective: Objective,
        towards: Sequence[tuple[Sequence[Tensor], Sequence[Tensor]]],
        bar: FitProgress,
        device: str,
    ) -> NDArray:
        """Return the picture on a canvas, painted at one scale after the other."""
        phases = []
        for number, (content, style) in enumerate(towards):
            turn = Turn(
                (f"layers.{number}",),
                _Loss(objective, number, content, style),
                after_step=_Clamp(number),
                optimizer={"lr": self.lr / 2 ** (number / 2)},
            )
            phases.append(Phase(Steps(1), [turn], self.n_steps))
        callbacks = [own_callback(one) for one in self.callbacks or []]
        engine = Engine(
            canvas,
            phases[0].turns,
            lr=self.lr,
            lr_schedule=_falling,
            device=device,
            verbose=int(self.verbose > 1),
            callbacks=[*callbacks, ("progress_bar", bar)] if self.verbose == 1 else callbacks,
        )
        engine.initialize()
        engine.partial_fit(phases)
        with torch.no_grad():
            picture: NDArray = canvas.picture()[0].permute(1, 2, 0).clamp(0, 1).cpu().numpy()
        return picture


class _Loss:
    """The loss of the picture at a scale."""

    def __init__(
        self,
        objective: Objective,
        number: int,
        content: Sequence[Tensor],
        style: Sequence[Tensor],
    ):
        self.objective = objective
        self.number = number
        self.content = content
        self.style = style

    def __call__(
        self, module: nn.Module, batch: Batch, state: Progress
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        canvas: Any = module
        maps = canvas.features(canvas.picture(self.number))
        content = self.objective.of_content(self.objective.contents(maps), self.content).mean()
        style = self.objective.of_style(self.objective.statistics(maps), self.style).mean()
        loss = content + self.objective.style_weight * style
        return loss, {"content": content, "style": style}


class _Clamp:
    """Keeps colors between 0 and 1."""

    def __init__(self, number: int):
        self.number = number

    def __call__(self, module: nn.Module, state: Progress) -> None:
        canvas: Any = module
        canvas.clamp(self.number)


def _falling(fraction: float) -> float:
    """Return the learning rate as a share of that at first: half a period of a cosine."""
    return (1 + math.cos(math.pi * fraction)) / 2
