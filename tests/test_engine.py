"""The training loop, on toys: each proves a part of the contract that families build on."""

import copy
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from skorch.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    GradientNormClipping,
    LoadInitState,
    LRScheduler,
    ProgressBar,
    TensorBoard,
)
from torch import nn
from torch.nn import functional

from skgen.engine import Batches, Engine, Progress, Rows, Steps, Turn, one_cycle, seeded
from skgen.exceptions import TrainingWarning


def squared_error(module, batch, state):
    return functional.mse_loss(module["decoder"](module["encoder"](batch["x"])), batch["x"])


def autoencoder(seed=0):
    with seeded(seed):
        return nn.ModuleDict({"encoder": nn.Linear(5, 2), "decoder": nn.Linear(2, 5)})


def one_turn(module=None, **kwargs):
    kwargs = {"lr": 0.01, "batch_size": 16, "max_epochs": 4, "verbose": 0, **kwargs}
    turns = kwargs.pop("turns", [Turn(("encoder", "decoder"), squared_error)])
    return Engine(module or autoencoder(), turns, **kwargs).initialize()


@pytest.fixture
def x():
    return torch.randn(50, 5, generator=torch.Generator().manual_seed(1))


def rows(x, batch_size=16):
    return Rows({"x": x}, batch_size)


def weights(net):
    return torch.cat([weight.detach().ravel() for weight in net.module_.parameters()])


def train(net, x, seed=0, **kwargs):
    with seeded(seed):
        return net.partial_fit(rows(x), **kwargs)


# One turn


def test_same_steps_as_a_hand_written_loop(x):
    net = train(one_turn(max_epochs=3), x)

    module = autoencoder()
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    with seeded(0):
        order = torch.Generator().manual_seed(int(torch.randint(2**62, ())))
    losses = []
    for _ in range(3):
        total = 0.0
        for index in torch.randperm(50, generator=order).split(16):
            loss = squared_error(module, {"x": x[index]}, None)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(index)
        losses.append(total / 50)
    torch.testing.assert_close(
        weights(net), torch.cat([w.detach().ravel() for w in module.parameters()])
    )
    assert net.history[:, "train_loss"] == pytest.approx(losses, rel=1e-5)


def test_one_cycle_rises_and_falls():
    rates = np.array([one_cycle(fraction) for fraction in np.linspace(0, 1, 101)])
    assert rates[0] == pytest.approx(1 / 25)
    assert rates.argmax() == 30 and rates[30] == pytest.approx(1)
    assert rates[-1] < 1e-4
    assert (np.diff(rates[:31]) > 0).all() and (np.diff(rates[30:]) < 0).all()


def test_schedule_moves_the_rate_and_leaves_the_peak_behind(x):
    seen = []

    def noting(module, batch, state):
        seen.append((state.fraction, net.optimizer_.param_groups[0]["lr"]))
        return squared_error(module, batch, state)

    net = one_turn(turns=[Turn(("encoder", "decoder"), noting)], lr_schedule=one_cycle)
    train(net, x)
    assert [rate for _, rate in seen] == pytest.approx([0.01 * one_cycle(f) for f, _ in seen])
    assert len(seen) == 16 and len({rate for _, rate in seen}) > 10
    assert net.optimizer_.param_groups[0]["lr"] == 0.01
    seen.clear()
    train(net, x, epochs=1)  # partial_fit: constant, and ramps stand at their end
    assert seen == [(1.0, 0.01)] * 4


def test_set_params_reaches_the_optimizer(x):
    still = train(one_turn(max_epochs=1), x)
    before = weights(still)
    still.set_params(lr=0.0)
    train(still, x)
    torch.testing.assert_close(weights(still), before, rtol=0, atol=0)


def test_divergence_names_epoch_and_remedy_and_keeps_the_model(x):
    net = train(one_turn(optimizer=torch.optim.SGD), x)
    before, epochs = weights(net), len(net.history)
    net.set_params(lr=1e6)
    with pytest.raises(FloatingPointError, match=r"epoch \d+.*Lower lr, which is 1000000"):
        train(net, x, epochs=50)
    torch.testing.assert_close(weights(net), before, rtol=0, atol=0)
    assert len(net.history) == epochs


def test_last_step_that_diverges_is_noticed(x):
    def explode(module, state):
        module["encoder"].weight.mul_(torch.inf)

    turn = Turn(("encoder", "decoder"), squared_error, after_step=explode)
    with pytest.raises(FloatingPointError, match="a weight was not finite"):
        one_turn(turns=[turn], max_epochs=1).partial_fit(rows(x, batch_size=50))


