"""Chairs by type and view: views, elevations and chairs that were not there in training.

`chairs.npz` has 46 chairs from 24 azimuths and 2 elevations, 64 x 64 pixels. Errors are mean square
ones of pixels in [0, 1], over white. Images are trained on as RGB, with a camera that goes round
the chairs; with `--plain`, view by view as RGBA. Rivals are measured beside: linear interpolation
of pixels, ridge from seen to unseen views, the most similar chair. Parts:
`views` (every 30, 45, 60, 90 degrees known), `missing` (half of the views of every chair),
`elevation`, `new` (23 new chairs of 1, 2, 4 or 8 azimuths), `sharp` (without and with the second
network), `azimuth` (read off images), `ablation` (half the size), `overhead` (over a plain loop),
`pictures`. Run::

    SKGEN_DATA=... python benchmarks/chairs.py views [--steps 30 45] [--seeds 3] [--plain]
"""

import argparse
import copy
import os
import time
from functools import cache, partial
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional

from skgen import ImageRegressor
from skgen.cameras import Turntable
from skgen.networks.convolutional import FlattenImages, ResizeConv, UnflattenImages

PERIODS = {"azimuth": 360}
CAMERA = Turntable("azimuth", "elevation")
STEP = 15
PICTURES = Path(__file__).parents[1] / "docs" / "_static"


@cache
def chairs(size=64):
    """Images (chair, elevation, azimuth, ...) as RGBA bytes, and their attributes."""
    data = np.load(Path(os.environ["SKGEN_DATA"]) / "chairs.npz")
    order = np.lexsort((data["azimuth"], data["elevation"], data["chair"]))
    rgba = np.concatenate([data["images"], data["mask"][..., None]], axis=-1)[order]
    factor = rgba.shape[1] // size
    if factor > 1:
        parts = rgba.reshape(-1, size, factor, size, factor, 4).astype(float)
        rgba = parts.mean(axis=(2, 4)).round().astype(np.uint8)
    X = pd.DataFrame(
        {
            "chair": data["chair_names"][data["chair"]][order],
            "azimuth": data["azimuth"][order].astype(float),
            "elevation": data["elevation"][order].astype(float),
        }
    )
    return X, rgba


def over_white(images):
    """Bytes, or floats from 0 to 255, as colors from 0 to 1; real images are over white already."""
    images = np.asarray(images, dtype=np.float32) / 255
    alpha = images[..., 3:]
    return images[..., :3] * alpha + 1 - alpha


def truth(rgba):
    return rgba[..., :3].astype(np.float32) / 255


def error(drawn, real):
    return float(np.square(drawn - real, dtype=np.float32).mean(dtype=np.float64))


def grid(rgba):
    """Real images by chair, elevation and azimuth."""
    return truth(rgba).reshape(-1, 2, 24, *rgba.shape[1:3], 3)


def given(rgba, args):
    """What is trained on."""
    return rgba if args.plain else rgba[..., :3]


def drawn_by(drawing, X):
    images = drawing.predict(X)
    return over_white(images) if images.shape[-1] == 4 else images.astype(np.float32) / 255


def model(seed, args, **params):
    seen = {"periods": PERIODS} if args.plain else {"camera": CAMERA}
    return ImageRegressor(
        max_epochs=args.epochs, random_state=seed, verbose=args.verbose, **{**seen, **params}
    )


def fitted(X, rgba, seed, args, name="", **params):
    """A model and the seconds of CPU that its fit took; those with a name are kept, if asked."""
    path = Path(args.keep) / f"{name}-{seed}.joblib" if args.keep and name else None
    if path is not None and path.exists():
        return joblib.load(path)
    start = time.process_time()
    drawing = model(seed, args, **params).fit(X, given(rgba, args))
    kept = drawing, time.process_time() - start
    if path is not None:
        joblib.dump(kept, path)
    return kept


def spread(values):
    values = np.asarray(values)
    return f"{values.mean():.4f} +- {values.std():.4f}" if len(values) > 1 else f"{values[0]:.4f}"


def linear(real, known):
    """Interpolate pixels along the azimuth, between the nearest that are known."""
    places = np.flatnonzero(known)
    made = np.empty_like(real)
    for place in range(24):
        before = places[places <= place][-1] if (places <= place).any() else places[-1] - 24
        after = places[places >= place][0] if (places >= place).any() else places[0] + 24
        share = (place - before) / max(1, after - before)
        made[:, :, place] = (1 - share) * real[:, :, before % 24] + share * real[:, :, after % 24]
    return made


