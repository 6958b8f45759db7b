"""Images drawn of attributes: what ImageRegressor claims, and what it takes."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold
from torch import nn

from skgen import ConvAutoencoder, ImageRegressor
from skgen.exceptions import TrainingWarning
from skgen.inputs.mixed import Angle, Category, MixedInput, Number
from skgen.inspection import AttributeDisplay
from skgen.losses import PerceptualLoss
from skgen.networks.conditioned import AttributeCodes, over_black

ANGLES = np.arange(0, 360, 15)
SIDE = 16
SETTINGS = {"periods": {"angle": 360}, "random_state": 0}
QUICK = {**SETTINGS, "n_filters": (8, 16), "hidden_layer_sizes": (32,), "max_epochs": 2}


def clock(angle, length, brightness=1.0):
    """A hand of that length, in an image of its own."""
    line = np.linspace(-1, 1, SIDE)
    across, up = np.meshgrid(line, -line)
    radians = np.deg2rad(angle)
    along = across * np.sin(radians) + up * np.cos(radians)
    aside = across * np.cos(radians) - up * np.sin(radians)
    far = np.maximum(np.abs(aside), np.maximum(-along, along - length))
    return brightness * np.clip(1.5 - 6 * far, 0, 1)


LENGTHS = {"short": 0.4, "middle": 0.6, "long": 0.85}


@pytest.fixture(scope="module")
def attributes():
    """Hands of three lengths, at every 15 degrees, in two shades."""
    rows = [(hand, angle, shade) for hand in LENGTHS for angle in ANGLES for shade in (0.6, 1.0)]
    return pd.DataFrame(rows, columns=["hand", "angle", "shade"])


@pytest.fixture(scope="module")
def images(attributes):
    return np.stack(
        [clock(a, LENGTHS[hand], s) for hand, a, s in attributes.itertuples(index=False)]
    )


@pytest.fixture(scope="module")
def known(attributes):
    """Half of the rows: other angles of each hand and shade."""
    return np.random.default_rng(0).random(len(attributes)) < 0.5


@pytest.fixture(scope="module")
def model(attributes, images, known):
    settings = {"n_filters": (16, 32), "hidden_layer_sizes": (64,), "max_epochs": 120}
    return ImageRegressor(8, **SETTINGS, **settings).fit(attributes[known], images[known])


# What it claims


def test_views_that_nobody_took_are_better_than_a_blend_of_their_neighbors(
    model, attributes, images, known
):
    """Than a blend of both neighbors at 15 degrees, whether these are known or not."""
    blends = [
        (clock(a - 15, LENGTHS[hand], s) + clock(a + 15, LENGTHS[hand], s)) / 2
        for hand, a, s in attributes[~known].itertuples(index=False)
    ]
    of_blends = np.mean((blends - images[~known]) ** 2)
    errors = np.mean((model.predict(attributes[~known]) - images[~known]) ** 2)
    assert errors < 0.5 * of_blends


def test_the_score_is_the_share_of_all_variance(model, attributes, images):
    drawn = model.predict(attributes)
    spread = np.square(images - images.mean(axis=0)).sum()
    expected = 1 - np.square(drawn - images).sum() / spread
    assert model.score(attributes, images) == pytest.approx(expected, rel=1e-5)
    weight = np.arange(len(images)) % 3
    mean = np.average(images, axis=0, weights=weight)
    errors, spreads = (
        np.square(one - images).sum(axis=(1, 2)) @ weight for one in (drawn, mean[None])
    )
    weighted = model.score(attributes, images, sample_weight=weight)
    assert weighted == pytest.approx(1 - errors / spreads, rel=1e-5)


def test_a_new_hand_of_four_views_is_drawn_at_all_others(model, attributes, images):
    model = pickle.loads(pickle.dumps(model))
    before = model.predict(attributes)
    new = pd.DataFrame({"hand": "new", "angle": ANGLES, "shade": 1.0})
    y = np.stack([clock(angle, 0.72) for angle in ANGLES])
    given = new["angle"] % 90 == 0
    model.partial_fit(new[given], y[given])
    assert_array_equal(model.predict(attributes), before)  # nothing else moved
    errors = np.mean((model.predict(new[~given]) - y[~given]) ** 2)
    others = [
        np.mean((model.predict(new[~given].assign(hand=hand)) - y[~given]) ** 2) for hand in LENGTHS
    ]
    assert errors < min(others)
    assert model.attributes_[0].known == ("long", "middle", "short", "new")
    loaded = pickle.loads(pickle.dumps(model))
    assert_array_equal(loaded.predict(new), model.predict(new))
    for one in (loaded, model):  # from now on it is learned with the others
        one.partial_fit(new, y)
    assert_array_equal(loaded.predict(new), model.predict(new))


def test_new_categories_of_the_same_seed_are_the_same(model):
    new = pd.DataFrame({"hand": ["a", "b"] * 2, "angle": [0, 0, 90, 90], "shade": 1.0})
    y = np.stack([clock(angle, 0.5) for angle in new["angle"]])
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first, second = (
        pickle.loads(pickle.dumps(model)).partial_fit(new, y).predict(new) for _ in range(2)
    )
    assert_array_equal(first, second)
    assert torch.equal(torch.get_rng_state(), state)


def test_attributes_are_read_off_images(model, attributes, images, known):
    some = attributes[~known].iloc[::5]
    found = model.identify(images[some.index])
    assert list(found.columns) == list(attributes.columns)
    away = np.abs((found["angle"].to_numpy() - some["angle"].to_numpy() + 180) % 360 - 180)
    assert np.median(away) < 5
    assert (found["hand"].to_numpy() == some["hand"].to_numpy()).mean() > 0.8
    assert np.abs(found["shade"].to_numpy() - some["shade"].to_numpy()).max() < 0.25


def test_angles_take_the_shorter_arc(model):
    start, stop = ({"hand": "long", "angle": angle, "shade": 1.0} for angle in (345, 15))
    way = model.interpolate(start, stop, n_steps=3)
    straight = model.predict({"hand": ["long"], "angle": [0], "shade": [1.0]})
    assert way.shape == (3, SIDE, SIDE)
    assert_allclose(way[1], straight[0], atol=1e-5)


def test_the_way_between_categories_is_that_of_their_codes(model, attributes):
    pairs = attributes.iloc[[0, 1]], attributes.iloc[[96, 97]]
    way = model.interpolate(*pairs, n_steps=3)
    assert way.shape == (2, 3, SIDE, SIDE)
    codes = [model.encode(one) for one in pairs]
    assert_allclose(way[:, 1], model.generate(np.mean(codes, axis=0)), atol=1e-5)
    assert_allclose(way[:, 0], model.predict(pairs[0]), atol=1e-5)
    assert_allclose(way[:, -1], model.predict(pairs[1]), atol=1e-5)


def test_angles_wrap(model, attributes):
    row = attributes.iloc[[4]]
    for angle, same in ((370, 10), (-10, 350), (720, 0)):
        drawn, expected = (model.predict(row.assign(angle=one)) for one in (angle, same))
        assert_allclose(drawn, expected, atol=1e-5)


def test_codes_are_what_images_are_drawn_of(model, attributes):
    codes = model.encode(attributes)
    assert codes.shape == (len(attributes), 8 + 12 + 1)
    assert_array_equal(model.transform(attributes), codes)
    assert_allclose(model.generate(codes), model.predict(attributes), atol=1e-5)
    with pytest.raises(ValueError, match=r"Z has 3 columns, but codes .* have 21 numbers"):
        model.generate(codes[:, :3])


def test_harmonics_and_codes_are_what_they_are_said_to_be():
    codes = AttributeCodes([3, 0, -1], n_components=2, n_harmonics=2)
    x = torch.tensor([[1.0, 0.5, 0.3], [2.0, -1.0, 4.0]])
    made = codes(x)
    assert_array_equal(made[:, :2].detach(), codes.categories["0"].weight[[1, 2]].detach())
    assert_array_equal(made[:, 2].detach(), x[:, 1])
    angle = x[:, 2]
    circle = [angle.sin(), (2 * angle).sin(), angle.cos(), (2 * angle).cos()]
    assert_allclose(made[:, 3:].detach(), torch.stack(circle, dim=1), atol=1e-6)


def test_between_angles_that_are_known_codes_go_straight():
    codes = AttributeCodes([-1], n_components=2, n_harmonics=6).eval()
    x = torch.deg2rad(torch.tensor([[0.0], [30.0], [60.0], [300.0], [15.0], [330.0], [-30.0]]))
    on_circles = codes(x)
    codes.know_angles(x[:4])
    made = codes(x)
    assert torch.equal(made[:4], on_circles[:4])
    assert_allclose(made[4], (made[0] + made[1]) / 2, atol=1e-6)
    for row in (5, 6):  # between 300 and 0
        assert_allclose(made[row], (made[0] + made[3]) / 2, atol=1e-6)
    half_a_turn = torch.deg2rad(torch.tensor([[150.0], [240.0]]))
    assert torch.equal(codes(half_a_turn), codes.train()(half_a_turn))  # nothing is known there


def test_angles_of_later_chunks_are_known(attributes, images):
    first = (attributes["angle"] % 45 == 0).to_numpy()
    model = ImageRegressor(**QUICK).partial_fit(attributes[first], images[first])
    row = attributes[attributes["angle"] == 15][:1]
    length = np.linalg.norm(model.encode(row)[0, 32:44])
    model.partial_fit(attributes, images)
    assert length < np.linalg.norm(model.encode(row)[0, 32:44]) == pytest.approx(6**0.5)


def test_views_between_those_that_all_know_are_better_than_a_blend(attributes, images):
    """All hands are known at every 45 degrees alone, so that sin 4 phi is 0 in all of them."""
    known = (attributes["angle"] % 45 == 0).to_numpy()
    settings = {"n_filters": (16, 32), "hidden_layer_sizes": (64,), "max_epochs": 120}
    model = ImageRegressor(8, **SETTINGS, **settings).fit(attributes[known], images[known])
    errors = np.mean((model.predict(attributes[~known]) - images[~known]) ** 2)
    blends = []
    for hand, angle, shade in attributes[~known].itertuples(index=False):
        before, share = angle // 45 * 45, angle % 45 / 45
        ends = [clock(end, LENGTHS[hand], shade) for end in (before, before + 45)]
        blends.append((1 - share) * ends[0] + share * ends[1])
    assert errors < 0.8 * np.mean((blends - images[~known]) ** 2)


# The second network, losses, and networks of one's own


def test_the_second_network_plays_along(attributes, images):
    model = ImageRegressor(adversarial_weight=1e-3, **QUICK).fit(attributes, images)
    assert set(model.loss_curve_) == {"decoder", "discriminator"}
    first = model.net_.history[0]
    parts = first["likeness"] + 1e-3 * (first["fooling"] + first["distance"])
    assert first["train_loss_decoder"] == pytest.approx(parts, rel=1e-4)
    assert {"D(image)", "D(drawn)"} <= first.keys()
    without = ImageRegressor(adversarial_weight=0.0, **QUICK).fit(attributes, images)
    assert not hasattr(without.net_.module_, "discriminator")


def test_the_second_network_knows_the_attributes(attributes, images):
    model = ImageRegressor(adversarial_weight=1e-3, **QUICK).fit(attributes, images)
    module = model.net_.module_.eval()
    x = model.input_.columns(attributes[:8], model)["x"].tensor
    y = model.target_input_.columns(images[:8], model)["y"].take(slice(None))
    with torch.no_grad():
        codes = module.codes(x)
        said = module.discriminator(y, codes)
        assert not torch.allclose(said, module.discriminator(y, codes.flip(0)))


def test_stopping_early_looks_at_the_likeness(attributes, images):
    settings = {**QUICK, "max_epochs": 4, "early_stopping": True}
    model = ImageRegressor(adversarial_weight=0.5, **settings)
    aside = np.arange(len(images)) % 3 == 0
    X_val, y_val = attributes[aside], images[aside]
    model.fit(attributes[~aside], images[~aside], X_val=X_val, y_val=y_val)
    best = -model.best_validation_score_
    assert np.mean((model.predict(X_val) - y_val) ** 2) == pytest.approx(best, rel=1e-3)
    assert -model.validation_scores_[-1] >= best


def test_a_perceptual_loss(attributes, images):
    teacher = ConvAutoencoder(4, n_filters=(8, 16), max_epochs=2, random_state=0).fit(images)
    model = ImageRegressor(loss=PerceptualLoss(teacher), **QUICK).fit(attributes, images)
    assert np.isfinite(model.loss_curve_).all()
    assert model.predict(attributes[:2]).shape == (2, SIDE, SIDE)


def test_a_decoder_of_ones_own(attributes, images):
    def decoder(shape):
        return nn.Sequential(nn.Linear(*shape, SIDE * SIDE), nn.Unflatten(1, (1, SIDE, SIDE)))

    model = ImageRegressor(decoder=decoder, **QUICK).fit(attributes, images)
    assert model.predict(attributes[:2]).shape == (2, SIDE, SIDE)
    short = ImageRegressor(decoder=lambda shape: nn.Linear(*shape, 5), **QUICK)
    with pytest.raises(ValueError, match="decoder makes 5 numbers, but a row of y has 256"):
        short.fit(attributes, images)


# Images of all kinds

KINDS = {
    "gray": lambda y: y,
    "a channel": lambda y: y[..., None],
    "bytes": lambda y: (255 * y).astype(np.uint8),
    "RGB": lambda y: np.stack([y, y**2, 1 - y], axis=-1),
    "RGBA": lambda y: np.stack([y, y, 1 - y, y > 0.5], axis=-1),
    "RGBA bytes": lambda y: (255 * np.stack([y, y, 1 - y, y > 0.5], axis=-1)).astype(np.uint8),
    "single precision": lambda y: y.astype(np.float32),
    "a wide range": lambda y: 1000 * y - 300,
    "a list": list,
    "odd sizes": lambda y: y[:, 1:, :13],
    "flat": lambda y: y.reshape(len(y), -1),
    "numbers": lambda y: y.mean(axis=(1, 2)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_images_come_in_the_layout_and_the_range_of_y(kind, attributes, images):
    y = KINDS[kind](images)
    model = ImageRegressor(**QUICK).fit(attributes, y)
    drawn = model.predict(attributes)
    given = np.asarray(y)
    assert drawn.shape == given.shape
    assert drawn.dtype == (np.float64 if given.dtype == np.float64 else np.float32)
    assert np.isfinite(model.score(attributes, y))
    if kind not in ("flat", "numbers"):
        assert given.min() <= drawn.min() and drawn.max() <= given.max()
        assert model.image_shape_ == given.shape[1:]
    found = model.identify(y[:2])
    assert found.shape == (2, 3)


def test_color_counts_where_the_mask_does(attributes, images):
    """What a transparent pixel's color is, makes no difference at all."""
    mask = (images > 0.5).astype(float)
    colors = np.stack([images, images, 1 - images], axis=-1)
    noise = np.random.default_rng(0).random(colors.shape)
    there = np.concatenate([colors, mask[..., None]], axis=-1)
    hidden = np.where(mask[..., None] > 0, colors, noise)
    other = np.concatenate([hidden, mask[..., None]], axis=-1)
    first, second = (ImageRegressor(**QUICK).fit(attributes, one) for one in (there, other))
    assert_allclose(first.predict(attributes), second.predict(attributes), atol=1e-5)
    assert first.score(attributes, there) == pytest.approx(first.score(attributes, other))
    rows = torch.tensor([[0.5, 1.0, 0.25, 0.5]])
    assert over_black(rows, 4).tolist() == [[0.25, 0.5, 0.125, 0.5]]