class Interrupting:
    """A loss that stands for a user who presses Ctrl-C."""

    def __init__(self, at):
        self.at = at
        self.calls = 0

    def __call__(self, module, batch, state):
        self.calls += 1
        if self.calls == self.at:
            raise KeyboardInterrupt
        return squared_error(module, batch, state)


def test_interrupt_keeps_the_weights_reached(x):
    net = one_turn(turns=[Turn(("encoder", "decoder"), Interrupting(at=7))])
    start = weights(net)
    with pytest.warns(TrainingWarning, match="interrupted in epoch 2 of 4"):
        train(net, x)
    assert not torch.equal(weights(net), start)
    assert len(net.history) == 2 and np.isfinite(net.history[:, "train_loss"]).all()


def test_interrupt_of_a_second_run_counts_its_own_epochs(x):
    net = train(one_turn(turns=[Turn(("encoder", "decoder"), Interrupting(at=16 + 7))]), x)
    with pytest.warns(TrainingWarning, match="interrupted in epoch 2 of 4"):
        train(net, x)
    assert len(net.history) == 6


def test_interrupt_before_the_first_step_has_nothing_to_keep(x):
    with pytest.raises(KeyboardInterrupt):
        train(one_turn(turns=[Turn(("encoder", "decoder"), Interrupting(at=1))]), x)


def test_going_on_is_as_if_never_stopped(x):
    class Noisy:
        def __call__(self, module, batch, state):
            return squared_error(module, {"x": batch["x"] + torch.randn_like(batch["x"])}, state)

    turns = [Turn(("encoder", "decoder"), Noisy())]
    whole = train(one_turn(turns=turns), x, epochs=4)
    parts = train(one_turn(turns=turns), x, epochs=1)
    with seeded(99):  # the state of the world has no say
        parts.partial_fit(rows(x), epochs=3)
    torch.testing.assert_close(weights(parts), weights(whole), rtol=0, atol=0)
    assert parts.history[:, "train_loss"] == whole.history[:, "train_loss"]


def test_the_callers_generator_is_left_alone(x):
    net = one_turn()
    torch.manual_seed(3)
    before = torch.get_rng_state()
    net.partial_fit(rows(x))
    assert torch.equal(torch.get_rng_state(), before)


def test_copies_and_pickles_go_on_alike(x):
    net = train(one_turn(), x, epochs=1)
    twins = [copy.deepcopy(net), pickle.loads(pickle.dumps(net)), net]
    after = [weights(train(twin, x, epochs=2)) for twin in twins]
    torch.testing.assert_close(after[0], after[2], rtol=0, atol=0)
    torch.testing.assert_close(after[1], after[2], rtol=0, atol=0)


def test_compiled_steps(x):
    calls = []

    def backend(graph, inputs):
        calls.append(graph)
        return graph.forward

    net = train(one_turn(compile=True, compile__backend=backend), x)
    assert calls
    torch.testing.assert_close(weights(net), weights(train(one_turn(), x)))


# skorch's callbacks, with one turn and with two


def reconstruct_then_shrink():
    return [
        Turn(("encoder", "decoder"), squared_error, "reconstruct"),
        Turn(("encoder",), shrink, "shrink", optimizer={"lr": 1e-3}),
    ]


def shrink(module, batch, state):
    return module["encoder"](batch["x"]).square().mean()


any_turns = pytest.mark.parametrize(
    "turns",
    [lambda: [Turn(("encoder", "decoder"), squared_error)], reconstruct_then_shrink],
    ids=["one turn", "two turns"],
)


@any_turns
def test_lr_scheduler(x, turns):
    scheduler = LRScheduler("StepLR", step_size=1, gamma=0.5)
    net = one_turn(turns=turns(), callbacks=[scheduler], lr_schedule=one_cycle)
    train(net, x)
    assert net.history[:, "event_lr"] == pytest.approx([0.01, 0.005, 0.0025, 0.00125])


@any_turns
def test_lr_scheduler_by_batch(x, turns):
    scheduler = LRScheduler("StepLR", step_size=1, gamma=0.5, step_every="batch")
    net = train(one_turn(turns=turns(), callbacks=[scheduler], max_epochs=1), x)
    assert net.optimizer_.param_groups[0]["lr"] == pytest.approx(0.01 * 0.5**4)
    assert net.history[0, "batches", :, "event_lr"][:2] == pytest.approx([0.01, 0.005])


