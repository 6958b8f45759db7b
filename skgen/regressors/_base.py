"""What is built and minimized to draw images of attributes: parameters, networks, objective."""

from abc import ABC
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from skgen._sklearn import StrOptions
from skgen.adversarial_losses import Adversarial
from skgen.base import IncrementalModel
from skgen.cameras import Camera
from skgen.engine import TensorColumn, Turn, TurnLoss
from skgen.inputs import Scaling, Units
from skgen.inputs.images import ImageTarget, RowsOrImages
from skgen.inputs.mixed import MixedInput
from skgen.losses import LOSSES, BinaryCrossEntropy, Loss
from skgen.networks.adversarial import Discriminator
from skgen.networks.conditioned import (
    AttributeCodes,
    ConditionedDecoder,
    DenseDecoder,
    over_black,
)
from skgen.networks.convolutional import FlattenImages, downwards, halved
from skgen.networks.dense import ACTIVATIONS, dense_levels
from skgen.networks.encoders import ToRows, custom_network, n_outputs
from skgen.networks.volumes import VolumeDecoder, part_of, voxels_of
from skgen.parameters import (
    COUNT,
    NETWORK,
    NOT_NEGATIVE,
    checked_sizes,
    override,
    parameter,
    resolve,
)
from skgen.regressors._direction import find_direction
from skgen.regressors._objective import (
    Compared,
    Likeness,
    Persuasion,
    TellDrawnApart,
)

__all__ = ["BaseImageRegressor"]

# Updates that the default number of epochs makes, and those of a volume.
_N_UPDATES, _N_UPDATES_OF_VOLUME = 4000, 2000

# How many times as fast details of a volume move as weights do.
_RATE_OF_DETAILS = 15

_EXACT = np.dtype(np.float64)


