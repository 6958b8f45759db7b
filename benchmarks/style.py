"""Style transfer: one network against the optimizer, unseen paintings, sizes, tiles, identity.

Photographs and paintings are those of SKGEN_DATA. 10 of 110 photographs are kept out of training,
and 6 of 18 paintings, others for each seed, so that every painting is unseen by one of three
networks. Pictures are judged by `StyleTransfer`, which compares Gram matrices; the network is
trained on means and deviations. Run::

    SKGEN_DATA=... python benchmarks/style.py train --models DIR --seeds 0 1 2   # 3 x 20 minutes
    SKGEN_DATA=... python benchmarks/style.py steps unseen identity --models DIR
    SKGEN_DATA=... python benchmarks/style.py frechet scales time tiles knobs --models DIR
"""

import argparse
import os
import pickle
import resource
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skorch.callbacks import Callback

from skgen import FastStyleTransfer, StyleTransfer
from skgen.extractors import FeatureExtractor
from skgen.metrics import frechet_distance

DATA = Path(os.environ["SKGEN_DATA"])


# Data


def read(path, side=None):
    image = Image.open(path).convert("RGB")
    if side is not None:
        factor = side / max(image.size)
        image = image.resize([round(one * factor) for one in image.size], Image.LANCZOS)
    return np.asarray(image)


def paintings():
    paths = sorted((DATA / "paintings").glob("*.jpg"))
    return [read(path) for path in paths], np.array([path.stem for path in paths])


def photographs():
    """Return those to train on, and those kept out."""
    paths = np.array(sorted((DATA / "photos").glob("*.jpg")))
    order = np.random.default_rng(0).permutation(len(paths))
    return [[read(path) for path in paths[part]] for part in (order[10:], order[:10])]


def unseen(seed, n):
    """Return which of n paintings are left out."""
    return np.random.default_rng(0).permutation(n)[seed::3]


def pairs(seed):
    """Return one photograph that was kept out for every painting."""
    kept = photographs()[1]
    return [kept[(number + 3 * seed) % len(kept)] for number in range(18)]


# The networks


def train(options):
    images, names = paintings()
    for seed in options.seeds:
        seen = np.setdiff1d(np.arange(18), unseen(seed, 18))
        model = FastStyleTransfer(max_epochs=options.epochs, random_state=seed)
        model.set_params(**eval(f"dict({options.params})"))
        start = time.perf_counter()
        model.fit([images[n] for n in seen], names[seen], content=photographs()[0])
        seconds = time.perf_counter() - start
        updates = sum(row["train_batch_count"] for row in model.net_.history)
        print(
            f"seed {seed}: {seconds:.0f} s, {updates} updates",
            np.round(model.loss_curve_, 2).tolist(),
        )
        left = unseen(seed, 18)
        model.partial_fit([images[n] for n in left], names[left])
        (options.models / f"fast{seed}.pickle").write_bytes(pickle.dumps(model))


def trained(options, seed):
    return pickle.loads((options.models / f"fast{seed}.pickle").read_bytes())


# The figures


class Losses(Callback):
    """Notes the loss of every step, and stops at one that is low enough."""

    curve: list = []
    enough = 0.0

    def on_train_begin(self, net, **kwargs):
        if net.progress_.phase == 0:
            Losses.curve.clear()

    def on_epoch_end(self, net, **kwargs):
        Losses.curve.append(net.history[-1]["train_loss"])
        if Losses.curve[-1] <= Losses.enough:
            raise KeyboardInterrupt  # which the engine takes for having enough


def smaller(image, side):
    return np.asarray(Image.fromarray(image).resize((side, side), Image.LANCZOS))


def steps(options):
    """How many steps of the optimizer, from the photograph, come to the network's loss."""
    images, names = paintings()
    judge = StyleTransfer(init="content", n_scales=1, n_steps=options.steps)
    judge.set_params(callbacks=[Losses])
    judge.fit(images, names)
    print(
        "seed, painting, whether seen, loss at the start, of the network, of the optimizer, worth"
    )
    worth = []
    for seed in options.seeds:
        model = trained(options, seed)
        for number in options.paintings:
            photograph = [smaller(pairs(seed)[number], options.side)]
            name = names[number]
            made = model.transform(photograph, style=name)
            loss = judge.measure(photograph, made, style=name)["loss"][0]
            Losses.enough = loss
            judge.transform(photograph, style=name)
            curve = Losses.curve
            reached = len(curve) - 1  # the first loss is that before any step
            worth.append(reached)
            seen = "unseen" if number in unseen(seed, 18) else "seen"
            print(
                f"{seed} {name} {seen}: {curve[0]:.2f} {loss:.3f} {curve[-1]:.3f} worth {reached}",
                flush=True,
            )
    print(f"worth: median {np.median(worth)}, mean {np.mean(worth):.1f}, {min(worth)}-{max(worth)}")