@any_turns
def test_early_stopping_restores_the_best(x, turns):
    stopping = EarlyStopping(patience=3, load_best=True, sink=lambda message: None)
    net = one_turn(turns=turns(), callbacks=[stopping], lr=0.5, max_epochs=100)
    train(net, x[:40], validation=rows(x[40:]))
    losses = net.history[:, "valid_loss"]
    assert len(losses) < 100
    with torch.no_grad():
        now = squared_error(net.module_, {"x": x[40:]}, None).item()
    assert now == pytest.approx(min(losses), rel=1e-5)
    assert net.history[:, "valid_loss_best"][int(np.argmin(losses))] is True


def held_out_error(net, X, y=None):
    (batch,) = X.epoch()
    return net.turns[0].loss(net.module_, batch, net.progress_).item()


@any_turns
def test_epoch_scoring_on_the_validation_rows(x, turns):
    scoring = EpochScoring(held_out_error, name="error", lower_is_better=True)
    net = one_turn(turns=turns(), callbacks=[scoring])
    train(net, x[:40], validation=rows(x[40:]))
    assert net.history[:, "error"] == pytest.approx(net.history[:, "valid_loss"], rel=1e-5)


@any_turns
def test_checkpoint_resumes_to_the_same_weights(x, turns, tmp_path):
    whole = train(one_turn(turns=turns(), lr_schedule=one_cycle), x)

    def checkpoint():
        return Checkpoint(dirname=tmp_path, monitor=None)

    class Dies(Callback):
        def on_epoch_end(self, net, **kwargs):
            if len(net.history) == 2:
                raise RuntimeError("the machine went down")

    with pytest.raises(RuntimeError):
        train(one_turn(turns=turns(), lr_schedule=one_cycle, callbacks=[checkpoint(), Dies()]), x)
    saved = checkpoint()
    again = one_turn(turns=turns(), lr_schedule=one_cycle, callbacks=[LoadInitState(saved), saved])
    train(again, x, seed=5)
    assert len(again.history) == 4
    torch.testing.assert_close(weights(again), weights(whole), rtol=0, atol=0)


@any_turns
def test_bars_boards_and_clipping(x, turns, tmp_path, capsys):
    from torch.utils.tensorboard import SummaryWriter

    board = TensorBoard(SummaryWriter(tmp_path))
    net = one_turn(turns=turns(), callbacks=[ProgressBar(), board], max_epochs=2)
    train(net, x, validation=rows(x))
    assert "0/8" in capsys.readouterr().err  # 4 batches to train on, 4 to validate on
    assert list(tmp_path.glob("events*"))
    assert np.isfinite(net.history[0, "batches", :, "train_loss"]).all()

    still = one_turn(
        turns=turns(), callbacks=[GradientNormClipping(0.0)], optimizer=torch.optim.SGD
    )
    before = weights(still)
    train(still, x)
    torch.testing.assert_close(weights(still), before, rtol=0, atol=0)


# Several turns


class GAN:
    """The contract that a generator and a discriminator need: fresh batches, own rates, hooks."""

    def __init__(self):
        self.batches = {"discriminator": [], "generator": []}

    def discriminate(self, module, batch, state):
        self.batches["discriminator"].append(batch["x"].clone())
        fake = module["generator"](torch.randn(len(batch["x"]), 2))
        real, fake = module["discriminator"](batch["x"]), module["discriminator"](fake)
        return functional.softplus(-real).mean() + functional.softplus(fake).mean()

    def generate(self, module, batch, state):
        self.batches["generator"].append(batch["x"].clone())
        fake = module["generator"](torch.randn(len(batch["x"]), 2))
        return functional.softplus(-module["discriminator"](fake)).mean()


def gan_networks():
    with seeded(0):
        return nn.ModuleDict(
            {
                "generator": nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 1)),
                "discriminator": nn.Sequential(nn.Linear(1, 32), nn.ReLU(), nn.Linear(32, 1)),
            }
        )


