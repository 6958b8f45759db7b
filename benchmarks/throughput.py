"""Training and inference speed, as ratios to a hand-written torch loop.

All contestants train the same network (one hidden layer, ReLU) with Adam on the same rows, in one
process, by turns, so that drift of the machine hits all alike; the figure is the median over
rounds of the ratio within a round. Run it on an otherwise idle machine::

    python benchmarks/throughput.py [--rounds 5] [--peers] [--only tables]
"""

import argparse
import statistics
import time

import numpy as np
import torch
from sklearn.neural_network import MLPRegressor
from torch import nn

from skgen import Autoencoder

SHAPES = {
    "pictures": {"n": 60_000, "d": 784, "hidden": 256, "code": 32, "batch": 256, "epochs": 10},
    "table": {"n": 100_000, "d": 30, "hidden": 64, "code": 8, "batch": 256, "epochs": 10},
    "table, big batches": {
        "n": 100_000,
        "d": 30,
        "hidden": 64,
        "code": 8,
        "batch": 4096,
        "epochs": 20,
    },
}


def network(shape):
    d, hidden, code = shape["d"], shape["hidden"], shape["code"]
    return nn.Sequential(
        nn.Sequential(nn.Linear(d, hidden), nn.ReLU(), nn.Linear(hidden, code)),
        nn.Sequential(nn.Linear(code, hidden), nn.ReLU(), nn.Linear(hidden, d)),
    )


def plain(X, shape):
    """The loop that most people write: gather a permutation batch by batch, Adam as it comes."""
    torch.manual_seed(0)
    net, rows = network(shape), torch.from_numpy(X)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(shape["epochs"]):
        order = torch.randperm(len(rows))
        for start in range(0, len(rows), shape["batch"]):
            x = rows[order[start : start + shape["batch"]]]
            loss = nn.functional.mse_loss(net(x), x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return net


def tuned(X, shape):
    """Views after one permutation an epoch, and the fused optimizer."""
    torch.manual_seed(0)
    net, rows = network(shape), torch.from_numpy(X)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
    for _ in range(shape["epochs"]):
        for x in rows[torch.randperm(len(rows))].split(shape["batch"]):
            loss = nn.functional.mse_loss(net(x), x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return net


def skgen(X, shape):
    return Autoencoder(
        shape["code"],
        hidden_layer_sizes=(shape["hidden"],),
        activation="relu",
        batch_size=shape["batch"],
        max_epochs=shape["epochs"],
        random_state=0,
    ).fit(X)


def mlp(X, shape):
    """scikit-learn's own network, as an autoencoder."""
    sizes = (shape["hidden"], shape["code"], shape["hidden"])
    model = MLPRegressor(
        hidden_layer_sizes=sizes,
        batch_size=shape["batch"],
        max_iter=shape["epochs"],
        tol=0,
        random_state=0,
    )
    return model.fit(X, X)


def skorch_defaults(X, shape):
    from skorch import NeuralNetRegressor

    net = NeuralNetRegressor(
        network(shape),
        optimizer=torch.optim.Adam,
        batch_size=shape["batch"],
        max_epochs=shape["epochs"],
        verbose=0,
    )
    return net.fit(X, X)


def pyod(X, shape):
    from pyod.models.auto_encoder import AutoEncoder

    model = AutoEncoder(
        hidden_neuron_list=[shape["hidden"], shape["code"]],
        batch_size=shape["batch"],
        epoch_num=shape["epochs"],
        batch_norm=False,
        dropout_rate=0,
        preprocessing=False,
        verbose=0,
    )
    return model.fit(X)


def pythae(X, shape):
    import tempfile

    from pythae.data.datasets import BaseDataset
    from pythae.models import AE, AEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    class Encoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            self.net = network(shape)[0]

        def forward(self, x):
            return ModelOutput(embedding=self.net(x))

    class Decoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            self.net = network(shape)[1]

        def forward(self, z):
            return ModelOutput(reconstruction=self.net(z))

    with tempfile.TemporaryDirectory() as folder:
        config = AEConfig(input_dim=(shape["d"],), latent_dim=shape["code"])
        training = BaseTrainerConfig(
            output_dir=folder,
            num_epochs=shape["epochs"],
            per_device_train_batch_size=shape["batch"],
            learning_rate=1e-3,
        )
        rows = BaseDataset(torch.from_numpy(X), torch.ones(len(X)))
        model = AE(config, Encoder(), Decoder())
        BaseTrainer(model, train_dataset=rows, training_config=training).train()
    return model


def seconds(function, *args):
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


def inference(X, shape, rounds):
    """`transform` against a bare batched forward pass of the same encoder."""
    model = skgen(X, {**shape, "epochs": 1})
    encoder = model.net_.module_.encoder.eval()

    def bare(X):
        rows = torch.from_numpy(X)
        with torch.inference_mode():
            return torch.cat([encoder(x) for x in rows.split(2048)]).numpy()

    bare(X), model.transform(X)
    pairs = [(seconds(model.transform, X), seconds(bare, X)) for _ in range(4 * rounds)]
    return statistics.median(ours / theirs for ours, theirs in pairs)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", action="store_true", help="also skorch, pyod and pythae")
    parser.add_argument("--only", default="", help="shapes whose name starts like this")
    arguments = parser.parse_args()
    contestants = [plain, tuned, mlp]
    if arguments.peers:
        contestants += [skorch_defaults, pyod, pythae]
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    for name, shape in SHAPES.items():
        if not name.startswith(arguments.only):
            continue
        X = np.random.default_rng(0).normal(size=(shape["n"], shape["d"])).astype(np.float32)
        skgen(X, {**shape, "epochs": 1})
        ratios = {contestant.__name__: [] for contestant in contestants}
        ours = []
        for _ in range(arguments.rounds):
            for contestant in contestants:
                theirs = seconds(contestant, X, shape)
                ours.append(seconds(skgen, X, shape))
                ratios[contestant.__name__].append(ours[-1] / theirs)
        print(f"{name}: fit {statistics.median(ours):.2f} s; time over that of", end=" ")
        print(
            ", ".join(
                f"{who} {statistics.median(r):.2f} [{min(r):.2f}-{max(r):.2f}]"
                for who, r in ratios.items()
            )
        )
        print(f"{name}: transform over a bare forward {inference(X, shape, arguments.rounds):.2f}")


if __name__ == "__main__":
    main()
