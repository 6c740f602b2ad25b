"""Minari data sets: an episode a session, with the environment's own observations.

An observation is what the agent saw, which a log does not keep; so sessions are played, not converted.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from .. import _core, arguments
from ..log import Log
from ..log_schema import SCHEMA_VERSION, check_version, need
from ..policies import Policy
from ..simulators import load_simulator
from ..vector_env import ShortVideoVectorEnv

if TYPE_CHECKING:
    import minari

ROWS = 256  # sessions under way
VERSION_KEY = "swipegym_schema_version"
IDS_KEY = "swipegym_ids"  # digest of the simulator's user and video ids, which the episodes' indices stand for
ANSWERS = ("cost", "video", "watch_s", "watch_ratio", "signals", "gap_h")


def record(
    policy: Policy | str | os.PathLike | Callable[[Mapping, Mapping], tuple[np.ndarray, np.ndarray]],
    dataset_id: str,
    *,
    sessions: int = 1000,
    seed: int = 1,
    epsilon: float = 0.0,
    temperature: float | None = None,
    metadata: Mapping | None = None,
    **settings,
) -> minari.MinariDataset:
    """Plays sessions and makes a Minari data set of them, in Minari's own folder.

    policy: see Policy; or a function of (observation, info) of a vector of sessions that returns the slots and their
        propensities, both [rows]; it is always asked for the same number of rows.
    seed: the sessions, the same ones as swipegym.evaluate plays; an episode's own seed is stored with it.
    metadata: further arguments of minari.create_dataset_from_buffers, such as author.
    settings: of the environment, see Settings.

    Infos have an entry a step more than actions: entry t is what reset (t = 0) or step t - 1 returned, as of the lone
    environment, and `propensity` the chance that the policy gave the action of that step; NaN in entry 0.
    """
    maker = need("minari", "a Minari data set")
    buffer = need("minari.data_collector.episode_buffer", "a Minari data set").EpisodeBuffer
    for package in ("h5py", "PIL"):
        need(package, "a Minari data set", "'minari[hdf5]' pillow")
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
    episodes = [buffer(id=i, seed=int(seeds[i]), **episode) for i, episode in enumerate(_play(envs, choose, seeds))]
    about = {
        "algorithm_name": policy.spec if isinstance(policy, Policy) else getattr(policy, "__name__", str(policy)),
        "description": f"{sessions} sessions of swipegym/ShortVideo-v0, seed {seed}",
        "requirements": [f"swipegym=={_core.__version__}"],
        **(metadata or {}),
    }
    dataset = maker.create_dataset_from_buffers(
        dataset_id,
        buffer=episodes,
        observation_space=envs.single_observation_space,
        action_space=envs.single_action_space,
        env=_spec(settings),
        **about,
    )
    dataset.storage.update_metadata({VERSION_KEY: SCHEMA_VERSION, IDS_KEY: _ids_digest(envs.simulator)})
    return dataset


def to_log(dataset: minari.MinariDataset, simulator: _core.Simulator | str | os.PathLike | None = None) -> Log:
    """The rows of a data set that record() made, a session an episode. Environments know no calendar, so the log has no
    date, hourmin and time_ms; is_rand is true where all slots allowed were equally likely. Raises InputError for a data
    set that record() did not make, of a newer schema, or of a simulator with other users or videos."""
    metadata = dataset.storage.metadata
    if VERSION_KEY not in metadata:
        raise _core.InputError(f"{dataset.id}: no data set of formats.minari.record, which keeps what a log needs")
    check_version(metadata[VERSION_KEY], dataset.id)
    simulator = load_simulator(simulator)
    if IDS_KEY not in metadata:
        raise _core.InputError(
            f"{dataset.id}: an earlier swipegym recorded it, without its simulator's ids: record it again"
        )
    if metadata[IDS_KEY] != _ids_digest(simulator):
        raise _core.InputError(
            f"{dataset.id}: the simulator has other users or videos than the data set; give the one it was recorded in"
        )
    parts: dict[str, list[np.ndarray]] = {}
    for number, episode in enumerate(dataset.iterate_episodes()):
        info, seen, steps = episode.infos, episode.observations, len(episode.actions)
        allowed = info["action_mask"][:-1].astype(bool)
        columns = {
            "user": info["user"][1:],
            "video": info["video"][1:],
            "session": np.full(steps, number),
            "tab": seen["tab"][:-1, 0],
            "play_time_ms": np.round(info["watch_s"][1:].astype(float) * 1000).astype(np.int64),
            "signals": info["signals"][1:],
            "propensity": info["propensity"][1:],
            "is_rand": np.isclose(info["propensity"][1:] * allowed.sum(axis=1), 1.0),
            "candidate": np.where(allowed, seen["candidate"][:-1], -1),
        }
        for name, array in columns.items():
            parts.setdefault(name, []).append(array)
    columns = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    columns["user_id"] = simulator.user_id[columns["user"]]
    columns["video_id"] = simulator.video_id[columns["video"]]
    columns["duration_ms"] = simulator.duration_ms[columns["video"]]
    return Log(columns, "a Minari data set")


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
        actions, chance = choose(observation, info)
        chance = np.asarray(chance)
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


def _ids_digest(simulator: _core.Simulator) -> str:
    digest = hashlib.sha256(simulator.user_id.tobytes())
    digest.update(simulator.video_id.tobytes())
    return digest.hexdigest()[:32]


def _spec(settings: Mapping):
    """What recover_environment() makes; None where the settings hold what no file can."""
    import gymnasium

    if isinstance(settings.get("simulator"), _core.Simulator):
        return None
    plain = {name: os.fspath(value) if isinstance(value, os.PathLike) else value for name, value in settings.items()}
    return gymnasium.make("swipegym/ShortVideo-v0", **plain).spec