def test_transparent_images_are_told_of(attributes, images):
    y = np.stack([images, images, images, images > 0.5], axis=-1)
    y[:3, ..., 3] = 0
    with pytest.warns(UserWarning, match="3 images|3 of 144 images of y are transparent"):
        ImageRegressor(**QUICK).fit(attributes, y)


def test_masks_of_another_range_than_colors_are_told_of(attributes, images):
    y = np.stack([255 * images] * 3 + [images > 0.5], axis=-1)
    with pytest.warns(UserWarning, match="goes up to 1, and colors up to 255"):
        ImageRegressor(**QUICK).fit(attributes, y)


# Attributes in all containers


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, dict])
def test_containers_mean_the_same(frame, attributes, images):
    X = frame({name: attributes[name].to_numpy() for name in attributes.columns})
    expected = ImageRegressor(**QUICK).fit(attributes, images)
    model = ImageRegressor(**QUICK).fit(X, images)
    assert_array_equal(model.predict(X), expected.predict(attributes))
    assert list(model.feature_names_in_) == ["hand", "angle", "shade"]
    found = model.identify(images[:2])
    assert isinstance(found, frame)
    assert list(found if frame is dict else found.columns) == ["hand", "angle", "shade"]


def test_arrays_and_lists_mean_the_same(attributes, images):
    by_place = {**QUICK, "periods": {1: 360}}
    objects = attributes.to_numpy()
    expected = ImageRegressor(**QUICK).fit(attributes, images).predict(attributes)
    model = ImageRegressor(**by_place).fit(objects, images)
    assert_array_equal(model.predict(objects), expected)
    listed = ImageRegressor(**by_place).fit(objects.tolist(), images)
    assert_array_equal(listed.predict(objects.tolist()), expected)
    assert model.identify(images[:2]).shape == (2, 3)
    assert {type(one) for one in model.attributes_} == {Category, Angle, Number}


