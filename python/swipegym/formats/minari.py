"""Minari data sets: an episode a session, with the environment's own observations.

An observation is what the agent saw, which a log does not keep; so sessions are played, not converted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from ..log import Log
from ..log_schema import SCHEMA_VERSION, check_version, need
from ..policies import Policy
from ..settings import Settings
from .episodes import Episodes
from .episodes import record as play
from .episodes import to_log as rows_of

if TYPE_CHECKING:
    import minari

VERSION_KEY = "swipegym_schema_version"
IDS_KEY = "swipegym_ids"  # digest of the simulator's user and video ids, which the episodes' indices stand for


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
    spaces = Settings(**settings)
    loaded = spaces.loaded()
    played = play(
        policy,
        sessions=sessions,
        seed=seed,
        epsilon=epsilon,
        temperature=temperature,
        **{**settings, "simulator": loaded},
    )
    episodes = [buffer(**episode) for episode in _buffers(played)]
    about = {
        "algorithm_name": policy.spec if isinstance(policy, Policy) else getattr(policy, "__name__", str(policy)),
        "description": f"{sessions} sessions of swipegym/ShortVideo-v0, seed {seed}",
        "requirements": [f"swipegym=={_core.__version__}"],
        **(metadata or {}),
    }
    dataset = maker.create_dataset_from_buffers(
        dataset_id,
        buffer=episodes,
        observation_space=spaces.observation_space(loaded.num_videos),
        action_space=spaces.action_space(loaded.num_videos),
        env=_spec(settings),
        **about,
    )
    dataset.storage.update_metadata({VERSION_KEY: SCHEMA_VERSION, IDS_KEY: played.ids})
    return dataset


def to_log(dataset: minari.MinariDataset, simulator: _core.Simulator | str | os.PathLike | None = None) -> Log:
    """The rows of a data set that record() made, a session an episode. Environments know no calendar, so the log has no
    date, hourmin and time_ms; is_rand is true where all slots allowed were equally likely. Raises InputError for a data
    set that record() did not make, of a newer schema, or of a simulator with other users or videos."""
    metadata = dataset.storage.metadata
    if VERSION_KEY not in metadata:
        raise _core.InputError(f"{dataset.id}: no data set of formats.minari.record, which keeps what a log needs")
    check_version(metadata[VERSION_KEY], dataset.id)
    if IDS_KEY not in metadata:
        raise _core.InputError(
            f"{dataset.id}: an earlier swipegym recorded it, without its simulator's ids: record it again"
        )
    return rows_of(_episodes(dataset, metadata[IDS_KEY]), simulator, dataset.id)


def _buffers(played: Episodes) -> Iterator[dict]:
    """Each session as the fields of an EpisodeBuffer."""
    for number in range(played.sessions):
        steps = slice(*played.start[number : number + 2])
        entries = slice(steps.start + number, steps.stop + number + 1)
        yield {
            "id": number,
            "seed": int(played.seeds[number]),
            "observations": {name: array[entries] for name, array in played.observations.items()},
            "infos": {name: array[entries] for name, array in played.infos.items()},
            "actions": played.actions[steps],
            "rewards": played.rewards[steps].tolist(),
            "terminations": played.terminated[steps].tolist(),
            "truncations": played.truncated[steps].tolist(),
        }


def _episodes(dataset: minari.MinariDataset, ids: str) -> Episodes:
    episodes = list(dataset.iterate_episodes())

    def joined(of: Callable) -> np.ndarray:
        return np.concatenate([of(episode) for episode in episodes])

    return Episodes(
        observations={name: joined(lambda e, n=name: e.observations[n]) for name in episodes[0].observations},
        infos={name: joined(lambda e, n=name: e.infos[n]) for name in episodes[0].infos},
        actions=joined(lambda e: e.actions),
        rewards=joined(lambda e: e.rewards),
        terminated=joined(lambda e: e.terminations),
        truncated=joined(lambda e: e.truncations),
        start=np.cumsum([0, *(len(episode.actions) for episode in episodes)]),
        seeds=np.zeros(len(episodes), np.uint64),  # no row of a log has them
        ids=ids,
    )


def _spec(settings: Mapping):
    """What recover_environment() makes; None where the settings hold what no file can."""
    import gymnasium

    if isinstance(settings.get("simulator"), _core.Simulator):
        return None
    plain = {name: os.fspath(value) if isinstance(value, os.PathLike) else value for name, value in settings.items()}
    return gymnasium.make("swipegym/ShortVideo-v0", **plain).spec
