"""Logs that are made here, or read from files."""

from __future__ import annotations

import os
from collections.abc import Mapping

from . import _core, arguments
from .formats import arrow, kuairand, recbole, rlds  # noqa: F401, which say how files are written and read
from .log import Log, format_of
from .functions import Choose
from .policies import Policy
from .settings import Settings, exploration
from .sources import CandidateSource

MOST_USERS = 2**62  # periods of users, counted over all parts of an endless log


def generate(
    policy: Policy | str | os.PathLike | Choose | Mapping = "random",
    *,
    sessions: int = 1000,
    seed: int = 1,
    simulator: _core.Simulator | str | os.PathLike | None = None,
    candidates: int = 10,
    source: str | os.PathLike | CandidateSource = "random",
    history_length: int = 50,
    max_steps: int = 100,
    reward: Mapping[str, float] | None = None,
    epsilon: float = 0.0,
    temperature: float | None = None,
    keep_candidates: bool = False,
    first_user: int = 0,
    users: int = 0,
    threads: int = 0,
) -> Log:
    """Lets users live through days behind the fitted log while a policy shows them videos; the same rows as `swipegym
    generate` writes.

    policy: a name or file, a Policy, a function, or a composition, see Policy.
    epsilon: probability of a uniform choice instead of the best. temperature: choose by softmax(score / temperature);
    0 for the best, None as the policy does by itself. keep_candidates: the column `candidate`. users: all sessions
    of so many users' periods from number first_user on, at most `sessions`; 0 for as many as the sessions take. Others:
    see Settings.
    """
    world = Settings(
        simulator=simulator,
        candidates=candidates,
        source=source,
        history_length=history_length,
        max_steps=max_steps,
        reward={"watch_s": 1.0} if reward is None else reward,
        threads=threads,
    )
    loaded = world.loaded()
    return Log(
        _core.generate(
            loaded,
            Policy.of(policy, loaded).native,
            world.native(),
            exploration(epsilon, temperature),
            arguments.ranged("sessions", sessions),
            arguments.whole("first_user", first_user, 0, MOST_USERS),
            arguments.whole("users", users, 0, MOST_USERS),
            arguments.seed("seed", seed),
            arguments.flag("keep_candidates", keep_candidates),
            world.threads,
        )
    )


def generate_part(part: int, users_per_part: int = 512, **settings) -> Log:
    """Part `part` (0, 1, ...) of an endless log: all sessions of users_per_part users' periods. Parts one behind the
    other are one log, whoever makes them and in what order; sessions are counted from 0 in each part. settings: those
    of generate.
    """
    part = arguments.whole("part", part)
    users_per_part = arguments.whole("users_per_part", users_per_part, 1)
    first = part * users_per_part
    return generate(sessions=arguments.MOST_SESSIONS, first_user=first, users=users_per_part, **settings)


def read_log(path: str | os.PathLike, **options) -> Log:
    """All rows of a log that Log.save wrote (.parquet, .h5, .inter), or of any KuaiRand release (a folder of CSV files)
    or store of `swipegym data import`. options: those of formats.kuairand.read, candidates and threads, for the two.

    A folder of Parquet files may be one that swipegym.ray.generate wrote, or one of episodes (formats.rlds.write); of the
    latter the option simulator is the one they were recorded in, None the package's.
    """
    path = arguments.path("path", path)
    if arrow.is_folder(path):
        unknown = options.keys() - {"simulator"}
        if unknown:
            raise arguments.refused(f"option {min(unknown)!r} of a folder of Parquet files", options[min(unknown)], "simulator alone")
        return _read_parquet_folder(path, **options)
    return format_of(path).read(path, **options)


def _read_parquet_folder(path: str, *, simulator: _core.Simulator | str | os.PathLike | None = None) -> Log:
    table = arrow.read_folder(path)
    if rlds.is_episodes(table.schema):
        return rlds.read_episodes_as_log(table, path, simulator)
    return arrow.from_arrow(table, path)