def test_arrays_are_taken_by_place_where_frames_were_seen(model, attributes):
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        drawn = model.predict(attributes.to_numpy())
    assert_array_equal(drawn, model.predict(attributes))


def test_what_a_frame_calls_categorical_is(images, attributes):
    X = attributes.assign(hand=attributes["hand"].map({"short": 3, "middle": 7, "long": 20}))
    numbers = ImageRegressor(**QUICK).fit(X, images)
    assert isinstance(numbers.attributes_[0], Number)
    X = X.astype({"hand": "category"})
    model = ImageRegressor(**QUICK).fit(X, images)
    assert model.attributes_[0].known == (3, 7, 20)
    assert model.identify(images[:3])["hand"].dtype.kind == "i"
    with pytest.raises(ValueError, match="'hand' has the value 8, which fit did not see"):
        model.predict(X.assign(hand=8).astype({"hand": "category"}))


def test_a_single_value_stands_for_all_rows(model):
    turned = model.predict({"hand": "long", "angle": [0, 90], "shade": 1.0})
    each = model.predict({"hand": ["long"] * 2, "angle": [0, 90], "shade": [1.0, 1.0]})
    assert_array_equal(turned, each)


def test_booleans_come_back_as_such(images, attributes):
    X = attributes.assign(shade=attributes["shade"] == 1)
    model = ImageRegressor(**QUICK).fit(X, images)
    assert model.identify(images[:4])["shade"].dtype == bool