def test_two_players_take_turns_on_fresh_batches():
    toy, averages = GAN(), []
    turns = [
        Turn(("discriminator",), toy.discriminate, "discriminator", 2, {"lr": 2e-3}),
        Turn(
            ("generator",),
            toy.generate,
            "generator",
            after_step=lambda module, state: averages.append(state.update),
        ),
    ]
    x = torch.arange(60.0)[:, None]
    net = Engine(gan_networks(), turns, lr=1e-3, batch_size=10, max_epochs=3, verbose=0)
    net.initialize().partial_fit(Rows({"x": x}, 10))
    # 6 batches a pass are 2 iterations of 3 updates; every update had rows of its own.
    assert [len(seen) for seen in toy.batches.values()] == [12, 6]
    first_pass = torch.cat(toy.batches["discriminator"][:4] + toy.batches["generator"][:2])
    assert sorted(first_pass.ravel().tolist()) == x.ravel().tolist()
    assert averages == [2, 5, 8, 11, 14, 17]
    assert [group["lr"] for group in net.optimizer_.param_groups] == [2e-3, 1e-3]
    for name in ("discriminator", "generator"):
        assert len(net.history[:, f"train_loss_{name}"]) == 3
    assert net.history[:, "train_loss"] == net.history[:, "train_loss_discriminator"]


@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_only_the_named_player_moves(player):
    toy, gradients = GAN(), []
    losses = {"discriminator": toy.discriminate, "generator": toy.generate}

    def loss(module, batch, state):
        gradients.extend(w.grad for n, w in module.named_parameters() if not n.startswith(player))
        return losses[player](module, batch, state)

    net = Engine(gan_networks(), [Turn((player,), loss)], lr=0.01, max_epochs=1, verbose=0)
    net.initialize()
    before = copy.deepcopy(net.module_.state_dict())
    net.partial_fit(Rows({"x": torch.randn(32, 1)}, 8))
    for name, value in net.module_.state_dict().items():
        assert torch.equal(value, before[name]) == (not name.startswith(player))
    assert gradients and all(gradient is None for gradient in gradients)
    assert all(w.requires_grad and w.grad is None for w in net.module_.parameters())


def test_a_tiny_gan_learns_where_the_data_are():
    toy = GAN()
    turns = [
        Turn(("discriminator",), toy.discriminate, "discriminator"),
        Turn(("generator",), toy.generate, "generator"),
    ]
    net = Engine(
        gan_networks(),
        turns,
        lr=2e-3,
        batch_size=64,
        max_epochs=60,
        verbose=0,
        optimizer__betas=(0.0, 0.9),
    ).initialize()
    with seeded(0):
        x = 4 + 0.5 * torch.randn(1024, 1)
        net.partial_fit(Rows({"x": x}, 64))
        samples = net.module_["generator"](torch.randn(2000, 2))
    assert abs(samples.mean().item() - 4) < 0.4


def test_a_turn_may_have_an_optimizer_of_its_own():
    def error(module, batch, state):
        seen = module["head"](module["embedding"](batch["x"]))[:, 0]
        return functional.mse_loss(seen, batch["y"])

    with seeded(0):
        embedding = nn.Embedding(50, 4, sparse=True)
        networks = nn.ModuleDict({"embedding": embedding, "head": nn.Linear(4, 1)})
        start = copy.deepcopy(embedding.weight.detach())
        x = torch.arange(40).repeat(5)  # the last ten are in no row
        turns = [
            Turn(("embedding",), error, "embedding", optimizer_class=torch.optim.SparseAdam),
            Turn(("head",), error, "head", shares_batch=True),
        ]
        net = Engine(networks, turns, lr=0.02, max_epochs=60, verbose=0, optimizer__amsgrad=True)
        net.initialize().partial_fit(Rows({"x": x, "y": (x % 7).float()}, 20))
    of_embedding, of_head = net.optimizer_.optimizers
    assert type(of_embedding) is torch.optim.SparseAdam and type(of_head) is torch.optim.Adam
    assert of_head.defaults["amsgrad"] and of_embedding.defaults["lr"] == 0.02
    losses = net.history[:, "train_loss_embedding"]
    assert losses[-1] < 0.05 * losses[0]
    assert torch.equal(embedding.weight[40:], start[40:])  # and no moment moves them


class Canvas(nn.Module):
    """An image, to be painted by gradients."""

    def __init__(self):
        super().__init__()
        self.image = nn.Parameter(torch.zeros(1, 4, 4))