# Parts


def views(args):
    X, rgba = chairs()
    real = grid(rgba)
    for step in args.steps:
        is_known = (X["azimuth"] % step == 0).to_numpy()
        at = is_known[:24]
        of_linear = error(linear(real, at)[:, :, ~at], real[:, :, ~at])
        errors, averaged, seconds = [], [], []
        for seed in range(args.seeds):
            drawing, cpu = fitted(X[is_known], rgba[is_known], seed, args, f"every-{step}")
            drawn = drawn_by(drawing, X).reshape(real.shape)
            mean = (drawn + linear(drawn, at)) / 2  # with a blend of what is drawn at both sides
            errors.append(error(drawn[:, :, ~at], real[:, :, ~at]))
            averaged.append(error(mean[:, :, ~at], real[:, :, ~at]))
            seconds.append(cpu)
        edges = [energy(one[:, :, ~at].reshape(-1, *one.shape[3:])) for one in (drawn, mean, real)]
        print(
            f"every {step}: linear {of_linear:.4f}, drawn {spread(errors)}"
            f" ({np.mean(errors) / of_linear:.2f} of linear), averaged with its own blend "
            f"{spread(averaged)}, on known views {error(drawn[:, :, at], real[:, :, at]):.4f}; "
            f"Laplacian energy over the real one {edges[0] / edges[2]:.2f}, averaged "
            f"{edges[1] / edges[2]:.2f}; {np.mean(seconds):.0f} s of CPU",
            flush=True,
        )


def missing(args):
    """Half of the views of every chair at each elevation, others of each."""
    X, rgba = chairs()
    real = grid(rgba)
    there = np.random.default_rng(0).random(real.shape[:3]).argsort(axis=2) < 12
    of_linear = np.empty_like(real)
    for chair, height in np.ndindex(*real.shape[:2]):
        one = real[chair : chair + 1, height : height + 1]
        of_linear[chair, height] = linear(one, there[chair, height])[0, 0]
    known = there.ravel()
    errors = []
    for seed in range(args.seeds):
        drawing, cpu = fitted(X[known], rgba[known], seed, args, "missing")
        drawn = drawn_by(drawing, X[~known])
        errors.append(error(drawn, truth(rgba[~known])))
    rival = error(of_linear[~there], real[~there])
    print(f"half the views missing: linear {rival:.4f}, drawn {spread(errors)}, {cpu:.0f} s of CPU")


def elevation(args):
    X, rgba = chairs()
    is_known = ((X["elevation"] == 10) | (X["azimuth"] % 30 == 0)).to_numpy()
    real = grid(rgba)
    copied = error(real[:, 0, 1::2], real[:, 1, 1::2])
    errors = []
    for seed in range(args.seeds):
        drawing, cpu = fitted(X[is_known], rgba[is_known], seed, args)
        drawn = drawn_by(drawing, X[~is_known])
        errors.append(error(drawn, truth(rgba[~is_known])))
    print(
        f"elevation 30 between known azimuths: copied {copied:.4f}, drawn {spread(errors)}"
        f" ({np.mean(errors) / copied:.2f} of it), {cpu:.0f} s of CPU",
        flush=True,
    )


def new(args):
    """The rivals are given what the model is: all views of 23 chairs, some of the 23 others."""
    X, rgba = chairs()
    names = pd.unique(X["chair"])
    is_old = X["chair"].isin(names[::2]).to_numpy()
    of_old, of_new = grid(rgba[is_old]), grid(rgba[~is_old])
    errors = {n: [] for n in args.views}
    for seed in range(args.seeds):
        drawing, cpu = fitted(X[is_old], rgba[is_old], seed, args, "old")
        for n in args.views:
            known = (X["azimuth"] % (360 / n) == 0).to_numpy() & ~is_old
            rest = ~known & ~is_old
            start = time.process_time()
            learned = copy.deepcopy(drawing).partial_fit(X[known], given(rgba[known], args))
            took = time.process_time() - start
            errors[n].append(error(drawn_by(learned, X[rest]), truth(rgba[rest])))
            at = (np.arange(24) * STEP) % (360 / n) == 0
            rivals = new_rivals(of_old, of_new, at)
            listed = ", ".join(f"{name} {value:.4f}" for name, value in rivals.items())
            print(
                f"{n} azimuths, seed {seed}: {listed}, drawn {errors[n][-1]:.4f}; "
                f"{cpu:.0f} and {took:.0f} s of CPU",
                flush=True,
            )
    for n, values in errors.items():
        print(f"{n} azimuths of new chairs: {spread(values)}", flush=True)