def test_units_and_offsets_do_not_matter(attributes, images):
    far = attributes.assign(shade=1e9 + 1e-3 * attributes["shade"])
    plain = ImageRegressor(**QUICK).fit(attributes, images).predict(attributes)
    assert_allclose(ImageRegressor(**QUICK).fit(far, images).predict(far), plain, atol=1e-3)
    for unit in (1e-300, 1e300):
        other = attributes.assign(shade=unit * attributes["shade"])
        drawn = ImageRegressor(**QUICK).fit(other, images).predict(other)
        assert_allclose(drawn, plain, atol=1e-3)
    turns = attributes.assign(angle=attributes["angle"] / 360 + 7)
    settings = {**QUICK, "periods": {"angle": 1}}
    assert_allclose(ImageRegressor(**settings).fit(turns, images).predict(turns), plain, atol=1e-3)


def test_frames_in_searches(attributes, images):
    search = GridSearchCV(
        ImageRegressor(**QUICK),
        {"n_harmonics": [1, 2]},
        cv=KFold(2, shuffle=True, random_state=0),
        n_jobs=2,
    )
    assert np.isfinite(search.fit(attributes, images).cv_results_["mean_test_score"]).all()


# Bad input


@pytest.mark.parametrize(
    "change, message",
    [
        ({"angle": np.nan}, "'angle' has 144 missing values"),
        ({"hand": None}, "'hand' has 144 missing values"),
        ({"angle": "north"}, "'angle' has a period, but its values are no numbers"),
        ({"shade": np.inf}, "'shade' has infinite values"),
    ],
)
def test_attributes_that_are_refused(change, message, attributes, images):
    model = ImageRegressor(**QUICK)
    with pytest.raises(ValueError, match=message):
        model.fit(attributes.assign(**change), images)
    assert vars(model).keys() == model.get_params().keys()