def test_steps_train_an_image_on_no_data():
    motif = torch.rand(1, 4, 4, generator=torch.Generator().manual_seed(0))

    def unlike(module, batch, state):
        assert not batch
        return (module["canvas"].image - motif).square().mean()

    networks = nn.ModuleDict({"canvas": Canvas()})
    net = Engine(networks, [Turn(("canvas",), unlike)], lr=0.05, max_epochs=2, verbose=0)
    net.initialize().partial_fit(Steps(100))
    torch.testing.assert_close(networks["canvas"].image, motif, atol=0.01, rtol=0)
    assert net.history[:, "train_batch_count"] == [100, 100]
    assert net.history[-1, "train_loss"] < 1e-3


def test_a_turn_may_share_the_batch_of_the_one_before(x):
    seen = []

    def noting(name):
        def loss(module, batch, state):
            seen.append((name, batch["x"][0, 0].item()))
            return squared_error(module, batch, state), {"size": batch["x"].new_tensor(3.0)}

        return loss

    turns = [
        Turn(("encoder",), noting("first"), "first", repeats=2),
        Turn(("decoder",), noting("second"), "second", shares_batch=True),
    ]
    net = train(one_turn(turns=turns, max_epochs=1, batch_size=10), x)
    assert [name for name, _ in seen] == ["first", "first", "second"] * 2  # 5 batches
    assert seen[1][1] == seen[2][1] != seen[0][1]
    assert net.history[0, "size"] == 3 and net.history[0, "train_batch_count"] == 6
    with pytest.raises(ValueError, match="The first turn has no turn before it"):
        one_turn(turns=turns[1:])


def test_the_user_decides_about_denormals(x):
    for flush in (True, False):
        torch.set_flush_denormal(flush)
        train(one_turn(max_epochs=1), x)
        assert ((torch.tensor(1e-40) * 1).item() == 0) == flush


def test_another_loss_on_rows_set_aside(x):
    def constant(module, batch, state):
        assert not module.training
        return torch.tensor(0.25)

    net = train(one_turn(validation_loss=constant, max_epochs=2), x, validation=rows(x))
    assert net.history[:, "valid_loss"] == [0.25, 0.25]


def test_mixed_precision(x):
    types = []

    def noting(module, batch, state):
        types.append(module["encoder"](batch["x"]).dtype)
        return squared_error(module, batch, state)

    turns = [Turn(("encoder", "decoder"), noting)]
    net = train(one_turn(turns=turns, autocast=torch.bfloat16), x)
    assert set(types) == {torch.bfloat16} and weights(net).dtype == torch.float32
    torch.testing.assert_close(weights(net), weights(train(one_turn(), x)), atol=0.02, rtol=0.02)
    with pytest.raises(ValueError, match=r"autocast has to be None or torch\.bfloat16"):
        one_turn(autocast="bfloat16")


def test_frozen_weights_stay_frozen(x):
    module = autoencoder()
    module["decoder"].requires_grad_(False)
    before = module["decoder"].weight.clone()
    net = train(one_turn(module), x)
    assert torch.equal(net.module_["decoder"].weight, before)
    assert not net.module_["decoder"].weight.requires_grad


# Other kinds of input


class RaggedRows(Batches):
    """Sequences of unequal length, padded batch by batch."""

    def __init__(self, sequences, batch_size):
        self.sequences = sequences
        self.batch_size = batch_size

    def __len__(self):
        return len(self.sequences)

    def epoch(self, generator=None):
        order = torch.arange(len(self))
        if generator is not None:
            order = torch.randperm(len(self), generator=generator)
        for index in order.split(self.batch_size):
            chosen = [self.sequences[i] for i in index]
            yield {
                "x": nn.utils.rnn.pad_sequence(chosen, batch_first=True),
                "lengths": torch.tensor([len(sequence) for sequence in chosen]),
            }


def mean_of_sequence(module, batch, state):
    mask = torch.arange(batch["x"].shape[1]) < batch["lengths"][:, None]
    steps = module["encoder"](batch["x"])[..., 0]  # (batch, time)
    mean = (steps * mask).sum(1) / batch["lengths"]
    return (mean - batch["lengths"]).square().mean()


def test_ragged_rows():
    with seeded(0):
        sequences = [torch.ones(n, 1) * n for n in torch.randint(1, 9, (64,)).tolist()]
        module = nn.ModuleDict({"encoder": nn.Linear(1, 1)})
    turn = Turn(("encoder",), mean_of_sequence)
    net = Engine(module, [turn], lr=0.05, max_epochs=200, verbose=0).initialize()
    net.partial_fit(RaggedRows(sequences, 16))
    assert net.history[-1, "train_loss"] < 1e-2 < net.history[0, "train_loss"]


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x

    @staticmethod
    def backward(ctx, gradient):
        return -gradient


