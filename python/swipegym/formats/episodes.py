"""Sessions with what an agent saw in them, as arrays; other libraries' data sets of episodes are made of these.

    from swipegym.formats import d3rlpy, episodes, rlds, tensordict

    played = episodes.record("item-mean", sessions=1000, epsilon=0.5)
    d3rlpy.to_mdp_dataset(played)       # d3rlpy's MDPDataset
    tensordict.to_tensordict(played)    # for TorchRL's replay buffers
    rlds.write(played, "played")        # a folder of Parquet with RLDS's steps
    swipegym.read_log("played")         # their rows as a log

An observation is what the agent saw, which a log does not keep; so sessions are played, not converted.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from .. import _core, arguments
from ..log import Log
from ..policies import Policy
from ..simulators import load_simulator
from ..vector_env import ShortVideoVectorEnv

ROWS = 256  # sessions under way
ANSWERS = ("cost", "video", "watch_s", "watch_ratio", "signals", "gap_h")

Recorded = Callable[[Mapping, Mapping], "tuple[np.ndarray, np.ndarray]"]


@dataclass(eq=False)
class Episodes:
    """Sessions, one behind the other: `steps` of all of them, and `entries`, one a step and one more a session.

    observations: the environment's entries, each [entries, ...]. infos: user, action_mask, propensity and what a step
    told, each [entries, ...]; entry 0 of a session is of reset, entry t + 1 of step t, and `propensity` there the
    chance of the action of step t, NaN in entry 0. actions: [steps] int64, slots. rewards: [steps] float32. terminated,
    truncated: [steps] bool. start: [sessions + 1] int64, the first step of each. seeds: [sessions] uint64, with which
    env.reset(seed=...) begins it again. ids: digest of the simulator's ids. Equal when all of it is, NaN equal to NaN.
    """

    observations: dict[str, np.ndarray]
    infos: dict[str, np.ndarray]
    actions: np.ndarray
    rewards: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    start: np.ndarray
    seeds: np.ndarray
    ids: str

    @property
    def sessions(self) -> int:
        return len(self.start) - 1

    @property
    def steps(self) -> int:
        return len(self.actions)

    @property
    def session(self) -> np.ndarray:
        """[steps] int64: the number of each step's session."""
        return np.repeat(np.arange(self.sessions), np.diff(self.start))

    @property
    def before(self) -> np.ndarray:
        """[steps] int64: the entry that a step's action was chosen at; the next one tells what came of it."""
        return np.arange(self.steps) + self.session

    @property
    def slots(self) -> int:
        """How many an action chooses from."""
        return self.infos["action_mask"].shape[1]

    def __eq__(self, other) -> bool:
        if not isinstance(other, Episodes):
            return NotImplemented
        mine, theirs = self._arrays(), other._arrays()
        return (
            self.ids == other.ids
            and mine.keys() == theirs.keys()
            and all(
                np.array_equal(array, theirs[name], equal_nan=array.dtype.kind == "f") for name, array in mine.items()
            )
        )

    __hash__ = None

    def _arrays(self) -> dict:
        both = {"observations": self.observations, "infos": self.infos}
        parts = {(part, name): array for part, arrays in both.items() for name, array in arrays.items()}
        names = ("actions", "rewards", "terminated", "truncated", "start", "seeds")
        return {**parts, **{("", name): getattr(self, name) for name in names}}

    def __repr__(self) -> str:
        return f"<swipegym Episodes: {self.sessions:,} sessions, {self.steps:,} steps>"


def record(
    policy: Policy | str | os.PathLike | Recorded,
    *,
    sessions: int = 1000,
    seed: int = 1,
    epsilon: float = 0.0,
    temperature: float | None = None,
    **settings,
) -> Episodes:
    """Plays sessions, the same ones as swipegym.evaluate plays.

    policy: see Policy; or a function of (observation, info) of a vector of sessions that returns the slots and their
        propensities, both [rows]; it is always asked for the same number of rows.
    epsilon, temperature: as in swipegym.generate. settings: of the environment, see Settings.
    """
    sessions = arguments.whole("sessions", sessions, 1)
    seed = arguments.seed("seed", seed)
    epsilon, temperature = arguments.epsilon(epsilon), arguments.temperature(temperature)
    rows = min(ROWS, sessions)
    envs = ShortVideoVectorEnv(rows, autoreset_mode="Disabled", **settings)
    choose = (
        policy
        if callable(policy) and not isinstance(policy, Policy)
        else _chooser(policy, envs.simulator, np.random.default_rng(seed), epsilon, temperature)
    )
    seeds = _core.session_seeds(seed, sessions)
    played = _play(envs, choose, seeds)

    def joined(name: str) -> np.ndarray:
        return np.concatenate([episode[name] for episode in played])

    def entries(part: str) -> dict[str, np.ndarray]:
        return {name: np.concatenate([episode[part][name] for episode in played]) for name in played[0][part]}

    return Episodes(
        observations=entries("observations"),
        infos=entries("infos"),
        actions=joined("actions"),
        rewards=joined("rewards").astype(np.float32),
        terminated=joined("terminations"),
        truncated=joined("truncations"),
        start=np.cumsum([0, *(len(episode["actions"]) for episode in played)]),
        seeds=np.asarray(seeds, np.uint64),
        ids=ids_digest(envs.simulator),
    )


