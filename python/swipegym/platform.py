"""Seasons of a platform: users come back, creators upload and answer what they get, a policy serves.

    import swipegym

    season = swipegym.platform.run(days=30, users=200, policies=["uniform", "bayes-ucb"], seeds=2)
    print(season)  # as the program prints it
    season.days["seconds"]  # a column: policy, seed and day beside it

`swipegym/Platform-v0` is a season as an environment: an action a day sets the policy's knobs, the observation is
yesterday's measures.
"""

from __future__ import annotations

import csv
import json
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.error import ClosedEnvironmentError, ResetNeeded

from . import _core, arguments, commands
from .seeding import first_seed, reset_seed
from .simulators import DEFAULT_SIMULATOR, load_simulator

__all__ = ["MEASURES", "PlatformEnv", "Season", "composition", "run"]

MEASURES = tuple(name for name, _ in _core.DAY_MEASURES)  # of a day, in the order of files and observations


class Season(commands.Result):
    """What `run` found: the figures of `swipegym platform`, and every day of every world in `days`."""

    def __init__(self, text: str, figures: dict, days: dict[str, np.ndarray]):
        super().__init__(text, figures)
        self.days = days


def run(simulator=None, *, out=None, settings: Mapping | None = None, **options) -> Season:
    """Plays what `swipegym platform` plays; options are the command's, with _ for -.

    simulator: None for the one in the package, a file of `swipegym fit`, or the folder of a synthetic release.
    out: the folder of the seasons, which is gone on with when it is there; None: a temporary one.
    settings: what a file of --config may say, as a mapping ({"world": {"life_days": 7}}).

    Raises InputError and SystemError with the program's words.
    """
    with tempfile.TemporaryDirectory() as folder:
        work = Path(out) if out is not None else Path(folder) / "season"
        if settings is not None and "config" in options:
            raise arguments.refused("config", options["config"], "nothing beside settings, which are one too")
        if settings is not None:
            options["config"] = settings
        simulator = DEFAULT_SIMULATOR if simulator is None else simulator
        result = commands.run("platform", simulator=simulator, out=work, **options)
        return Season(result.text, dict(result), _columns(work / "season.csv"))


def _columns(path: Path) -> dict[str, np.ndarray]:
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    columns: dict[str, np.ndarray] = {"policy": np.array([row["policy"] for row in rows])}
    for name in ("seed", "day"):
        columns[name] = np.array([int(row[name]) for row in rows])
    for name in MEASURES:
        columns[name] = np.array([float(row[name] or "nan") for row in rows])
    return columns


def composition(action, slate: int = 10) -> dict:
    """The bucket flows that an action of Platform-v0 stands for: [-1, 1]^7.

    0 to 3: the buckets' shares (below 10, 30 and 100 shows, and more), softmax(3 a). 4: how far up the posterior's
    quantile lies, 0 to 4 deviations. 5: weight of a creator's uplift, 0 to 50. 6: boost of creators who arrived within
    7 days, 0 to .2.
    """
    a = np.clip(arguments.numbers("action", action, (7,)), -1.0, 1.0)
    shares = np.exp(3.0 * (a[:4] - a[:4].max()))
    shares = shares / shares.sum()
    return {
        "retrieve": [
            {
                "use": "bucket",
                "edges": [10, 30, 100],
                "shares": [float(share) for share in shares],
                "within": "bayes-ucb",
                "quantile_z": float(2.0 * (1.0 + a[4])),
                "uplift": float(25.0 * (1.0 + a[5])),
                "new_creator": float(0.1 * (1.0 + a[6])),
                "ties": "drawn",
                "places": "drawn",
                "count": slate,
            }
        ]
    }


# What a day's measures are divided by, so that observations are of order one; others are shares already.
_SIZES = {"seconds": 100.0, "videos": 20.0, "uploads": 100.0, "creators": 1000.0, "arrived": 10.0, "left": 10.0}
_SIZES |= {"found_days": 7.0, "on_offer": 1000.0, "entropy": 3.0}


