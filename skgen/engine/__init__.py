"""The training engine: networks, and turns that say who moves, towards what, how often."""

from skgen.engine.batches import Batch, Batches, DomainPairs, Rows, ScaledRows
from skgen.engine.loop import Engine
from skgen.engine.random_state import seeded
from skgen.engine.turns import LR_SCHEDULES, Progress, Turn, TurnLoss, one_cycle