def ridge(x, y, x_new, alpha):
    """Ridge regression of images on images, by their products: there are few, of many pixels."""
    mean = x.mean(axis=0)
    x, x_new = x - mean, x_new - mean
    weights = np.linalg.solve(x @ x.T + alpha * np.eye(len(x)), y - y.mean(axis=0))
    return x_new @ x.T @ weights + y.mean(axis=0)


def new_rivals(of_old, of_new, at):
    """Errors at the azimuths that are not known."""
    real = of_new[:, :, ~at]
    seen, seen_new = (one[:, :, at].reshape(len(one), -1) for one in (of_old, of_new))
    unseen = of_old[:, :, ~at].reshape(len(of_old), -1)
    least = min(
        error(ridge(seen, unseen, seen_new, alpha).reshape(real.shape), real)
        for alpha in (1e2, 1e3, 1e4)  # the best for the rival
    )
    apart = np.square(seen_new[:, None] - seen[None]).sum(axis=2)
    similar = of_old[apart.argmin(axis=1)][:, :, ~at]
    return {
        "ridge": least,
        "linear": error(linear(of_new, at)[:, :, ~at], real),
        "most similar": error(similar, real),
    }


class Judge(nn.Module):
    """Looks at images: says one number, or which chair."""

    def __init__(self, n_outputs):
        super().__init__()
        layers, n_in = [], 3
        for n_out in (16, 32, 64, 64):
            layers += [nn.Conv2d(n_in, n_out, 3, 2, 1), nn.BatchNorm2d(n_out), nn.ReLU()]
            n_in = n_out
        self.layers = nn.Sequential(
            *layers, nn.Flatten(), nn.Dropout(0.3), nn.LazyLinear(n_outputs)
        )

    def forward(self, x):
        return self.layers(x)