def adapt(module, batch, state):
    features = module["features"](batch["x"])
    source = batch["domain"] > 0
    labels = functional.cross_entropy(module["label"](features[source]), batch["y"][source])
    guess = module["domain"](_Reverse.apply(features))[:, 0]
    return labels + state.fraction * functional.binary_cross_entropy_with_logits(
        guess, source.float()
    )


def test_rows_with_a_domain_column():
    with seeded(0):
        y = torch.randint(2, (400,))
        domain = torch.randint(2, (400,))
        x = torch.stack([2.0 * y - 1, 6.0 * domain - 3], dim=1) + 0.3 * torch.randn(400, 2)
        module = nn.ModuleDict(
            {
                "features": nn.Linear(2, 1),
                "label": nn.Linear(1, 2),
                "domain": nn.Sequential(nn.Linear(1, 16), nn.ReLU(), nn.Linear(16, 1)),
            }
        )
        net = Engine(module, [Turn(tuple(module), adapt)], lr=0.02, max_epochs=60, verbose=0)
        net.initialize().partial_fit(Rows({"x": x, "y": y, "domain": domain}, 50))
    with torch.no_grad():
        features = module["features"](x)[:, 0]
    apart = (features[domain == 1].mean() - features[domain == 0].mean()).abs()
    classes = (features[y == 1].mean() - features[y == 0].mean()).abs()
    assert apart < 0.3 * classes


def conditional(module, batch, state):
    condition = functional.one_hot(batch["y"], 3).float()
    return functional.mse_loss(module["generator"](condition), batch["x"])


def test_rows_with_a_condition():
    with seeded(0):
        y = torch.randint(3, (90,))
        x = torch.tensor([[0.0], [5.0], [-5.0]])[y]
        module = nn.ModuleDict({"generator": nn.Linear(3, 1)})
        net = Engine(module, [Turn(("generator",), conditional)], lr=0.1, max_epochs=150, verbose=0)
        net.initialize().partial_fit(Rows({"x": x, "y": y}, 30))
        made = module["generator"](torch.eye(3))
    torch.testing.assert_close(made[:, 0], torch.tensor([0.0, 5.0, -5.0]), atol=0.1, rtol=0)


def test_a_plan_shorter_than_an_iteration_still_plays_every_turn(x):
    net = train(one_turn(turns=reconstruct_then_shrink(), max_epochs=2), x[:10])
    assert len(net.history[:, "train_loss_shrink"]) == 2


def test_progress_without_a_plan_is_complete():
    assert Progress().fraction == 1.0
    assert Progress(update=5, n_updates=10).fraction == 0.5


# Several processes

SCRIPT = """
import sys, numpy as np, torch
from torch import distributed
from sklearn.datasets import load_digits
from skgen import Autoencoder

if "--alone" not in sys.argv:
    distributed.init_process_group("gloo")
X = load_digits(return_X_y=True)[0][:501]
model = Autoencoder(4, hidden_layer_sizes=(16,), batch_size=50, max_epochs=3, random_state=0).fit(X)
np.savez(f"{sys.argv[1]}/{distributed.get_rank() if distributed.is_initialized() else 'alone'}.npz",
         code=model.transform(X), loss=model.loss_curve_)
if distributed.is_initialized():
    distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_two_processes_make_the_same_model_as_one(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(textwrap.dedent(SCRIPT))
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    for command in (
        [str(script), str(tmp_path), "--alone"],
        [*torchrun, str(script), str(tmp_path)],
    ):
        done = subprocess.run([sys.executable, *command], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    alone, first, second = (np.load(tmp_path / f"{name}.npz") for name in ("alone", "0", "1"))
    np.testing.assert_array_equal(first["code"], second["code"])
    np.testing.assert_allclose(first["code"], alone["code"], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(first["loss"], alone["loss"], rtol=1e-4)


def test_a_pickle_from_a_gpu_loads_where_there_is_none(x):
    if torch.cuda.is_available():
        pytest.skip("this machine has one")
    net = train(one_turn(), x)
    net.device = "cuda:0"  # as it would say there
    loaded = pickle.loads(pickle.dumps(net))
    assert loaded.device == "cpu"
    torch.testing.assert_close(weights(loaded), weights(net), rtol=0, atol=0)
    train(loaded, x, epochs=1)
    assert len(loaded.history) == 5
