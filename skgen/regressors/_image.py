"""The regressor that draws images of attributes."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self, final

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, RegressorMixin, TransformerMixin
from sklearn.utils import Tags, check_array, gen_batches
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from skgen._sklearn import _check_sample_weight, _fit_context
from skgen.engine import Column, FitProgress, TensorColumn
from skgen.exceptions import warn
from skgen.inputs.mixed import Category, MixedInput, single_row
from skgen.networks.volumes import VolumeDecoder
from skgen.parameters import checked_count
from skgen.regressors._base import BaseImageRegressor
from skgen.regressors._new import learned_codes
from skgen.regressors._search import attributes_of

__all__ = ["ImageRegressor"]

# Images that are compared at a time.
_N_AT_ONCE = 256

# Of a volume, pixels of every so many rows and columns are compared, where these are many.
_EVERY, _LARGE = 2, 32

# Densities up to which there is nothing, one of these, and images that decide which.
_EMPTY, _N_DECIDING = (0.0, 0.003, 0.006, 0.012, 0.025, 0.05, 0.1), 24

# A spread of drawings over that of images is a collapse, after so many updates; of so many rows.
_COLLAPSED, _SETTLED, _N_LOOKED_AT = 0.01, 100, 64


@final
class ImageRegressor(
    RegressorMixin, TransformerMixin, ClassNamePrefixFeaturesOutMixin, BaseImageRegressor
):
    r"""Draws the image of attributes, those that nobody took among them.

    X says what is seen in an image: which chair, from what angle. y holds the images. With codes
    :math:`c(x)` of attributes, learned ones for categories, numbers, sines and cosines of angles,
    codes and decoder minimize

    .. math:: \ell(\text{Dec}(c(x)), y)
              + w \left( -\log D(\text{Dec}(c(x)), c(x))
              + \| \phi(\text{Dec}(c(x))) - \phi(y) \|^2 \right)

    where the loss :math:`\ell` is the squared error by default. With `adversarial_weight`
    :math:`w` above 0 there is a second network, the discriminator :math:`D`, which tells images
    from drawings and knows the attributes; :math:`\phi` is what its levels see, averaged over the
    image [2]_. It is trained in turn, by `adversarial_loss`.

    The decoder doubles height and width level by level. The code, and with it the angle, scales
    and shifts the channels of every level [3]_.

    Attributes
    ----------
    attributes_ : list of Attribute
        What `fit` learned of every column of X: `Category` with the values known, `Number` or
        `Angle`.

    See Also
    --------
    ConditionalGAN : Draws many images for the same attributes, by chance.
    skgen.cameras.Turntable : For things that turn, which are drawn by way of a volume.
    skgen.inspection.AttributeDisplay : A strip of images along one attribute.

    Notes
    -----
    X may be a frame, a dictionary of columns, or an array. Strings, and what a frame calls
    categorical, are categories; make numbers that are names such. Columns in `periods` are angles.
    Other columns are numbers.

    y may be images (n_samples, height, width), or with channels behind: gray, RGB or RGBA, bytes or
    floats; or flat rows, such as spectra, for which the decoder is dense. Of RGBA the fourth
    channel is a mask: an image is compared over black, together with its mask, so that color
    counts as much as it is seen.

    Between angles that were trained on, codes go straight from one to the next, up to half a turn.
    Sines and cosines of many multiples would have values there that no layer ever saw.

    With a `camera`, codes do not make an image but a volume, which is looked at from where the
    camera stands. Its columns are angles without being in `periods`, and their codes are a sine and
    a cosine each. So views that all things lack come out, and new things get details beside their
    code. A volume needs images: the decoder is not one of your own, and flat rows need
    `image_shape`.

    The square error draws the mean of all images that would fit. Where that is blurred, the second
    network sharpens it, at the price of some error. With a `camera` it looks at parts: at pieces,
    and at whole images of half the resolution [4]_.

    References
    ----------
    .. [1] A. Dosovitskiy, J. Springenberg, M. Tatarchenko, T. Brox, "Learning to generate chairs,
       tables and cars with convolutional networks", TPAMI 39(4), 2017.
    .. [2] A. Dosovitskiy, T. Brox, "Generating images with perceptual similarity metrics based on
       deep networks", NeurIPS 2016.
    .. [3] E. Perez, F. Strub, H. de Vries, V. Dumoulin, A. Courville, "FiLM: visual reasoning with
       a general conditioning layer", AAAI 2018.
    .. [4] K. Schwarz, Y. Liao, M. Niemeyer, A. Geiger, "GRAF: generative radiance fields for
       3D-aware image synthesis", NeurIPS 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from skgen import ImageRegressor
    >>> angles = np.arange(0, 360, 10)
    >>> X = {"color": np.repeat(["black", "white"], 36), "angle": np.tile(angles, 2)}
    >>> line = np.linspace(-1, 1, 16)
    >>> bars = [np.abs(np.outer(line, np.cos(a)) + np.sin(a) * line) < 0.3
    ...         for a in np.deg2rad(angles)]
    >>> y = np.concatenate([bars, np.invert(bars)]).astype(float)
    >>> model = ImageRegressor(periods={"angle": 180}, max_epochs=20, random_state=0).fit(X, y)
    >>> model.predict({"color": ["black"], "angle": [45]}).shape
    (1, 16, 16)
    """

    _fitted: ClassVar[Mapping[str, str]] = {
        "input_ : Input": "What `fit` learned of X: its attributes.",
        "target_input_ : Input or None": """What it learned of y: its layout, range, dtype and
            scaling.""",
        "scaling_ : Scaling": """The fitted map from y to network units: `mean`, `offset`,
            `scale`.""",
        "image_shape_ : tuple of int": """Shape of an image, as y or `image_shape` has it;
            ``(1, n_features)`` if neither says.""",
        "value_range_ : tuple of float or None": """What drawings keep to: 0 to 255 for bytes; 0
            to 1 for other numbers that lie in between; otherwise the range of y. None for rows that
            were not said to be images.""",
    }

    # Learning

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        *,
        X_val: Any = None,
        y_val: Any = None,
    ) -> Self:
        """Learn to draw the images y of the attributes X.

        Parameters
        ----------
        X : frame, dict of array-likes, or array-like of shape (n_samples, n_attributes)
            What is seen in every image: strings and what a frame calls categorical are categories,
            other columns are numbers, or angles if they are in `periods`. A dictionary may have a
            single value for all rows.

        y : array-like of shape (n_samples, height, width[, channels]) or (n_samples, n_features)
            The images: gray, RGB or RGBA, bytes or floats. Or flat rows.

        X_val, y_val : object, default=None
            Rows whose loss is measured after every epoch, which `early_stopping` goes by.

        Returns
        -------
        self : ImageRegressor
            The fitted estimator.

        Raises
        ------
        FloatingPointError
            If training diverges. The estimator is then as it was before.

        ValueError
            If an attribute has missing values, if `periods` names no column, or if X and y differ
            in length.
        """
        with self._all_or_nothing():
            self._learn(X, y, X_val=X_val, y_val=y_val)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any) -> Self:
        """Learn categories that are new, and nothing else; or, without such, make one more pass.

        If a column of X has categories that are not known, codes are learned for them from the rows
        that have them, from several starts among the known codes, and nothing else moves: a new
        chair of a few views. With a `camera`, the details of their volumes are learned as well.
        Without new categories, this is one pass over the rows at a constant rate.

        Parameters
        ----------
        X : frame, dict of array-likes, or array-like of shape (n_samples, n_attributes)
            Attributes, as in `fit`.

        y : array-like of shape (n_samples, height, width[, channels]) or (n_samples, n_features)
            Images.

        Returns
        -------
        self : ImageRegressor
            The fitted estimator.
        """
        with self._all_or_nothing():
            wider = self.input_.with_new(X, self) if hasattr(self, "net_") else None
            if wider is None or wider is self.input_:
                self._learn(X, y, partial=True)
            else:
                self._learn_new(wider, X, y)
        return self

    def _learn(self, X: Any, y: Any = None, **options: Any) -> dict[str, Column]:
        columns = super()._learn(X, y, **options)
        x: Any = columns["x"]
        self.net_.module_.codes.know_angles(x.tensor)
        if not options.get("partial"):  # whose passes are shorter than clearing is
            if isinstance(self.net_.module_.decoder, VolumeDecoder) and self._has_settled(columns):
                self._clear_haze(columns)
            self._warn_of_few_views(columns)
        self._warn_of_collapse(columns)
        return columns

    def _learn_new(self, wider: MixedInput, X: Any, y: Any) -> None:
        """Learn codes of the categories that are new, and have the codes' network know them."""
        columns = {**wider.columns(X, self), **self.target_input_.columns(y, self, to_train=True)}
        if len(columns["x"]) != len(columns["y"]):
            raise ValueError(
                "X and y differ in length, with inconsistent numbers of samples: "
                f"{len(columns['x'])} and {len(columns['y'])}."
            )
        module = self.net_.module_
        learned, details = learned_codes(
            module,
            columns,
            self._likeness(),
            of_pixels=self._is_loss_of_pixels(),
            seed=self._seed(),
            device=self.net_.device,
            callbacks=[FitProgress(type(self).__name__)] if self.verbose == 1 else [],
        )
        module.codes.extend(learned)
        if details:
            module.decoder.extend(details)
        self.net_.initialize_optimizer()  # the new codes move with the others from now on
        self.input_ = wider.widened(columns)
        if details:
            self._clear_haze(columns, float(module.decoder.view.empty))

    def _warn_of_few_views(self, columns: Mapping[str, Column]) -> None:
        """Say so where categories and images are the same, but for a few."""
        x: Any = columns["x"]
        numbers = x.tensor.cpu().numpy()
        for place, one in enumerate(self.attributes_):
            counts = np.unique(numbers[:, place], return_counts=True)[1]
            if isinstance(one, Category) and numbers.shape[1] > 1 and np.median(counts) < 2:
                warn(
                    f"Most values of {one.name!r} have one row only, {(counts == 1).sum()} of "
                    f"{len(counts)}. So what of an image is theirs, and what that of the other "
                    "attributes, cannot be told. Add rows of other attributes with the same value.",
                    UserWarning,
                )

    def _clear_haze(self, columns: Mapping[str, Column], most: float = np.inf) -> None:
        """Draw as empty what is nearly so: as much as brings images trained on out best.

        More would make drawings sharper at no cost in these images, and thin legs in others break.
        """
        x: Any = columns["x"]
        y: Any = columns["y"]
        rows = torch.from_numpy(np.linspace(0, len(x) - 1, min(len(x), _N_DECIDING), dtype=int))
        real, empty = self._real(y.take(rows)), self._network().decoder.view.empty

        def error(least: float) -> float:
            empty.fill_(least)
            return float(np.square(self._rows(x.take(rows)) - real).mean())

        empty.fill_(min((one for one in _EMPTY if one <= most), key=error))

    def _has_settled(self, columns: Mapping[str, Column]) -> bool:
        """Return whether there were enough updates for drawings to show things."""
        x: Any = columns["x"]
        return bool(self.n_iter_ * -(-len(x) // self.batch_size) >= _SETTLED)

    def _warn_of_collapse(self, columns: Mapping[str, Column]) -> None:
        """Say so where drawings are the same for all attributes, and images are not."""
        x: Any = columns["x"]
        y: Any = columns["y"]
        if not self._has_settled(columns):
            return
        some = np.linspace(0, len(x) - 1, min(len(x), _N_LOOKED_AT), dtype=int)
        rows = torch.from_numpy(some)
        real, drawn = self._real(y.take(rows)), self._rows(x.take(rows))
        spread, wanted = (float(np.sqrt(one.var(axis=0).sum())) for one in (drawn, real))
        if wanted > 0 and spread <= _COLLAPSED * wanted:
            warn(
                "Drawings are the same for all attributes: they deviate by "
                f"{spread / wanted:.1g} of what the images do. Either nothing in the images "
                f"depends on X, or training collapsed: lower lr, which is {self.lr}."
            )

    # What a fitted model can do

    @property
    def attributes_(self) -> list[Any]:
        """What `fit` learned of every column of X."""
        return list(self.input_.attributes)

    def _drawn(self, columns: Mapping[str, Column]) -> NDArray:
        """Return what is drawn of codes, or of attributes, in the units and the layout of y."""
        made, network = self.target_input_, self._network()
        (name, column), *_ = columns.items()
        dtype = made.dtype

        def rows(values: Tensor) -> Tensor:
            codes = network.codes(values) if name == "x" else values
            return made.undo(network.decoder(codes), dtype)

        column = TensorColumn(column.take(slice(None)), dtype)  # type: ignore[arg-type]
        return made.restore(self._apply(rows, {name: column}))

    def predict(self, X: Any) -> NDArray:
        """Draw the images of attributes.

        Parameters
        ----------
        X : frame, dict of array-likes, or array-like of shape (n_samples, n_attributes)
            Attributes, as in `fit`. A dictionary may have a single value for all rows.

        Returns
        -------
        images : ndarray of shape (n_samples, height, width[, channels]) or (n_samples, n_features)
            In the layout and the range of y, as floats.

        Raises
        ------
        ValueError
            If a category is one that `fit` did not see, or a value is missing.
        """
        return self._drawn(self._columns(X))

    def score(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> float:
        r"""Return what share of the images' variance is drawn.

        .. math:: 1 - \sum_{r, p} w_r (\hat y_{r p} - y_{r p})^2 \Big/
                  \sum_{r, p} w_r (y_{r p} - \bar y_p)^2

        over all rows r and pixels p together. The mean of a coefficient a pixel, as
        `sklearn.metrics.r2_score` has it, would be decided by pixels that are nearly always white.
        Images with a mask are compared over black, together with their masks.

        Parameters
        ----------
        X : object
            Attributes, as in `fit`.

        y : array-like
            Their images.

        sample_weight : array-like of shape (n_samples,), default=None
            How much every row counts.

        Returns
        -------
        score : float
            1 for perfect drawings, 0 for the mean image.
        """
        columns = {**self._columns(X), **self.target_input_.columns(y, self)}
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(
                f"X and y differ in length, with inconsistent numbers of samples: {lengths}."
            )
        weight = _check_sample_weight(sample_weight, columns["x"], dtype=np.float64)
        given: Any = columns["y"]
        mean = np.zeros(self._n_features)
        for part in gen_batches(len(weight), _N_AT_ONCE):
            mean += weight[part] @ self._real(given.take(part)) / weight.sum()
        errors, variance = 0.0, 0.0
        for part in gen_batches(len(weight), _N_AT_ONCE):
            real = self._real(given.take(part))
            drawn = self._rows(columns["x"].take(part))  # type: ignore[arg-type]
            errors += float(weight[part] @ np.square(drawn - real).sum(axis=1))
            variance += float(weight[part] @ np.square(real - mean).sum(axis=1))
        if variance == 0:
            return float(errors == 0)
        return 1 - errors / variance

    def encode(self, X: Any) -> NDArray:
        """Return the codes of attributes, from which `generate` draws.

        Parameters
        ----------
        X : object
            Attributes, as in `fit`.

        Returns
        -------
        codes : ndarray of shape (n_samples, n_code)
            Attribute by attribute, in the order of columns: the learned code of a category, a
            standardized number, or sines and cosines of an angle.
        """
        codes: NDArray = self._apply(self._network().codes, self._columns(X))
        return codes

    def transform(self, X: Any) -> NDArray:
        """Return the codes of attributes, as `encode` does.

        Parameters
        ----------
        X : object
            Attributes, as in `fit`.

        Returns
        -------
        codes : ndarray of shape (n_samples, n_code)
            As of `encode`.
        """
        return self.encode(X)

    @property
    def _n_features_out(self) -> int:
        width: int = self.net_.module_.codes.width
        return width

    def generate(self, Z: ArrayLike) -> NDArray:
        """Draw images of codes of your choice.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_code)
            Codes, as `encode` returns them.

        Returns
        -------
        images : ndarray of shape (n_samples, height, width[, channels]) or (n_samples, n_features)
            In the layout and the range of y, as floats.
        """
        check_is_fitted(self)
        codes = check_array(Z, dtype=np.float32, input_name="Z")
        if codes.shape[1] != self._n_features_out:
            raise ValueError(
                f"Z has {codes.shape[1]} columns, but codes of this {type(self).__name__} have "
                f"{self._n_features_out} numbers."
            )
        return self._drawn({"code": TensorColumn(torch.from_numpy(codes))})

    def interpolate(self, start: Any, stop: Any, n_steps: int = 9) -> NDArray:
        """Draw the way from some attributes to others.

        Numbers change evenly, angles along the shorter arc, categories on the line between codes.

        Parameters
        ----------
        start, stop : object
            Attributes, as in `fit`, as many rows of one as of the other; or a single row, as a row
            of a frame or a dictionary of single values.

        n_steps : int, default=9
            Steps, both ends among them.

        Returns
        -------
        images : ndarray of shape (n_pairs, n_steps, height, width[, channels])
            Of single rows, without the first axis.
        """
        check_is_fitted(self)
        n_steps = checked_count("n_steps", n_steps)
        (first, single), (last, single_too) = (single_row(one) for one in (start, stop))
        ends = [self._columns(one)["x"].take(slice(None)) for one in (first, last)]
        if single != single_too or len(ends[0]) != len(ends[1]):
            raise ValueError(
                "start and stop have to be one row each, or as many, got "
                f"{len(ends[0])} and {len(ends[1])}."
            )
        with torch.no_grad():
            codes = torch.cat(
                [self._network().codes.between(*ends, float(t)) for t in np.linspace(0, 1, n_steps)]
            )
        images = self._drawn({"code": TensorColumn(codes.cpu())})
        steps = images.reshape(n_steps, len(ends[0]), *images.shape[1:]).swapaxes(0, 1)
        return steps[0] if single else steps

    def identify(self, y: ArrayLike) -> Any:
        """Read the attributes off images: those whose drawing is closest.

        The search starts from the attributes that were trained on. It goes through the categories,
        and halves its steps along numbers and angles. So it takes some hundred drawings an image.

        Parameters
        ----------
        y : array-like of shape (n_samples, height, width[, channels]) or (n_samples, n_features)
            Images.

        Returns
        -------
        X : frame, dict of ndarray, or ndarray of shape (n_samples, n_attributes)
            Their attributes, in a container like that of X in `fit`. Numbers are within the range
            that was trained on.
        """
        check_is_fitted(self)
        column: Any = self.target_input_.columns(y, self)["y"]
        decoder: Any = self._network().decoder  # which may be older than the parameter `camera`
        is_large = isinstance(decoder, VolumeDecoder) and min(decoder.shape[:2]) >= _LARGE
        every = _EVERY if is_large else 1
        pixels = slice(None) if every == 1 else decoder.where(every).cpu()
        found = [
            attributes_of(
                self._real(column.take(part)[:, pixels]).astype(np.float32),
                lambda x: self._rows(torch.from_numpy(x.astype(np.float32)), every).astype("f4"),
                self.input_,
            )
            for part in gen_batches(len(column), _N_AT_ONCE)
        ]
        return self.input_.frame(np.concatenate(found))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = False
        tags.input_tags.string = True
        # Not `categorical`: of such, a check of scikit-learn 1.6 centers integers in place.
        tags.target_tags.required = tags.target_tags.multi_output = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