def to_log(
    played: Episodes, simulator: _core.Simulator | str | os.PathLike | None = None, source: str = "episodes"
) -> Log:
    """Their rows. Environments know no calendar, so the log has no date, hourmin and time_ms; is_rand is true where all
    slots allowed were equally likely. Raises InputError for a simulator with other users or videos."""
    simulator = load_simulator(simulator)
    if played.ids != ids_digest(simulator):
        raise _core.InputError(
            f"{source}: the simulator has other users or videos than the data set; give the one it was recorded in"
        )
    at, seen = played.before, played.observations
    told = {name: array[at + 1] for name, array in played.infos.items()}
    if "candidate" not in seen:
        raise _core.InputError(f"{source}: every video could be chosen in its sessions, and a log has candidates")
    allowed = played.infos["action_mask"][at].astype(bool)
    columns = {
        "user": told["user"],
        "video": told["video"],
        "session": played.session,
        "tab": seen["tab"][at, 0],
        "play_time_ms": np.round(told["watch_s"].astype(float) * 1000).astype(np.int64),
        "signals": told["signals"],
        "propensity": told["propensity"],
        "is_rand": np.isclose(told["propensity"] * allowed.sum(axis=1), 1.0),
        "candidate": np.where(allowed, seen["candidate"][at], -1),
        "user_id": simulator.user_id[told["user"]],
        "video_id": simulator.video_id[told["video"]],
        "duration_ms": simulator.duration_ms[told["video"]],
    }
    return Log(columns, source)


def ids_digest(simulator: _core.Simulator) -> str:
    """Of the users and videos that indices stand for."""
    digest = hashlib.sha256(simulator.user_id.tobytes())
    digest.update(simulator.video_id.tobytes())
    return digest.hexdigest()[:32]


def _chooser(policy, simulator, rng: np.random.Generator, epsilon: float, temperature: float | None):
    policy = Policy.of(policy, simulator)

    def choose(observation, info):
        chance = policy.probabilities(observation, info, epsilon=epsilon, temperature=temperature)
        # The first slot whose cumulated chance exceeds the draw; masked slots add nothing and are never it.
        actions = np.argmax(
            chance.cumsum(axis=1) > rng.random(len(chance))[:, None] * chance.sum(axis=1)[:, None], axis=1
        )
        return actions, chance[np.arange(len(chance)), actions]

    return choose


def _play(envs: ShortVideoVectorEnv, choose, seeds: np.ndarray) -> list[dict]:
    """The episodes, one a seed, as the fields of an EpisodeBuffer."""
    rows, total = envs.num_envs, len(seeds)
    session = np.arange(rows)
    next_session = rows
    episodes: list[dict] = [{} for _ in range(total)]
    steps: list[list[tuple]] = [[] for _ in range(rows)]
    observation, info = envs.reset(seed=seeds[session])
    first = [_entry(observation, info, row, np.nan) for row in range(rows)]
    while (session >= 0).any():
        answer = choose(observation, info)
        if not isinstance(answer, tuple) or len(answer) != 2:
            raise _core.InputError(f"the policy returned {type(answer).__name__}, expected (slots, their propensities)")
        actions, chance = answer[0], np.asarray(answer[1])
        if chance.shape != (rows,) or not ((chance > 0) & (chance <= 1)).all():
            raise _core.InputError("the policy's propensities are not [rows] of probabilities above 0")
        observation, reward, terminated, truncated, info = envs.step(actions)
        over = terminated | truncated
        for row in np.flatnonzero(session >= 0):
            entry = _entry(observation, info, row, chance[row])
            steps[row].append(
                (int(actions[row]), float(reward[row]), bool(terminated[row]), bool(truncated[row]), entry)
            )
            if over[row]:
                episodes[session[row]] = _episode(first[row], steps[row])
        if not over.any():
            continue
        # Rows for which no session is left play the first one again, unrecorded: a batch has no holes.
        for row in np.flatnonzero(over):
            session[row] = next_session if next_session < total else -1
            next_session += 1
        observation, info = envs.reset(seed=seeds[np.maximum(session, 0)], options={"reset_mask": over})
        for row in np.flatnonzero(over):
            first[row], steps[row] = _entry(observation, info, row, np.nan), []
    return episodes


def _entry(observation: Mapping, info: Mapping, row: int, chance: float) -> tuple[dict, dict]:
    """What a lone environment returns, of one row."""
    seen = {name: array[row].copy() for name, array in observation.items()}
    known = {
        "user": info["user"][row],
        "action_mask": info["action_mask"][row].copy(),
        "propensity": np.float32(chance),
    }
    for name in ANSWERS:
        value = info[name][row]
        known[name] = value.copy() if name == "cost" else np.ravel(value)[0]
    if known["cost"].size == 0:
        del known["cost"]
    return seen, known


def _episode(first: tuple[dict, dict], steps: list[tuple]) -> dict:
    actions, rewards, terminated, truncated, entries = zip(*steps)
    entries = [first, *entries]
    stack = [{name: np.stack([entry[part][name] for entry in entries]) for name in entries[0][part]} for part in (0, 1)]
    return {
        "observations": stack[0],
        "infos": stack[1],
        "actions": np.array(actions, np.int64),
        "rewards": list(rewards),
        "terminations": list(terminated),
        "truncations": list(truncated),
    }