def test_a_category_that_is_not_known(model, attributes):
    with pytest.raises(
        ValueError,
        match=r"'hand' has the value 'tiny', which fit did not see. It saw 'long', 'middle', "
        r"'short'. partial_fit learns new ones",
    ):
        model.predict(attributes.assign(hand="tiny"))


def test_numbers_far_from_those_known_are_told_of(model, attributes):
    model.predict(attributes.assign(shade=1.2))  # as far as the others are apart
    with pytest.warns(UserWarning, match="'shade' has the value 7, and fit saw 0.6 to 1: nothing"):
        model.predict(attributes.assign(shade=np.where(attributes["hand"] == "long", 7, 1)))


def test_periods_that_are_refused(attributes, images):
    for periods, message in (
        ({"azimuth": 360}, "'azimuth', an angle by periods or camera, is no column of X. X has h"),
        ({"angle": 0}, "The period of 'angle' has to be a number above 0"),
        ({"angle": "360"}, "The period of 'angle' has to be a number above 0"),
    ):
        with pytest.raises(ValueError, match=message):
            ImageRegressor(**{**QUICK, "periods": periods}).fit(attributes, images)


@pytest.mark.parametrize("lr", [2e-3, 1e-2])
def test_large_steps_do_not_end_in_blank_images(lr, attributes, images):
    """Dark images draw all drawings down at once; from gray, they did not come back from black."""
    few = (attributes["angle"] % 45 == 0).to_numpy()
    settings = {**QUICK, "n_filters": (16, 32), "hidden_layer_sizes": (64,), "max_epochs": 60}
    model = ImageRegressor(lr=lr, **settings).fit(attributes[few], images[few])
    assert model.score(attributes[few], images[few]) > 0.5