def judged(train, labels, test, n_classes, epochs=15):
    """Return what a judge, trained on some images, says of others."""
    torch.manual_seed(0)
    judge = Judge(n_classes)
    x, y = as_judged(train), torch.from_numpy(labels)
    judge(x[:2])
    optimizer = torch.optim.AdamW(judge.parameters(), lr=1e-3)
    n_updates = epochs * -(-len(x) // 64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, n_updates)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            functional.cross_entropy(judge(x[rows]), y[rows]).backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        return judge.eval()(as_judged(test)).argmax(dim=1).numpy()


def as_judged(images):
    """Return images as a judge sees them: white, which is most of them, is 0."""
    return 1 - torch.from_numpy(images).permute(0, 3, 1, 2)


def energy(images):
    """The mean square of the Laplacian: how much edge there is."""
    inner = images[:, 1:-1, 1:-1]
    around = images[:, :-2, 1:-1] + images[:, 2:, 1:-1] + images[:, 1:-1, :-2] + images[:, 1:-1, 2:]
    return float(np.square(4 * inner - around).mean())


def sharp(args):
    X, rgba = chairs()
    is_known = (X["azimuth"] % 30 == 0).to_numpy()
    real, number = truth(rgba[~is_known]), pd.factorize(X["chair"])[0]
    for weight in args.weights:
        for seed in range(args.seeds):
            name = f"weight-{weight:g}" if weight else "every-30"
            drawing, cpu = fitted(
                X[is_known], rgba[is_known], seed, args, name, adversarial_weight=weight
            )
            drawn = drawn_by(drawing, X[~is_known])
            half = np.arange(len(real)) // 12 % 2 == 0  # a chair at one elevation is in one half
            both, is_real = np.concatenate([real, drawn]), np.repeat([1, 0], len(real))
            first = np.tile(half, 2)
            told = judged(both[first], is_real[first], both[~first], 2) == is_real[~first]
            which = judged(truth(rgba[is_known]), number[is_known], both, len(set(number)))
            right = which == np.tile(number[~is_known], 2)
            print(
                f"weight {weight:g}, seed {seed}: error {error(drawn, real):.4f}, Laplacian energy "
                f"{energy(drawn) / energy(real):.2f} of real, told from real {told.mean():.2f}, "
                f"chair recognized {right[len(real) :].mean():.2f} (of real "
                f"{right[: len(real)].mean():.2f}), {cpu:.0f} s of CPU",
                flush=True,
            )


def azimuth(args):
    X, rgba = chairs()
    is_known = (X["azimuth"] % 30 == 0).to_numpy()
    real = grid(rgba)
    # A stool that looks the same from all sides has no azimuth to read.
    turned = np.mean(np.square(real - np.roll(real, 6, axis=2)), axis=(1, 2, 3, 4, 5))
    mirrored = np.roll(real[:, :, ::-1], 1, axis=2)[:, :, :, :, ::-1]
    symmetric = np.mean(np.square(real - mirrored), axis=(1, 2, 3, 4, 5)) < 0.002
    names = pd.unique(X["chair"])
    kinds = {
        "all": np.ones(len(names), bool),
        "that differ when turned": turned > 0.004,
        "not symmetric, mirrored": ~symmetric,
    }
    for seed in range(args.seeds):
        drawing, _ = fitted(X[is_known], rgba[is_known], seed, args, "every-30")
        some = np.flatnonzero(~is_known)[:: args.every]
        start = time.process_time()
        found = drawing.identify(given(rgba[some], args))
        took = time.process_time() - start
        there = X.iloc[some]
        away = np.abs((found["azimuth"].to_numpy() - there["azimuth"] + 180) % 360 - 180)
        same = (found["chair"].to_numpy() == there["chair"]).mean()
        for kind, chosen in kinds.items():
            of_kind = there["chair"].isin(names[chosen])
            print(
                f"seed {seed}, {chosen.sum()} chairs, {kind}: azimuth off by "
                f"{np.median(away[of_kind]):.1f} degrees in the median, "
                f"{(away[of_kind] > 45).mean():.2f} by more than 45",
                flush=True,
            )
        print(f"chair {same:.2f} right, {1000 * took / len(some):.0f} ms an image", flush=True)


class Concatenated(nn.Module):
    """The rival of modulation: every level gets the code as further channels."""

    def __init__(self, n_code, size, filters=(16, 32, 64, 128)):
        super().__init__()
        n_levels, self.size = len(filters) - 1, size
        first = size >> n_levels
        self.dense = nn.Sequential(
            nn.Linear(n_code, 256), nn.SiLU(), nn.Linear(256, 256), nn.SiLU()
        )
        self.start = nn.Sequential(
            nn.Linear(256, first**2 * filters[-1]),
            UnflattenImages((first, first, filters[-1])),
            nn.SiLU(),
        )
        self.levels = nn.ModuleList(
            ResizeConv(filters[n] + n_code, filters[n - 1], (size >> n - 1, size >> n - 1))
            for n in range(n_levels, 0, -1)
        )
        self.last = nn.Sequential(
            nn.Conv2d(filters[0], 4, 3, padding=1), nn.Sigmoid(), FlattenImages()
        )

    def forward(self, codes):
        x = self.start(self.dense(codes))
        for level in self.levels:
            told = codes[:, :, None, None].expand(-1, -1, *x.shape[2:])
            x = functional.silu(level(torch.cat([x, told], dim=1)))
        return self.last(x)


def concatenated(size, shape):
    return Concatenated(shape[0], size)


def ablation(args):
    """Every 30 degrees known, at half the size, one change at a time, without a camera."""
    args.plain = True
    X, rgba = chairs(32)
    is_known = (X["azimuth"] % 30 == 0).to_numpy()
    at = is_known[:24]
    real = grid(rgba)
    print(f"linear {error(linear(real, at)[:, :, ~at], real[:, :, ~at]):.4f}", flush=True)
    filters = {"n_filters": (48, 64)}
    changes = {
        "default": {},
        "concatenation": {"decoder": partial(concatenated, 32)},
        "one harmonic": {"n_harmonics": 1},
        "three harmonics": {"n_harmonics": 3},
        "RGB": {},
        "code of 8": {"n_components": 8},
        "code of 128": {"n_components": 128},
        "batches of 64": {"batch_size": 64},
        "absolute error": {"loss": "absolute_error"},
        "second network": {"adversarial_weight": args.weights[-1]},
    }
    for name, params in changes.items():
        if args.only and name not in args.only:
            continue
        y = truth(rgba) if name == "RGB" else rgba
        drawing, cpu = fitted(X[is_known], y[is_known], 0, args, **{**filters, **params})
        drawn = [drawing.predict(X[rows]) for rows in (is_known, ~is_known)]
        drawn = drawn if name == "RGB" else [over_white(one) for one in drawn]
        known, unknown = (
            error(one, truth(rgba[rows]))
            for one, rows in zip(drawn, (is_known, ~is_known), strict=True)
        )
        print(f"{name}: {unknown:.4f}, on known {known:.4f}, {cpu:.0f} s of CPU", flush=True)


def overhead(args):
    """An epoch of `fit` over one of a plain loop with the same network, alternately."""
    X, rgba = chairs()
    X, rgba = X[:512], given(rgba[:512], args)
    n_channels, ratios, epochs = rgba.shape[-1], [], 3
    for seed in range(args.seeds):
        drawing = model(seed, args).set_params(max_epochs=1).fit(X, rgba)
        network, taken = drawing.net_.module_.train(), drawing.input_
        x = taken.columns(X, drawing)["x"].tensor
        y = torch.from_numpy(rgba.reshape(len(rgba), -1)).float() / 255
        optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
        start = time.perf_counter()
        for _ in range(epochs):
            for rows in torch.randperm(len(x)).split(16):
                codes = network.codes(x[rows])
                if args.plain:
                    pair = network.decoder(codes), y[rows]
                else:
                    drawn, pixels = network.decoder.some(codes)
                    pair = drawn, y[rows][:, pixels]
                drawn, real = (one.view(len(rows), -1, n_channels) for one in pair)
                if args.plain:
                    drawn, real = (
                        torch.cat([one[..., :3] * one[..., 3:], one[..., 3:]], dim=2)
                        for one in (drawn, real)
                    )
                loss = functional.mse_loss(drawn, real)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        plain = (time.perf_counter() - start) / epochs
        curve = []
        for n in (1, 1 + epochs):  # what comes before the first epoch is not counted
            start = time.perf_counter()
            model(seed, args).set_params(max_epochs=n).fit(X, rgba)
            curve.append(time.perf_counter() - start)
        ratios.append((curve[1] - curve[0]) / epochs / plain)
    print(f"an epoch of fit over one of a plain loop: {spread(ratios)}", flush=True)


def pictures(args):
    """Draw the guide's pictures."""
    import matplotlib.pyplot as plt

    from skgen.inspection import AttributeDisplay, MorphDisplay

    X, rgba = chairs()
    is_known = (X["azimuth"] % 30 == 0).to_numpy()
    drawing, _ = fitted(X[is_known], rgba[is_known], 0, args, "every-30")
    names = pd.unique(X["chair"])
    turns = X[(X["chair"] == names[args.chair]) & (X["elevation"] == 10)]
    figure, ax = plt.subplots(figsize=(12, 2), layout="constrained")
    chosen = turns[turns["azimuth"] < 180]
    AttributeDisplay.from_estimator(
        drawing,
        turns.iloc[0],
        "azimuth",
        chosen["azimuth"],
        real=given(rgba[chosen.index], args)[None],
        ax=ax,
    )
    ax.set_title("every other view was known", fontsize=9)
    save(figure, "chairs_turned.png")
    pairs = [(0, 9), (11, 30), (20, 41)]
    start, stop = (
        pd.DataFrame({"chair": names[list(side)], "azimuth": 30.0, "elevation": 10.0})
        for side in zip(*pairs, strict=True)
    )
    figure, ax = plt.subplots(figsize=(11, 3), layout="constrained")
    ends = [drawing.predict(one) for one in (start, stop)]
    MorphDisplay(*ends, drawing.interpolate(start, stop), image_shape=ends[0].shape[1:]).plot(ax=ax)
    save(figure, "chairs_morphed.png")


def save(figure, name):
    figure.savefig(PICTURES / name, dpi=80)
    print(name, (PICTURES / name).stat().st_size // 1000, "kB", flush=True)


PARTS = (views, missing, elevation, new, sharp, azimuth, ablation, overhead, pictures)

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=[part.__name__ for part in PARTS])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--plain", action="store_true", help="no camera, and RGBA")
    parser.add_argument("--epochs", type=int, default=None, help="in place of the default")
    parser.add_argument("--steps", type=int, nargs="*", default=[30, 45, 60, 90])
    parser.add_argument("--views", type=int, nargs="*", default=[1, 2, 4, 8])
    parser.add_argument("--weights", type=float, nargs="*", default=[0, 1e-3])
    parser.add_argument("--every", type=int, default=5, help="of so many images, one is identified")
    parser.add_argument("--only", nargs="*", help="some of the ablations")
    parser.add_argument("--chair", type=int, default=9)
    parser.add_argument("--keep", help="a folder for fitted models, which other parts take")
    parser.add_argument("--verbose", type=int, default=0)
    args = parser.parse_args()
    next(part for part in PARTS if part.__name__ == args.part)(args)