class BaseImageRegressor(RowsOrImages, Adversarial, IncrementalModel, ABC):
    """Attributes as X, images as y, and networks from one to the other."""

    if TYPE_CHECKING:
        input_: Any
        target_input_: ImageTarget

    n_components: int = parameter(
        32,
        COUNT,
        """Numbers in the learned code of a category.""",
        positional=True,
    )
    periods: Mapping[Any, float] | None = parameter(
        None,
        [dict, None],
        """The columns of X that are angles, and after how much they come round:
        ``{"azimuth": 360}`` for degrees. Columns of arrays go by their numbers.""",
        kind="dict or None",
    )
    n_harmonics: int = parameter(
        6,
        COUNT,
        """Sines and cosines of how many multiples of an angle the decoder sees. Fewer make a
        smoother turn where angles are many.""",
    )
    camera: Camera | None = parameter(
        None,
        [Camera, None],
        """How images look at what they show: with ``Turntable("azimuth", "elevation")`` of
        `skgen.cameras`, at things that are turned, whose columns of X these are. Then a volume is
        drawn from where the camera stands, and views that were never taken come out several times
        better. None draws images of all other kinds.""",
        kind="Camera or None",
    )
    loss: str | Loss = parameter(
        "squared_error",
        [StrOptions(set(LOSSES)), Loss],
        f"""How far a drawing is from its image: {", ".join(LOSSES)}, or an object of
        `skgen.losses`, such as a `PerceptualLoss`.""",
        kind="str or Loss",
    )
    adversarial_weight: float = parameter(
        0.0,
        NOT_NEGATIVE,
        """How much the second network counts, in units of the loss. 0 does without it.""",
    )
    hidden_layer_sizes: Sequence[int] = override(
        (256, 256),
        """Sizes of the dense layers behind the code. Of flat y there are no others.""",
    )
    n_filters: Sequence[int] | None = override(
        None,
        """For images: filters of the decoder's levels, on the side of the image first, each of
        which doubles height and width. None stands for ``(32, 64, 128)``, and for 16, 32, 64, 128,
        256, 256, ... of images with more pixels than 64 x 64: as many levels as start from 8 x 8
        places at most. The second network has as many.""",
    )
    activation: str = parameter(
        "silu",
        [StrOptions(set(ACTIVATIONS))],
        f"""Activation of the hidden layers: one of {", ".join(ACTIVATIONS)}.""",
        kind="str",
    )
    decoder: nn.Module | Callable[[tuple[int, ...]], nn.Module] | None = parameter(
        None,
        NETWORK,
        """Layers of your own in place of the decoder's: from codes to rows, or to images (batch,
        channels, height, width), in network units: of images 0 to 1. A module is copied, and
        training starts from its weights. A callable gets ``(n_code,)`` and returns a new one.""",
    )
    max_epochs: int | None = override(
        None,
        """Passes over X. None stands for as many as make 4,000 updates, but 20 at least and 500 at
        most.""",
    )
    batch_size: int = override(16)
    lr: float = override(2e-3)
    image_shape: Sequence[int] | None = override(
        None,
        """``(height, width)`` or ``(height, width, channels)`` of images that come as flat rows in
        y. Arrays of three or four dimensions say it themselves. With None, flat rows are no
        images.""",
    )
    r1_weight: float | None = override(
        None,
        """Weight of the squared gradient of the discriminator at images, known as R1. None stands
        for 0.1 times the square root of the number of features, and for 0 in the Wasserstein loss,
        which has a penalty of its own.""",
    )

    # Inputs and networks

    def _input(self) -> Any:
        camera = self._camera()
        if camera is None:
            return MixedInput(self.periods)
        periods = {**(self.periods or {})}
        for name in camera.angles:
            if periods.setdefault(name, camera.period) != camera.period:
                raise ValueError(
                    f"{name!r} has the period {periods[name]!r} in periods, and {camera.period!r} "
                    "in camera. Leave it out of periods."
                )
        return MixedInput(periods, camera.angles[1:])

    def _camera(self) -> Any:
        return resolve(self.camera, {})

    def _target_input(self) -> ImageTarget:
        cross_entropy = isinstance(self._loss(), BinaryCrossEntropy)
        needed_by = 'loss="binary_cross_entropy"' if cross_entropy else None
        of_images = Units((0.0, 1.0), by_value_range=True, needed_by=needed_by)
        return ImageTarget(self.image_shape, of_images if cross_entropy else Units(), of_images)

    @property
    def scaling_(self) -> Scaling:
        """The fitted map from y to network units."""
        return self.target_input_.scaling

    @property
    def _images(self) -> ImageTarget:
        return self.target_input_

    def _loss(self) -> Loss:
        loss = resolve(self.loss, LOSSES)
        assert loss is not None  # the parameter's constraint
        return loss

    @property
    def _n_features(self) -> int:
        return int(np.prod(self.target_input_.shape))

    @property
    def _n_channels(self) -> int:
        """The number of channels of images; 0 of flat rows."""
        return (self.target_input_.image_shape or (0, 0, 0))[2]

    def _built_with(self) -> dict[str, Any]:
        own = (
            "n_components",
            "periods",
            "n_harmonics",
            "activation",
            "decoder",
        )
        return {
            **super()._built_with(),
            "hidden_layer_sizes": checked_sizes(self, "hidden_layer_sizes"),
            "adversarial_weight > 0": self.adversarial_weight > 0,
            "camera": self._camera(),
            **{name: getattr(self, name) for name in own},
        }

    def _module(self) -> nn.Module:
        camera = self._camera()
        turned = [] if camera is None else [self.input_.place(name) for name in camera.angles]
        codes = AttributeCodes(self.input_.kinds, self.n_components, self.n_harmonics, turned)
        codes.know_angles(torch.from_numpy(self.input_.seen).float())
        module: Any = nn.Module()
        module.codes = codes
        module.decoder = self._volume(codes, *turned) if turned else self._decoder(codes.width)
        if self.adversarial_weight > 0:
            module.discriminator = Discriminator(*self._discriminator_levels(), codes.width)
        built: nn.Module = module.to(memory_format=torch.channels_last)
        return built

    def _volume(self, codes: AttributeCodes, azimuth: int, elevation: int = -1) -> VolumeDecoder:
        """Return layers from codes to flat images by way of a volume."""
        shape = self.target_input_.image_shape
        if self.decoder is not None or shape is None:
            given = (
                "flat rows as y: say image_shape=" if shape is None else "a decoder= of your own"
            )
            raise ValueError(f"camera={self.camera} draws images of a volume, not with {given}.")
        return VolumeDecoder(
            codes,
            azimuth,
            elevation,
            shape,
            self._camera().n_voxels or voxels_of(shape),
            self._layer_sizes(),
            checked_sizes(self, "hidden_layer_sizes"),
            self.activation,
            self._border(),
        )

    def _initialize(self, module: Any, batches: Any) -> None:
        if self.camera is not None:
            find_direction(module.decoder, module.codes, batches)

    def _net_settings(self) -> dict[str, Any]:
        """Have details of a volume move at a rate of their own: each is seen by few rays."""
        given = super()._net_settings()
        if self.camera is None:
            return given
        groups = [("decoder.details*", {"lr": _RATE_OF_DETAILS * self.lr})]
        return {"optimizer__param_groups": groups} | given

    def _border(self) -> list[float]:
        """Return the colors around things, from 0 to 1: means of the outermost pixels."""
        scaling, shape = self.scaling_, self.target_input_.image_shape
        means = ((scaling.mean - scaling.offset) / scaling.scale).reshape(shape)
        around = np.concatenate([means[0], means[-1], means[:, 0], means[:, -1]])
        colors: list[float] = np.median(around, axis=0).tolist()
        return colors

    def _decoder(self, n_code: int) -> nn.Module:
        """Return layers from codes to flat rows."""
        shape, bounded = self.target_input_.image_shape, self.target_input_.units.output_range
        dense = checked_sizes(self, "hidden_layer_sizes")
        if self.decoder is not None:
            own = nn.Sequential(custom_network("decoder", self.decoder, (n_code,)), ToRows())
            n_made = n_outputs("decoder", own, n_code, f"codes ({n_code},)")
            if n_made != self._n_features:
                raise ValueError(
                    f"decoder makes {n_made} numbers, but a row of y has {self._n_features}."
                )
            return own
        if shape is not None:
            return ConditionedDecoder(
                n_code, shape, self._layer_sizes(), dense, self.activation, self._means()
            )
        last = "identity" if bounded is None else "sigmoid"
        return DenseDecoder(n_code, self._n_features, dense, self.activation, last)

    def _means(self) -> list[float]:
        """Return the means of channels, from 0 to 1; 0.5 of colors, where a mask may hide them."""
        scaling, n_channels = self.scaling_, self._n_channels
        means = ((scaling.mean - scaling.offset) / scaling.scale).reshape(-1, n_channels)
        colors: list[float] = means.mean(axis=0).tolist()
        return [0.5, 0.5, 0.5, colors[3]] if n_channels == 4 else colors

    def _discriminator_levels(self) -> tuple[nn.Sequential, int]:
        """Return layers from rows to features, and how many these are."""
        shape: Any = self.target_input_.image_shape
        if shape is None:
            sizes = [self._n_features, *checked_sizes(self, "hidden_layer_sizes", at_least=1)]
            return nn.Sequential(*dense_levels(sizes, "leaky_relu")), sizes[-1]
        if self._sees_parts():
            shape = (*part_of(shape), shape[2])
        filters = self._layer_sizes()
        levels = nn.Sequential(*downwards(shape, filters, "leaky_relu"), FlattenImages())
        return levels, int(np.prod(halved(shape, len(filters))[-1])) * filters[-1]

    def _likeness(self, of: str | None = None) -> Likeness:
        loss = self._loss().in_units(self.target_input_)
        return Likeness(loss, Compared(self._n_channels, of))

    def _is_loss_of_pixels(self) -> bool:
        """Return whether some pixels are enough to compare drawings with images."""
        return type(self._loss()) in LOSSES.values()

    def _sees_parts(self) -> bool:
        """Return whether training draws parts of images, which a volume can."""
        return self.camera is not None and self._is_loss_of_pixels()

    def _turns(self) -> list[Turn]:
        if self.adversarial_weight == 0:
            likeness: Any = self._likeness("some" if self._sees_parts() else None)
            return [Turn(("codes", "decoder"), likeness)]
        likeness = self._likeness("part" if self._sees_parts() else None)
        loss, weight = self._adversarial_loss(usual_weight=0.1 * self._n_features**0.5)
        persuasion = Persuasion(likeness.loss, likeness.compared, loss, self.adversarial_weight)
        return [
            Turn(("codes", "decoder"), persuasion, "decoder"),
            Turn(
                ("discriminator",),
                TellDrawnApart(likeness.compared, loss, weight),
                "discriminator",
                optimizer=self._optimizer_settings(betas=(0.5, 0.9)),
                shares_batch=True,
            ),
        ]

    def _validation_loss(self) -> TurnLoss | None:
        return self._likeness()

    def _default_epochs(self, n_batches: int) -> int:
        wanted = _N_UPDATES if self.camera is None else _N_UPDATES_OF_VOLUME
        return int(np.clip(-(-wanted // n_batches), 20, 500))

    # Drawings and images, as they are compared

    def _real(self, y: Tensor) -> NDArray[np.float64]:
        """Return images as they are compared."""
        compared: NDArray[np.float64] = over_black(y, self._n_channels).double().cpu().numpy()
        return compared

    def _rows(self, x: Tensor, every: int = 1) -> NDArray[np.float64]:
        """Return drawings as they are compared, of what networks see of attributes.

        Of a volume, pixels of every so many rows and columns.
        """
        network, n_channels = self._network(), self._n_channels

        def rows(x: Tensor) -> Tensor:
            codes = network.codes(x)
            if every == 1:
                return over_black(network.decoder(codes), n_channels)
            return over_black(network.decoder.some(codes, every=every)[0], n_channels)

        drawn: NDArray[np.float64] = self._apply(rows, {"x": TensorColumn(x, _EXACT)})
        return drawn