class PlatformEnv(gymnasium.Env):
    """A season whose policy is set anew every day.

    simulator, clock: as in ShortVideo-v0. users, days: of the season, whose end truncates the episode.
    rewards: weights of a second a user-day ('seconds'), of an upload a hundred users ('uploads') and of the share of
        sessions after which the user is back within a day ('returns').
    settings: what a file of `swipegym platform --config` may say beside users and days.
    threads: 0 for all cores. Never changes a result.

    An action is a Box(7), see composition(). An observation is yesterday's measures (MEASURES), sizes brought to order
    one and 0 where there was nothing to measure; info["measures"] has what was measured as it is. An episode is a world of its own: the
    seed's first, then those that follow. A copy, or a pickle of it, plays the episode's days again.
    """

    metadata: dict = {"render_modes": []}

    def __init__(
        self,
        simulator=None,
        users: int = 200,
        days: int = 60,
        rewards: Mapping[str, float] | None = None,
        settings: Mapping | None = None,
        clock: str = "dense",
        threads: int = 0,
        render_mode: str | None = None,
    ):
        if render_mode is not None:
            raise arguments.refused("render_mode", render_mode, "None: a season is not drawn")
        self.render_mode = None
        self.rewards = {"seconds": 1.0, "uploads": 0.0, "returns": 0.0}
        for name, weight in (rewards or {}).items():
            if name not in self.rewards:
                raise arguments.refused("a term of rewards", name, "one of " + ", ".join(self.rewards))
            self.rewards[name] = arguments.real(f"rewards[{name!r}]", weight, *arguments.RANGES["weight"])
        self.users = arguments.whole("users", users, 1)
        self.days = arguments.whole("days", days, 2, 10_000)  # the first is yesterday's
        self.settings = {**(settings or {}), "users": self.users, "days": self.days, "burn_in": 0}
        self._slate = int(self.settings.setdefault("slate", 10))
        self.settings.setdefault("max_steps", 20)
        self.threads = arguments.threads(threads)
        self.simulator = load_simulator(simulator, clock)
        self.action_space = spaces.Box(-1.0, 1.0, (7,), np.float32)
        self.observation_space = spaces.Box(-1e6, 1e6, (len(MEASURES),), np.float32)
        self._season: _core.Season | None = None
        self._served: list[str] = []  # the policies of the episode's days so far
        self._seed: int | None = None
        self._closed = False

    def reset(self, *, seed: int | None = None, options: dict | None = None):
        """With a seed, its first world; without one, the world behind the last one. The first day is served by the
        action of zeros, so that there is a yesterday."""
        if self._closed:
            raise ClosedEnvironmentError("this environment is closed: make a new one")
        if seed is not None:
            self._seed = reset_seed("seed", seed)
            super().reset(seed=self._seed)
            self._episode = 0
        elif self._seed is None:
            self._seed = first_seed(self)
            self._episode = 0
        else:
            self._episode += 1
        self._served = [json.dumps(composition(np.zeros(7), self._slate))]
        self._begin_season()
        return self._observation(self._play()), {"measures": self._measures}

    def _begin_season(self):
        world = int(np.random.SeedSequence([self._seed, self._episode]).generate_state(1, np.uint64)[0] >> 1)
        self._season = _core.Season(self.simulator, json.dumps(self.settings), self._served[0], world, self.threads)

    def step(self, action):
        if self._closed:
            raise ClosedEnvironmentError("this environment is closed: make a new one")
        if self._season is None or self._season.over:
            raise ResetNeeded("step before reset, or after the season's end: call reset first")
        self._served.append(json.dumps(composition(action, self._slate)))
        self._season.set_policy(self._served[-1])
        measures = self._play()
        reward = self.rewards["seconds"] * measures["seconds"]
        reward += self.rewards["uploads"] * measures["uploads"] * 100.0 / self.users
        reward += self.rewards["returns"] * measures.get("returns", 0.0)
        return self._observation(measures), float(reward), False, self._season.over, {"measures": measures}

    def close(self):
        self._closed = True

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_season": None}

    def __setstate__(self, state: dict):
        self.__dict__.update(state)
        if not self._served:
            return
        self._begin_season()
        self._play()
        for policy in self._served[1:]:
            self._season.set_policy(policy)
            self._play()

    def _play(self) -> dict[str, float]:
        """What there was to measure of the next day."""
        measures = self._season.play_day()
        self._measures = {name: value for name, value in measures.items() if not math.isnan(value)}
        return self._measures

    @staticmethod
    def _observation(measures: dict[str, float]) -> np.ndarray:
        return np.array([measures.get(name, 0.0) / _SIZES.get(name, 1.0) for name in MEASURES], np.float32)