def test_drawings_that_are_all_the_same_are_told_of(attributes, images):
    def dead(shape):
        first = nn.Linear(*shape, 4)
        nn.init.constant_(first.bias, -100)
        return nn.Sequential(first, nn.ReLU(), nn.Linear(4, SIDE * SIDE))

    settings = {**QUICK, "max_epochs": 20}
    with pytest.warns(TrainingWarning, match="same for all attributes.* lower lr, which is 0.002"):
        ImageRegressor(decoder=dead, **settings).fit(attributes, images)


def test_what_nothing_can_be_learned_of_is_told(attributes, images):
    with pytest.warns(UserWarning, match="The same in all rows: 'shade'"):
        ImageRegressor(**QUICK).fit(attributes.assign(shade=1.0), images)
    names = [f"hand {number}" for number in range(len(attributes))]
    with pytest.warns(UserWarning, match="Most values of 'hand' have one row only, 144 of 144"):
        ImageRegressor(**QUICK).fit(attributes.assign(hand=names), images)


def test_images_that_are_refused(attributes, images, model):
    before = model.predict(attributes)
    with_nan = images.copy()
    with_nan[3, 2, 1] = np.nan
    sizes = [one[:9] if number == 5 else one for number, one in enumerate(images)]
    for y, message in (
        (with_nan, "NaN"),
        (images[:-1], "X and y differ in length"),
        (sizes, "differ in size"),
        (None, "requires y to be passed"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(attributes, y)
        assert_array_equal(model.predict(attributes), before)
    new = attributes[:2].assign(hand="new")
    for y in (images[:2, :5], images[:3], with_nan[2:4]):
        with pytest.raises(ValueError):
            model.partial_fit(new, y)
        assert_array_equal(model.predict(attributes), before)
    with pytest.raises(ValueError, match="X and y differ in length"):
        model.score(attributes, images[:5])
    with pytest.raises(ValueError, match="start and stop have to be one row each"):
        model.interpolate(attributes[:2], attributes[:3])


def test_one_row(attributes, images, model):
    assert model.predict(attributes[:1]).shape == (1, SIDE, SIDE)
    assert_array_equal(model.predict(attributes[:1]), model.predict(attributes)[:1])
    with pytest.raises(ValueError, match="minimum of 2"):
        ImageRegressor(**QUICK).fit(attributes[:1], images[:1])


def test_warm_start_goes_on(attributes, images):
    model = ImageRegressor(warm_start=True, **QUICK).fit(attributes, images)
    assert clone(model).fit(attributes, images).n_iter_ == 2
    assert model.fit(attributes, images).n_iter_ == 4
    with pytest.raises(ValueError, match="n_harmonics was 6"):
        model.set_params(n_harmonics=2).fit(attributes, images)


# Inputs and pictures


def test_columns_and_back():
    class Owner:
        pass

    X = {"kind": ["b", "a", "b"], "turn": [350.0, 10.0, 725.0], "size": [1.0, 2.0, 6.0]}
    taken = MixedInput({"turn": 360})
    x = taken.fit(X, Owner())["x"].take(slice(None)).numpy()
    assert_allclose(x[:, 0], [1, 0, 1])
    assert_allclose(x[:, 1], np.deg2rad([350, 10, 5]), rtol=1e-6)
    assert_allclose(x[:, 2].mean(), 0, atol=1e-6)
    back = taken.frame(x.astype(float))
    assert back["kind"].tolist() == ["b", "a", "b"]
    assert_allclose(back["turn"], [350, 10, 5], rtol=1e-5)
    assert_allclose(back["size"], X["size"], rtol=1e-5)


def test_strips(model, attributes, images):
    hand = attributes[(attributes["hand"] == "long") & (attributes["shade"] == 1)]
    real = images[hand.index][None]
    display = AttributeDisplay.from_estimator(
        model, hand.iloc[0], "angle", hand["angle"], real=real
    )
    assert_allclose(display.images[0], model.predict(hand), atol=1e-5)
    assert [one.get_text() for one in display.ax_.get_yticklabels()] == ["drawn", "real"]
    assert AttributeDisplay.from_estimator(model, hand[:2], "hand").images.shape[:2] == (2, 3)
    shades = AttributeDisplay.from_estimator(model, hand[:1], "shade", n_steps=3).values
    assert_allclose(shades, [0.6, 0.8, 1.0], rtol=1e-5)
    assert AttributeDisplay.from_estimator(model, hand[:1], "angle", 45.0).values.tolist() == [45]
    with pytest.raises(ValueError, match=r"X has no attribute 'size'. It has 'hand', 'angle'"):
        AttributeDisplay.from_estimator(model, hand, "size")
    with pytest.raises(ValueError, match="real has images of shape"):
        AttributeDisplay.from_estimator(model, hand.iloc[0], "angle", n_steps=4, real=real)
