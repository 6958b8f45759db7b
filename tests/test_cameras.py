"""Things that turn, drawn by way of a volume: what a camera claims, and what it takes."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, ShuffleSplit
from torch import nn

from skgen import ConvAutoencoder, ImageRegressor
from skgen.cameras import Turntable
from skgen.engine import Rows
from skgen.losses import PerceptualLoss
from skgen.networks.conditioned import AttributeCodes
from skgen.networks.volumes import View, VolumeDecoder, between_known
from skgen.regressors import _base, _new
from skgen.regressors._direction import find_direction

SIDE = 8
QUICK = {
    "camera": Turntable("azimuth", "elevation", n_voxels=6),
    "n_components": 4,
    "n_filters": (8,),
    "hidden_layer_sizes": (16,),
    "max_epochs": 2,
    "random_state": 0,
}
SETTINGS = QUICK | {"n_components": 8, "batch_size": 12, "lr": 5e-3, "max_epochs": 40}
CAMERA = Turntable("azimuth", "elevation", n_voxels=12)


def scene(azimuth, elevation, height, side=16):
    """A post, and a ball that goes round it, in front of it and behind."""
    line = (np.arange(side) + 0.5) * 2 / side - 1
    across, up = np.meshgrid(line, -line)
    a, e = np.deg2rad([azimuth, elevation])
    middle = height * np.cos(e) - 0.55 * np.cos(a) * np.sin(e)
    far = np.hypot(across - 0.55 * np.sin(a), up - middle)
    ball = np.clip(side / 2 * (0.3 - far) + 0.5, 0, 1)
    post = np.clip(side / 2 * (0.15 - np.abs(across)) + 0.5, 0, 1) * (np.abs(up) < 0.7)
    layers = [(post, 0.5), (ball, 1.0)]
    image = np.zeros((side, side))
    for cover, color in layers if np.cos(a) > 0 else layers[::-1]:
        image = image * (1 - cover) + color * cover
    return image


HEIGHTS = {"low": -0.4, "middle": 0.0, "high": 0.4}


def scenes(X, side=16, heights=HEIGHTS):
    return np.stack(
        [scene(a, e, heights[thing], side) for thing, a, e in X.itertuples(index=False)]
    )


def views(things, azimuths, elevations):
    rows = [(thing, a, e) for thing in things for e in elevations for a in azimuths]
    return pd.DataFrame(rows, columns=["thing", "azimuth", "elevation"])


@pytest.fixture(scope="module")
def known():
    """All things, from every 60 degrees alone."""
    return views(HEIGHTS, range(0, 360, 60), [-20, 40])


@pytest.fixture(scope="module")
def model(known):
    settings = SETTINGS | {"camera": CAMERA}
    return ImageRegressor(**settings).fit(known, scenes(known))


@pytest.fixture(scope="module")
def small():
    """Images of 8 x 8 pixels, of two things."""
    return scenes(views(["low", "high"], range(0, 360, 60), [-20, 40]), SIDE)


@pytest.fixture(scope="module")
def attributes():
    return views(["low", "high"], range(0, 360, 60), [-20, 40])


@pytest.fixture(scope="module")
def quick(attributes, small):
    return ImageRegressor(**QUICK).fit(attributes, small)


def error_of_blends(between):
    """The error of blends of the views at 30 degrees to the left and to the right."""
    ends = [scenes(between.assign(azimuth=between["azimuth"] + by)) for by in (-30, 30)]
    return np.mean((np.mean(ends, axis=0) - scenes(between)) ** 2)


@pytest.fixture
def few_updates(monkeypatch):
    """Learn of new things for a few updates only."""
    for name, value in (("_N_UPDATES", (1, 1)), ("_N_LAST_UPDATES", 4), ("_N_LAST_PASSES", 1)):
        monkeypatch.setattr(_new, name, value)


# What it claims


def test_views_that_all_things_lack_are_better_than_a_blend(model):
    between = views(HEIGHTS, range(30, 360, 60), [-20, 40])
    error = np.mean((model.predict(between) - scenes(between)) ** 2)
    assert error < 0.4 * error_of_blends(between)


def test_elevations_that_all_things_lack_are_better_than_a_blend(model):
    between = views(HEIGHTS, range(0, 360, 60), [10])
    real = scenes(between)
    error = np.mean((model.predict(between) - real) ** 2)
    ends = [scenes(between.assign(elevation=e)) for e in (-20, 40)]
    assert error < 0.4 * np.mean((np.mean(ends, axis=0) - real) ** 2)


def test_rows_set_aside_do_not_say_which_way_things_turn(monkeypatch):
    """Their images would be a number that is none, which no trial could have an error of."""
    X = views(HEIGHTS, range(0, 360, 60), [-20, 40])
    asked = {}

    def find(decoder, codes, given):
        asked["rows"] = len(given.rows)
        rows = given.columns["y"].take(slice(None)).clone()
        rows[np.setdiff1d(np.arange(len(X)), given.rows)] = torch.nan
        find_direction(decoder, codes, Rows(given.columns | {"y": rows}, 16, given.rows))
        asked["view"] = torch.stack([one.detach().sum() for one in decoder.view.parameters()])

    monkeypatch.setattr(_base, "find_direction", find)
    ImageRegressor(early_stopping=True, **QUICK).fit(X, scenes(X))
    assert asked["rows"] < len(X)
    assert asked["view"].isfinite().all()


def test_which_way_things_turn_is_found(model):
    """Without elevations, as well; the camera is tilted as these were."""
    level = views(HEIGHTS, range(0, 360, 60), [25])
    X = level.drop(columns="elevation").assign(azimuth=-level["azimuth"])
    settings = SETTINGS | {"camera": Turntable("azimuth", n_voxels=12), "max_epochs": 60}
    other = ImageRegressor(**settings).fit(X, scenes(level))
    there, back = (one.net_.module_.decoder.view for one in (model, other))
    assert float(there.direction) == -float(back.direction)
    assert np.rad2deg(float(back.tilt.detach())) == pytest.approx(25, abs=5)
    between = views(HEIGHTS, range(30, 360, 60), [25])
    drawn = other.predict({"thing": between["thing"], "azimuth": -between["azimuth"]})
    assert np.mean((drawn - scenes(between)) ** 2) < 0.4 * error_of_blends(between)


def test_a_new_thing_is_drawn_from_all_sides(model, known):
    model = pickle.loads(pickle.dumps(model))
    before = model.predict(known)
    new = views(["new"], range(0, 360, 30), [30])
    real = scenes(new, heights={"new": 0.2})
    given = (new["azimuth"] % 120 == 0).to_numpy()
    model.partial_fit(new[given], real[given])
    assert_array_equal(model.predict(known), before)  # nothing else moved
    error = np.mean((model.predict(new[~given]) - real[~given]) ** 2)
    others = [
        np.mean((model.predict(new[~given].assign(thing=thing)) - real[~given]) ** 2)
        for thing in HEIGHTS
    ]
    assert error < 0.5 * min(others)
    loaded = pickle.loads(pickle.dumps(model))
    assert_array_equal(loaded.predict(new), model.predict(new))
    for one in (loaded, model):  # from now on it is learned with the others
        one.partial_fit(new, real)
    assert_array_equal(loaded.predict(new), model.predict(new))
    assert not np.array_equal(model.predict(known), before)


def test_attributes_are_read_off_images(model):
    some = views(HEIGHTS, [20, 200], [-20, 40])
    found = model.identify(scenes(some))
    assert list(found.columns) == ["thing", "azimuth", "elevation"]
    assert (found["thing"] == some["thing"]).mean() > 0.5
    away = np.abs((found["azimuth"] - some["azimuth"] + 180) % 360 - 180)
    assert np.median(away) < 10
    assert found["elevation"].between(-180, 180).all()
    assert np.median(np.abs(found["elevation"] - some["elevation"])) < 10


def test_codes_are_what_images_are_drawn_of(model, known):
    codes = model.encode(known)
    assert codes.shape == (len(known), 8 + 2 + 2)
    assert_allclose(model.generate(codes), model.predict(known), atol=1e-5)
    one, other = known.iloc[0], known.iloc[-1]
    way = model.interpolate(one, other, n_steps=3)
    assert way.shape == (3, 16, 16)
    assert_allclose(way[[0, 2]], model.predict(known.iloc[[0, -1]]), atol=1e-5)


def test_a_row_is_drawn_the_same_whatever_others_there_are(model, known):
    drawn = model.predict(known)
    order = np.random.default_rng(0).permutation(len(known))
    assert_allclose(model.predict(known.iloc[order]), drawn[order], atol=1e-6)
    assert_allclose(model.predict(known[5:6]), drawn[5:6], atol=1e-6)
    turned = known.assign(azimuth=known["azimuth"] + 360)
    assert_allclose(model.predict(turned), drawn, atol=1e-4)


# What is seen of volumes


def cube(density, color=0.0, side=16):
    """A volume whose middle half is filled."""
    volume = torch.full((1, 2, side, side, side), -20.0)
    volume[:, 1] = color
    middle = slice(side // 4, 3 * side // 4)
    volume[:, 0, middle, middle, middle] = density
    return volume


def angles(*degrees):
    radians = torch.deg2rad(torch.tensor(degrees, dtype=torch.float))
    return torch.stack([radians.sin(), radians.cos()], dim=1)


@pytest.fixture
def view():
    view = View((16, 16)).requires_grad_(False)
    view.perspective.zero_()
    view.zoom.fill_(1)
    return view


def test_a_dense_cube_has_its_silhouette(view):
    color, opacity = view(cube(20.0), angles(0.0), angles(0.0), 32)
    expected = torch.zeros(16, 16)
    expected[4:12, 4:12] = 1
    assert_allclose(opacity[0, 0], expected, atol=1e-4)
    assert_allclose(color[0, 0], expected / 2, atol=1e-4)
    widths = [
        view(cube(20.0), angles(azimuth), angles(0.0), 32)[1][0, 0, 8].sum().item()
        for azimuth in (0, 45, 90)
    ]
    assert widths[0] == pytest.approx(widths[2], abs=0.1)
    assert widths[1] == pytest.approx(2**0.5 * widths[0], rel=0.15)
    _, narrow = view(cube(20.0), angles(0.0), angles(0.0), 32, 2, (1, 0))
    assert_array_equal(narrow[0, 0], opacity[0, 0, 1::2, ::2])


def test_haze_is_seen_through_as_the_formula_says(view):
    volume = torch.full((1, 2, 8, 8, 8), float(torch.tensor(0.01).expm1().log()))
    _, opacity = view(volume, angles(0.0), angles(0.0), 64)  # 2 long, of a density of 0.01 * 32
    assert_allclose(opacity, 1 - np.exp(-2 * 0.32), rtol=1e-3)
    noise = torch.randn(3, 4, 8, 8, 8, generator=torch.Generator().manual_seed(0))
    color, opacity = view(noise, angles(0, 77, 200), angles(0, -30, 90), 12)
    assert 0 <= opacity.min() <= opacity.max() <= 1
    assert color.min() >= 0 and (color <= opacity + 1e-6).all()


def test_cameras_that_stand_high_see_the_top(view):
    """And low ones the bottom: of a cube that is bright above."""
    volume = cube(20.0, color=-20.0)
    volume[:, 1, :, 4:6] = 20.0  # rows go down
    seen = [
        view(volume, angles(0.0), angles(elevation), 32)[0].sum().item()
        for elevation in (-40.0, 0.0, 40.0)
    ]
    assert seen[0] < seen[1] < seen[2]


def test_azimuths_turn_one_way_or_the_other(view):
    """At 90 degrees one looks at what was the left or the right."""
    volume = cube(20.0, color=-20.0)
    volume[:, 1, ..., :10], volume[:, 1, ..., 10:] = -20.0, 20.0  # bright at the right
    one = view(volume, angles(90.0), angles(0.0), 32)[0].sum().item()
    view.direction.neg_()
    other = view(volume, angles(90.0), angles(0.0), 32)[0].sum().item()
    assert sorted([one, other]) == pytest.approx([0, 64], abs=1)


def test_between_two_things_details_go_over():
    codes = AttributeCodes([2, -1], 2, 1, plain=[1]).requires_grad_(False)
    codes.categories["0"].weight.copy_(torch.tensor([[0.0, 0.0], [1.0, 0.0]]))
    decoder = VolumeDecoder(codes, 1, -1, (8, 8, 1), 4, [4], [8], "relu", [0.5]).eval()
    decoder.requires_grad_(False)
    decoder.details["0"].copy_(torch.stack([torch.zeros(128), torch.ones(128)]))
    places = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.5, 0.0], [0.3, 0.0]])
    (details,) = decoder._details(torch.cat([places, angles(0, 0, 0, 0)], dim=1), {})
    assert_allclose(details.mean(dim=1), [0, 1, 0.5, 0.3], atol=1e-6)


def test_codes_lie_between_two_of_those_known():
    known = torch.randn(12, 8, generator=torch.Generator().manual_seed(0))
    ways = torch.stack([torch.lerp(known[3], known[7], t) for t in (0, 0.2, 0.8, 1)])
    one, other, share = between_known(ways, known)
    assert one.tolist() == [3, 3, 7, 7]
    assert other[1:3].tolist() == [7, 3]
    assert_allclose(share, [0, 0.2, 0.2, 0], atol=1e-6)


def test_haze_is_drawn_as_empty_where_that_costs_nothing(model, known):
    """What was known is drawn no worse without it, and what lies between better."""
    empty, images = model.net_.module_.decoder.view.empty, scenes(known)
    turned = known.assign(azimuth=known["azimuth"] + 30)
    kept = float(empty)
    assert kept > 0

    def errors(least):
        empty.fill_(least)
        pairs = [(known, images), (turned, scenes(turned))]
        return [np.square(model.predict(X) - y).mean() for X, y in pairs]

    try:
        (hazy, hazy_between), (cleared, between) = errors(0.0), errors(kept)
    finally:
        empty.fill_(kept)
    assert cleared < 1.02 * hazy and between < hazy_between


def test_what_a_few_updates_left_is_not_cleared(quick, attributes, small):
    assert quick.net_.module_.decoder.view.empty == 0
    new = attributes[:4].assign(thing="new")
    wider = copy.deepcopy(quick).partial_fit(new, small[:4])
    assert wider.net_.module_.decoder.view.empty == 0


def test_parts_are_pieces_or_the_whole_at_half_the_resolution(monkeypatch):
    """They are what is drawn in their places, rays apart from being shaken."""
    monkeypatch.setattr("skgen.networks.volumes._TRAINED", 8.0)  # so that shaking moves little
    codes = AttributeCodes([2, -1], 2, 1, plain=[1]).requires_grad_(False)
    decoder = VolumeDecoder(codes, 1, -1, (20, 17, 3), 12, [4], [8], "relu", [0.2, 0.5, 0.7])
    decoder.requires_grad_(False).details["0"].normal_(std=3.0)
    rows = torch.cat([torch.eye(2), angles(20, 70)], dim=1)
    whole, steps = decoder.eval()(rows), set()
    for _ in range(20):
        drawn, pixels = decoder.part(rows)
        assert drawn.shape == (2, 10 * 8 * 3) and len(set(pixels.tolist())) == 240
        assert (drawn - whole[:, pixels]).abs().mean() < 0.02 < whole.std()
        steps.add((pixels[3] - pixels[0]).item())
    assert steps == {3, 6}


# Images of all kinds, attributes of all kinds

KINDS = {
    "bytes": lambda y: (255 * y).astype(np.uint8),
    "RGB": lambda y: np.stack([y, y**2, 1 - y], axis=-1),
    "RGBA bytes": lambda y: (255 * np.stack([y, y, 1 - y, y > 0.2], axis=-1)).astype(np.uint8),
    "a wide range": lambda y: 1000 * y[..., None] - 300,
    "not square": lambda y: y[:, 1:, :6].astype(np.float32),
}


@pytest.mark.parametrize("kind", KINDS)
def test_images_come_in_the_layout_and_the_range_of_y(kind, attributes, small):
    y = KINDS[kind](small)
    model = ImageRegressor(**QUICK).fit(attributes, y)
    drawn = model.predict(attributes)
    assert drawn.shape == y.shape
    assert drawn.dtype == (np.float64 if y.dtype == np.float64 else np.float32)
    assert y.min() <= drawn.min() and drawn.max() <= y.max()
    assert np.isfinite(model.score(attributes, y))
    assert model.identify(y[:1]).shape == (1, 3)


def test_flat_rows_are_images_if_they_are_said_to_be(attributes, small, quick):
    flat = small.reshape(len(small), -1)
    model = ImageRegressor(**QUICK, image_shape=(SIDE, SIDE)).fit(attributes, flat)
    assert_allclose(
        model.predict(attributes), quick.predict(attributes).reshape(flat.shape), atol=1e-6
    )


def test_one_thing_of_which_azimuths_alone_are_known(attributes, small):
    some = (attributes["thing"] == "high") & (attributes["elevation"] == 40)
    X = attributes.loc[some, ["azimuth"]].to_numpy()
    model = ImageRegressor(**QUICK | {"camera": Turntable(0, n_voxels=6)}).fit(X, small[some])
    assert model.encode(X).shape == (6, 2)
    assert model.predict([[15.0]]).shape == (1, SIDE, SIDE)
    assert model.identify(small[:2]).shape == (2, 1)


def test_arrays_go_by_the_numbers_of_columns(attributes, small, quick):
    by_place = QUICK | {"camera": Turntable(1, 2, n_voxels=6)}
    objects = attributes.to_numpy()
    model = ImageRegressor(**by_place).fit(objects, small)
    assert_array_equal(model.predict(objects), quick.predict(attributes))


def test_other_units_mean_the_same(attributes, small, quick):
    radians = attributes.assign(
        azimuth=np.deg2rad(attributes["azimuth"]), elevation=np.deg2rad(attributes["elevation"])
    )
    camera = clone(QUICK["camera"]).set_params(period=2 * np.pi)
    model = ImageRegressor(**QUICK | {"camera": camera}).fit(radians, small)
    assert_allclose(model.predict(radians), quick.predict(attributes), atol=1e-3)
    assert np.abs(model.identify(small[:2])["elevation"]).max() <= np.pi


def test_one_elevation_in_all_images_is_no_cause_for_a_warning(attributes, small, recwarn):
    """One looks from there, and can from elsewhere."""
    level = attributes["elevation"] == 40
    model = ImageRegressor(**QUICK).fit(attributes[level], small[level])
    assert not recwarn.list
    drawn = [model.predict(attributes[level].assign(elevation=e)) for e in (20, 40)]
    assert not np.allclose(*drawn, atol=1e-5)


def test_numbers_beside_that_no_two_images_share(known):
    """Which way things turn is found of images that differ in other ways, too."""
    X = known.assign(light=np.random.default_rng(1).uniform(0.5, 1, len(known)))
    y = scenes(known) * X["light"].to_numpy()[:, None, None]
    model = ImageRegressor(**QUICK | {"max_epochs": 1, "random_state": 1}).fit(X, y)
    assert float(model.net_.module_.decoder.view.direction) == -1


# Losses, and the second network


@pytest.mark.parametrize(
    "settings", [{"adversarial_weight": 0.01}, {"loss": "binary_cross_entropy"}, {"loss": "auto"}]
)
def test_it_works_with_all_losses(settings, attributes, small, few_updates):
    if settings.get("loss") == "auto":
        teacher = ConvAutoencoder(4, n_filters=(8,), max_epochs=1, random_state=0).fit(small)
        settings = {"loss": PerceptualLoss(teacher)}
    model = ImageRegressor(**QUICK | settings).fit(attributes, small)
    assert np.isfinite(model.predict(attributes)).all()
    new = attributes[:2].assign(thing="new")
    assert np.isfinite(model.partial_fit(new, small[:2]).predict(new)).all()


# As scikit-learn has it


def test_the_same_seed_is_the_same_also_in_threads(attributes, small, quick, few_updates):
    state = torch.get_rng_state()

    def drawn(number):
        return ImageRegressor(**QUICK).fit(attributes, small).predict(attributes)

    with ThreadPoolExecutor(2) as pool:
        for one in pool.map(drawn, range(2)):
            assert_array_equal(one, quick.predict(attributes))
    new = attributes[:2].assign(thing="new")
    first, second = (
        pickle.loads(pickle.dumps(quick)).partial_fit(new, small[:2]).predict(new) for _ in range(2)
    )
    assert_array_equal(first, second)
    assert torch.equal(torch.get_rng_state(), state)


def test_cameras_are_searched_over(attributes, small):
    model = ImageRegressor(**QUICK)
    assert clone(model).camera == QUICK["camera"]
    assert clone(model).set_params(camera__n_voxels=4).camera.n_voxels == 4
    assert QUICK["camera"].n_voxels == 6
    search = GridSearchCV(
        ImageRegressor(**QUICK | {"max_epochs": 1}),
        [{"camera__n_voxels": [4]}, {"camera": [Turntable("azimuth", n_voxels=4)]}],
        cv=ShuffleSplit(1, random_state=0),
        refit=False,
    )
    assert np.isfinite(search.fit(attributes, small).cv_results_["mean_test_score"]).all()


def test_a_camera_that_is_set_later_changes_nothing(attributes, small, quick):
    model = pickle.loads(pickle.dumps(quick)).set_params(camera=None)
    found = quick.identify(small[:2])
    pd.testing.assert_frame_equal(model.identify(small[:2]), found)
    plain = QUICK | {"camera": None, "periods": {"azimuth": 360}}
    model = ImageRegressor(**plain).fit(attributes, small)
    found = model.identify(small[:2])
    model.set_params(camera=QUICK["camera"])
    pd.testing.assert_frame_equal(model.identify(small[:2]), found)


def test_warm_starts_keep_the_camera(attributes, small):
    model = clone(ImageRegressor(warm_start=True, **QUICK)).fit(attributes, small)
    assert model.fit(attributes, small).n_iter_ == 4
    drawn = model.predict(attributes)
    with pytest.raises(ValueError, match="camera was Turntable"):
        model.set_params(camera__n_voxels=5).fit(attributes, small)
    assert_array_equal(model.predict(attributes), drawn)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"camera": Turntable("angle")}, "'angle', an angle by periods or camera, is no column"),
        ({"camera": Turntable("thing")}, "'thing' has a period, but its values are no numbers"),
        ({"camera": Turntable("azimuth", period=0)}, "'period' parameter of Turntable"),
        ({"camera": Turntable("azimuth", n_voxels=0)}, "'n_voxels' parameter of Turntable"),
        ({"camera": Turntable("azimuth", "azimuth")}, "azimuth and elevation are both 'azimuth'"),
        ({"periods": {"azimuth": 6.28}}, "'azimuth' has the period 6.28 in periods, and 360.0 in"),
        ({"camera": "turntable"}, "'camera' parameter of ImageRegressor"),
        ({"decoder": nn.Linear(8, 64)}, "draws images of a volume, not with a decoder="),
    ],
)
def test_cameras_that_are_refused(change, message, attributes, small):
    model = ImageRegressor(**QUICK | change)
    with pytest.raises(ValueError, match=message):
        model.fit(attributes, small)
    assert vars(model).keys() == model.get_params(deep=False).keys()


def test_flat_rows_without_a_shape_are_refused(attributes, small):
    with pytest.raises(ValueError, match="not with flat rows as y: say image_shape="):
        ImageRegressor(**QUICK).fit(attributes, small.reshape(len(small), -1))
