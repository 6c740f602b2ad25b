"""How trees are trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .. import arguments
from ..settings import REWARD_KINDS

COLUMNS = ("network", "features")
MOST_STEPS, MOST_TREES, MOST_ROUNDS = 100_000_000, 100_000, 1000

# LightGBM's settings that may be given, by its names: (low, high) of numbers, whole where both are.
PARAMETERS: dict[str, tuple[float, float]] = {
    "num_leaves": (2, 131072),
    "max_depth": (-1, 1000),
    "min_data_in_leaf": (1, 2**31 - 1),
    "bagging_freq": (0, 1000),
    "learning_rate": (1e-6, 1.0),
    "feature_fraction": (1e-3, 1.0),
    "feature_fraction_bynode": (1e-3, 1.0),
    "bagging_fraction": (1e-3, 1.0),
    "lambda_l1": (0.0, 1e9),
    "lambda_l2": (0.0, 1e9),
    "min_gain_to_split": (0.0, 1e9),
    "path_smooth": (0.0, 1e9),
    "cat_smooth": (0.0, 1e9),
    "cat_l2": (0.0, 1e9),
}
DEFAULTS = {"num_leaves": 31, "learning_rate": 0.1}  # LightGBM's own


@dataclass(frozen=True)
class TreeSettings:
    """How trees are trained.

    steps: of the simulator, in all; a row of a step's chosen slot each.
    columns: 'network', all that the program's value networks read (swipegym.Encoder), or 'features', the observation's
        eight of the video, sixteen of the user and eight of the context.
    rewards: 'expected' or 'drawn', see Settings.
    rounds: 1, all steps choose uniformly. More: after each of so many equal parts trees are trained on all rows so far,
        and the next part's choices are theirs, or uniform with probability `epsilon`.
    trees: how many, each of `parameters`, LightGBM's settings by its names (swipegym.boosted.PARAMETERS).
    seed: of sessions, choices and samples. Equal seeds give equal trees, whatever the number of threads.

    Raises InputError that names the argument for what is of another kind or out of range.
    """

    steps: int = 400_000
    columns: str = "network"
    rewards: str = "expected"
    rounds: int = 1
    epsilon: float = 0.2
    trees: int = 300
    parameters: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULTS))
    seed: int = 1

    def __post_init__(self):
        checked = {
            "steps": arguments.whole("steps", self.steps, 2, MOST_STEPS),
            "columns": arguments.word("columns", self.columns, COLUMNS),
            "rewards": arguments.word("rewards", self.rewards, REWARD_KINDS),
            "rounds": arguments.whole("rounds", self.rounds, 1, MOST_ROUNDS),
            "epsilon": arguments.epsilon(self.epsilon),
            "trees": arguments.whole("trees", self.trees, 1, MOST_TREES),
            "parameters": _checked_parameters(self.parameters),
            "seed": arguments.seed("seed", self.seed),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def figures(self) -> dict:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def _checked_parameters(given) -> dict[str, float]:
    if not isinstance(given, Mapping):
        raise arguments.refused("parameters", given, "a mapping from LightGBM's names to numbers")
    out = {}
    for name, value in given.items():
        low, high = PARAMETERS[arguments.word("a name of parameters", name, PARAMETERS)]
        check = arguments.whole if isinstance(low, int) else arguments.real
        out[name] = check(f"parameters[{name!r}]", value, low, high)
    return out