def loss_of_unseen(options):
    """The loss of a painting where it was not trained on, over that where it was."""
    images, names = paintings()
    judge = StyleTransfer().fit(images, names)
    losses = np.zeros((len(options.seeds), 18))
    content = [smaller(one, options.side) for one in photographs()[1][:5]]
    for row, seed in enumerate(options.seeds):
        model = trained(options, seed)
        for number, name in enumerate(names):
            made = model.transform(content, style=name)
            losses[row, number] = judge.measure(content, made, style=name)["loss"].mean()
    left = np.array([np.isin(np.arange(18), unseen(seed, 18)) for seed in options.seeds])
    ratio = [losses[left[:, n], n].mean() / losses[~left[:, n], n].mean() for n in range(18)]
    for name, one in zip(names, ratio, strict=True):
        print(f"{name} {one:.3f}")
    print(f"unseen over seen: mean {np.mean(ratio):.3f}, largest {max(ratio):.3f}")


def identity(options):
    """A painting in its own style, whose error is to be none: nothing is reconstructed."""
    images, names = paintings()
    for seed in options.seeds:
        model = trained(options, seed)
        apart = []
        for image, name in zip(images, names, strict=True):
            (own,) = model.transform([image], style=name)
            apart.append(np.abs(own.astype(int) - image).max())
        print(f"seed {seed}: own style differs by at most {max(apart)}/255")


def positions(features, image):
    x = torch.from_numpy(image.astype(np.float32) / 255).permute(2, 0, 1)[None]
    with torch.no_grad():
        return [one[0].flatten(1).T.numpy() for one in features(x)]


def likeness(before, after):
    """How far the cosine distances between positions moved, of their mean: Kolkin's measure."""
    chosen = np.linspace(0, len(before) - 1, 400).astype(int)
    matrices = []
    for rows in (before[chosen], after[chosen]):
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-9)
        apart = 1 - rows @ rows.T
        matrices.append(apart / apart.sum(axis=0, keepdims=True))
    return len(chosen) * np.abs(matrices[0] - matrices[1]).mean()


def frechet(options):
    """Frechet distance of features to the painting, and how much self-similarity moved."""
    images, names = paintings()
    features = FeatureExtractor().build(["relu2_2", "relu3_3", "conv3_1"])
    optimizer = StyleTransfer(n_steps=options.steps).fit(images, names)
    table, rows = {}, []
    for seed in options.seeds:
        model = trained(options, seed)
        for number in options.paintings:
            photograph, name = smaller(pairs(seed)[number], options.side), names[number]
            rows.append([images[number], photograph])
            wanted = positions(features, images[number])
            before = positions(features, photograph)
            arms = {"optimized": optimizer, "fast": model, "photograph": None}
            for arm, maker in arms.items():
                made = photograph
                if maker is not None:
                    (made,) = maker.transform([photograph], style=name)
                    rows[-1].append(made)
                after = positions(features, made)
                sizes = [np.cov(one.T).trace() for one in wanted[:2]]
                distances = [
                    frechet_distance(a, b) / size
                    for a, b, size in zip(after[:2], wanted[:2], sizes, strict=True)
                ]
                loss = optimizer.measure([photograph], [made], style=name)
                row = [
                    *distances,
                    likeness(before[2], after[2]),
                    loss["content"][0],
                    loss["style"][0],
                ]
                table.setdefault(arm, []).append(row)
            print(
                seed,
                name,
                {arm: np.round(rows[-1], 3).tolist() for arm, rows in table.items()},
                flush=True,
            )
    print(
        "Frechet at relu2_2 and relu3_3 over the painting's variance, self-similarity moved, "
        "content, style"
    )
    for arm, found in table.items():
        print(arm, np.round(np.mean(found, axis=0), 4))
    save(options, "style_pictures", rows)


def scales(options):
    """Several sizes against one, at equal seconds; 512 pixels by --side."""
    images, names = paintings()
    features = FeatureExtractor().build(["relu2_2", "relu3_3"])
    photograph = read(DATA / "photos" / "astronaut.png", options.side)
    for number in options.paintings:
        name, wanted = names[number], positions(features, images[number])
        for n_scales in (3, 1):
            model = StyleTransfer(n_scales=n_scales, n_steps=options.steps).fit(images, names)
            if n_scales == 1:  # a step at half the size takes a quarter of the time
                model.set_params(n_steps=round(options.steps * (1 + 1 / 4 + 1 / 16)))
            start = time.perf_counter()
            (made,) = model.transform([photograph], style=name)
            seconds = time.perf_counter() - start
            loss = model.measure([photograph], [made], style=name)
            distances = [
                frechet_distance(a, b) / np.cov(b.T).trace()
                for a, b in zip(positions(features, made), wanted, strict=True)
            ]
            losses = {key: round(float(value[0]), 4) for key, value in loss.items()}
            print(
                name,
                n_scales,
                f"scales, {model.n_steps} steps each, {seconds:.0f} s",
                losses,
                np.round(distances, 3),
                flush=True,
            )


