"""Policies on the same sessions: those of the program, and any function of an observation."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import _core, arguments
from .functions import is_function
from .policies import Policy
from .settings import Settings, exploration
from .sources import CandidateSource
from .vector_env import ShortVideoVectorEnv

SHOWN = ("video", "watch_s", "watch_ratio", "signals")
ROWS = 256  # sessions under way, as the program's own evaluations have them


@dataclass(frozen=True)
class Evaluation:
    """What sessions came to, one entry a session; session i is the same in every evaluation of the same sessions."""

    columns: dict[str, np.ndarray]  # reward, watch_s, watch_ratio, videos, gap_h, and each signal's count
    played: dict[str, object]  # which sessions of which world these are: what is equal where they may be paired

    @property
    def reward(self) -> np.ndarray:
        """[sessions] undiscounted returns."""
        return self.columns["reward"]

    @property
    def mean(self) -> float:
        return float(self.reward.mean())

    def interval(self, versus: Evaluation | None = None) -> tuple[float, float]:
        """95 % interval of the mean return, or of the mean difference from another evaluation, session by session.

        Raises InputError that names what differs where the two did not play the same sessions of the same world for the
        same reward.
        """
        values = self.reward.astype(float)
        if versus is not None:
            self._require_same_sessions(versus)
            values = values - versus.reward
        half = 1.96 * values.std(ddof=1) / np.sqrt(len(values))
        return float(values.mean() - half), float(values.mean() + half)

    def _require_same_sessions(self, other: Evaluation) -> None:
        if not isinstance(other, Evaluation):
            raise arguments.refused("versus", other, "an Evaluation")
        for what, mine in self.played.items():
            theirs = other.played.get(what)
            if mine != theirs:
                raise _core.InputError(
                    f"versus: {what} is {mine} here and {theirs} there: only the same sessions are paired"
                )

    def __repr__(self) -> str:
        low, high = self.interval()
        return f"{self.mean:.2f} [{low:.2f}, {high:.2f}] a session ({len(self.reward)} sessions)"


def evaluate(
    policy: Callable[[Mapping[str, np.ndarray], Mapping], np.ndarray] | Policy | str | os.PathLike | Mapping,
    *,
    sessions: int = 1000,
    seed: int = 1,
    first_session: int = 0,
    simulator: _core.Simulator | str | os.PathLike | None = None,
    candidates: int = 10,
    source: str | os.PathLike | CandidateSource = "random",
    slate: int = 1,
    history_length: int = 50,
    max_steps: int = 100,
    reward: Mapping[str, float] | None = None,
    threads: int = 0,
) -> Evaluation:
    """Plays `sessions` fresh sessions to their end.

    policy: a name, file or composition (see Policy), a Policy, or a function of (observation, info) that returns a slot a row, or a
        slate of them, with rows as make_vec has them; it is always asked for 256 rows, and rows whose sessions are all played do not count.
    seed: the sessions; users, starts, candidates and answers are the same for every policy, so that differences are
        paired: `a.interval(versus=b)`. first_session: number of the first of them, for whoever plays a share of 256 or
        more: shares one behind the other are one evaluation.
    Other arguments: see Settings.
    """
    sessions = arguments.whole("sessions", sessions, 2, arguments.MOST_SESSIONS)
    seed = arguments.seed("seed", seed)
    first_session = arguments.whole("first_session", first_session, 0, arguments.MOST_SESSIONS)
    world = Settings(
        simulator=simulator,
        candidates=candidates,
        source=source,
        slate=slate,
        history_length=history_length,
        max_steps=max_steps,
        reward={"watch_s": 1.0} if reward is None else reward,
        threads=threads,
    )
    loaded = world.loaded()
    played = {"seed": seed, "first_session": first_session, "sessions": sessions, **_identity(world, loaded)}
    if is_function(policy) and not isinstance(policy, Policy):
        return Evaluation(_play(policy, _core.session_seeds(seed, sessions, first_session), world, loaded), played)
    native = Policy.of(policy, loaded).native
    columns = _core.play(loaded, native, world.native(), exploration(), sessions, seed, first_session, world.threads)
    return Evaluation(columns, played)


def _identity(world: Settings, simulator: _core.Simulator) -> dict[str, object]:
    """What decides the sessions and what they earn, whoever chooses the videos."""
    file = Path(world.source_name)
    is_file = isinstance(world.source, str) and file.is_file()
    return {
        "simulator": simulator.fingerprint,
        "candidates": world.candidates,
        "slate": world.slate,
        "source": hashlib.sha256(file.read_bytes()).hexdigest()[:16] if is_file else world.source,
        "history_length": world.history_length,
        "max_steps": world.max_steps,
        "reward": {term: weight for term, weight in sorted(world.reward.items()) if weight != 0.0},
    }


def _play(choose, seeds: np.ndarray, world: Settings, simulator: _core.Simulator) -> dict[str, np.ndarray]:
    total, rows = len(seeds), ROWS
    envs = ShortVideoVectorEnv(
        rows,
        copy=False,
        autoreset_mode="Disabled",
        simulator=simulator,
        candidates=world.candidates,
        source=world.source,
        slate=world.slate,
        history_length=world.history_length,
        max_steps=world.max_steps,
        reward=world.reward,
        threads=world.threads,
    )
    columns = {name: np.zeros(total, np.float32) for name in ("reward", "watch_s", "watch_ratio", "gap_h")}
    columns["videos"] = np.zeros(total, np.uint32)
    columns.update({name: np.zeros(total, np.uint16) for name in _core.SIGNAL_NAMES})
    session = np.where(np.arange(rows) < total, np.arange(rows), -1)
    next_session = min(rows, total)
    observation, info = envs.reset(seed=seeds[np.maximum(session, 0)])
    while (session >= 0).any():
        actions = np.asarray(choose(observation, info))
        observation, reward, terminated, truncated, info = envs.step(actions)
        counted = session >= 0
        at = session[counted]
        columns["reward"][at] += reward[counted].astype(np.float32)
        for place in range(world.slate):
            shown = {name: info[name].reshape(rows, -1)[counted, place] for name in SHOWN}
            columns["watch_s"][at] += shown["watch_s"].astype(np.float32)
            columns["watch_ratio"][at] += np.minimum(shown["watch_ratio"], 5.0).astype(np.float32)
            columns["videos"][at] += shown["video"] >= 0
            bits = shown["signals"].astype(np.uint16)
            for i, name in enumerate(_core.SIGNAL_NAMES):
                columns[name][at] += bits >> i & 1
        over = terminated | truncated
        if not over.any():
            continue
        ended = over & counted
        columns["gap_h"][session[ended]] = np.minimum(info["gap_h"][ended], 168.0)
        # Rows for which no session is left play the first one again, uncounted: a batch has no holes.
        free = np.flatnonzero(over)
        session[free] = np.where(np.arange(len(free)) < total - next_session, next_session + np.arange(len(free)), -1)
        next_session = min(total, next_session + len(free))
        observation, info = envs.reset(seed=seeds[np.maximum(session, 0)], options={"reset_mask": over})
    return columns
