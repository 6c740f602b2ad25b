"""Policies on the same sessions, the sessions shared out over a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from .. import _core, arguments
from ..evaluation import ROWS, Evaluation, evaluate
from ..log_schema import need
from ..policies import Policy
from .sent_files import policy_of, send, unpacked, world
from .shares import RETRIES, ProgressLine, in_order, started, window

SESSIONS_PER_SHARE = 4096


def compare(
    policies: Sequence[str | os.PathLike] | Mapping[str, str | os.PathLike | Callable],
    *,
    sessions: int = 100_000,
    simulator: str | os.PathLike | None = None,
    seed: int = 1,
    source: str | os.PathLike = "random",
    sessions_per_share: int = SESSIONS_PER_SHARE,
    cpus_per_task: int = 1,
    quiet: bool = False,
    **settings,
) -> dict[str, Evaluation]:
    """swipegym.evaluate of each policy on the same sessions: its columns, session by session, in the order of policies.

    policies: names and policy files; or a mapping from what to call them, whose values may also be functions of
        (observation, info) as evaluate takes them. Those of the calling script or notebook are sent whole; one of a
        module is sent by name, and the module must be there on every machine.
    sessions_per_share: at least 256; never changes a result, unless a function remembers what it was asked before.
    cpus_per_task: threads that work at a share.
    settings: others of swipegym.evaluate (candidates, reward, ...).

    Starts Ray on this machine where no cluster runs. Raises InputError for policies that cannot be loaded before any
    work is handed out.
    """
    sessions = arguments.whole("sessions", sessions, 2)
    sessions_per_share = arguments.whole("sessions_per_share", sessions_per_share, ROWS)
    cpus_per_task = arguments.whole("cpus_per_task", cpus_per_task, 1, arguments.MOST_THREADS)
    if not isinstance(policies, Mapping):
        named = {os.fspath(policy): policy for policy in policies}
        if len(named) != len(policies):
            raise _core.InputError(f"a policy is named twice: {', '.join(map(os.fspath, policies))}")
        policies = named
    if not policies:
        raise _core.InputError("no policies to compare")
    ray = started()
    world_sent, source_sent = send(ray, simulator, "simulator"), send(ray, source, "source")
    sent = {name: _sent_policy(ray, name, policy, world_sent) for name, policy in policies.items()}
    task = ray.remote(num_cpus=cpus_per_task, max_retries=RETRIES)(_play_share)
    shares = _shares(sessions, sessions_per_share)
    settings = {"seed": seed, "threads": cpus_per_task, **settings}
    tasks = (
        task.remote(policy, world_sent, source_sent, first, count, settings)
        for policy in sent.values()
        for first, count in shares
    )
    played = in_order(ray, tasks, window(ray, cpus_per_task))
    progress = ProgressLine("sessions", sessions * len(sent), quiet)
    out, done = {}, 0
    for name in sent:
        mine = []
        for _, count in shares:
            mine.append(next(played))
            done += count
            progress.show(done)
        columns = {column: np.concatenate([share.columns[column] for share in mine]) for column in mine[0].columns}
        out[name] = Evaluation(columns, {**mine[0].played, "sessions": sessions})
    return out


def _shares(sessions: int, per_share: int) -> list[tuple[int, int]]:
    """(first session, how many). What is left over goes with the last one: fewer than 256 would be played in batches of
    another size than evaluate's, and a network's sums may then differ in their last bit."""
    firsts = range(0, max(sessions - per_share, 0) + 1, per_share)
    return [(first, (firsts[i + 1] if i + 1 < len(firsts) else sessions) - first) for i, first in enumerate(firsts)]


def _sent_policy(ray, name: str, policy, simulator):
    if callable(policy) and not isinstance(policy, Policy):
        return ray.put(policy)
    sent = send(ray, policy, f"policy '{name}'")
    policy_of(unpacked(ray, sent), unpacked(ray, simulator))  # what is wrong with it is said here, not by a worker
    return sent


# What workers run.


def _play_share(policy, simulator, source, first: int, sessions: int, settings: dict) -> Evaluation:
    ray = need("ray", "a cluster")
    simulator = unpacked(ray, simulator)
    if not callable(policy):
        policy = policy_of(unpacked(ray, policy), simulator)
    return evaluate(
        policy,
        sessions=sessions,
        first_session=first,
        simulator=world(simulator),
        source=unpacked(ray, source),
        **settings,
    )