def seconds(options):
    """Time for a photograph, as many threads as torch has."""
    model = trained(options, options.seeds[0])
    for side in (256, 512):
        photograph = [read(DATA / "photos" / "astronaut.png", side)]
        model.transform(photograph, style=model.styles_[0])
        times = []
        for _ in range(5):
            start = time.perf_counter()
            model.transform(photograph, style=model.styles_[0])
            times.append(time.perf_counter() - start)
        print(f"{side} pixels, {torch.get_num_threads()} threads: {np.median(times):.2f} s")


def tiles(options):
    """Tiled against untiled, and memory."""
    model = trained(options, options.seeds[0])
    photograph = [read(DATA / "photos" / "astronaut.png", 512)]
    (whole,) = model.transform(photograph, style=model.styles_[0])
    (tiled,) = model.set_params(working_memory=64).transform(photograph, style=model.styles_[0])
    apart = np.abs(whole.astype(int) - tiled)
    print(
        f"tiled against untiled: at most {apart.max()}/255, "
        f"{(apart > 0).mean():.2%} of numbers differ"
    )
    model.set_params(working_memory=options.memory)
    for side in options.sizes:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.perf_counter()
        model.transform([read(DATA / "photos" / "astronaut.png", side)], style=model.styles_[0])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(
            f"{side} pixels, working_memory={options.memory}: {time.perf_counter() - start:.0f} s, "
            f"peak {peak / 1024:.0f} MB, {before / 1024:.0f} before",
            flush=True,
        )


def sheet(rows, height=200):
    """Return rows of images as one, each row as high, with a line of white between them."""
    lines = []
    for row in rows:
        parts = []
        for image in row:
            width = round(image.shape[1] * height / image.shape[0])
            parts.append(np.asarray(Image.fromarray(image).resize((width, height), Image.LANCZOS)))
            parts.append(np.full((height, 4, 3), 255, np.uint8))
        lines.append(np.concatenate(parts[:-1], axis=1))
    width = max(line.shape[1] for line in lines)
    padded = [
        np.pad(line, ((0, 4), (0, width - line.shape[1]), (0, 0)), constant_values=255)
        for line in lines
    ]
    return np.concatenate(padded)[:-4]


def save(options, name, rows, height=200):
    options.pictures.mkdir(exist_ok=True)
    path = options.pictures / f"{name}.jpg"
    Image.fromarray(sheet(rows, height)).save(path, quality=85, optimize=True)
    print(path, path.stat().st_size // 1000, "kB")


def knobs(options):
    """A sheet of how strength, layers and size act, for the guide."""
    images, names = paintings()
    number = options.paintings[0]
    photograph = smaller(pairs(options.seeds[0])[number], options.side)
    ways = [{"style_weight": one} for one in (0.1, 1.0, 10.0)]
    ways += [{"style_layers": [f"relu{n}_1" for n in range(1, last + 1)]} for last in (1, 2, 4)]
    ways += [{"style_size": one} for one in (128, 256, 512)]
    made = []
    for params in ways:
        model = StyleTransfer(n_steps=options.steps, **params).fit(images[number : number + 1])
        made += model.transform([photograph])
    save(options, "style_knobs", [made[:3], made[3:6], made[6:]])
    fast, row = trained(options, options.seeds[0]), []
    for alpha in (0.0, 0.5, 1.0):
        row += fast.set_params(alpha=alpha).transform([photograph], style=names[number])
    save(options, "style_alpha", [row])


FIGURES = {
    "knobs": knobs,
    "train": train,
    "steps": steps,
    "unseen": loss_of_unseen,
    "identity": identity,
    "frechet": frechet,
    "scales": scales,
    "time": seconds,
    "tiles": tiles,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("figures", nargs="+", choices=FIGURES)
    parser.add_argument("--models", type=Path, default=Path("."), help="folder of trained networks")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--paintings", type=int, nargs="+", default=range(18))
    parser.add_argument("--epochs", type=int, default=None)
    parser.add_argument("--params", default="", help="further parameters, such as lr=1e-3")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--memory", type=float, default=1024)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 2000, 3000])
    parser.add_argument("--pictures", type=Path, default=Path("docs/_static"))
    chosen = parser.parse_args()
    for figure in chosen.figures:
        print(f"\n== {figure}")
        FIGURES[figure](chosen)
