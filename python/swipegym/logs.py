"""Logs as columns: generated here, or read from KuaiRand's files."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np

from . import _core
from .evaluation import act_settings
from .policies import Policy
from .simulators import load_simulator

EVERY_SESSION = 2**62


class Log(Mapping):
    """Columns by name, each [rows]: a row is a video that was shown. Rows of a user follow one another in time.

    user_id, video_id: int64, ids of the data. user, video: indices of the simulator or data set. session: int64, counted
    from 0; only where it is known. date: yyyymmdd. hourmin: hhmm. time_ms: int64, Unix time. tab: uint8. play_time_ms,
    duration_ms: int32. is_rand: bool, chosen uniformly. propensity: float32, the chance that the policy gave this video
    among those offered; absent or NaN where it is not known. candidate: [rows, m] int32 video indices, -1 where a slot
    could not be chosen; only where it was kept. is_click, ...: int8, one for each of swipegym.SIGNAL_NAMES.
    """

    def __init__(self, columns: Mapping[str, np.ndarray]):
        self.columns = dict(columns)
        if "signals" in self.columns:
            bits = self.columns.pop("signals")
            for i, name in enumerate(_core.SIGNAL_NAMES):
                self.columns[name] = (bits >> i & 1).astype(np.int8)
        self.columns["is_rand"] = np.asarray(self.columns["is_rand"], bool)

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]

    def __iter__(self):
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def rows(self) -> int:
        return len(self.columns["video"])

    def to_pandas(self):
        """A DataFrame; the candidate sets as a column of lists."""
        import pandas

        return pandas.DataFrame(
            {name: list(array) if array.ndim > 1 else array for name, array in self.columns.items()}
        )

    def __repr__(self) -> str:
        sessions = f", {self['session'][-1] + 1:,} sessions" if self.rows and "session" in self.columns else ""
        users = len(np.unique(self["user_id"]))
        return f"<swipegym.Log of {self.rows:,} rows{sessions}, {users:,} users>"


def generate(
    policy: Policy | str | os.PathLike = "random",
    *,
    sessions: int = 1000,
    seed: int = 1,
    simulator: _core.Simulator | str | os.PathLike | None = None,
    candidates: int = 10,
    source: str = "random",
    history_length: int = 50,
    max_steps: int = 100,
    reward: Mapping[str, float] | None = None,
    epsilon: float = 0.0,
    temperature: float | None = None,
    keep_candidates: bool = False,
    threads: int = 0,
) -> Log:
    """Lets users live through days behind the fitted log while a policy shows them videos; the same rows as `swipegym
    generate` writes.

    epsilon: probability of a uniform choice instead of the best. temperature: choose by softmax(score / temperature);
    0 for the best, None as the policy does by itself. keep_candidates: the column `candidate`. Others: see Settings.
    """
    simulator = load_simulator(simulator)
    native = policy.native if isinstance(policy, Policy) else Policy(policy, simulator).native
    settings = act_settings(
        candidates, source, history_length, max_steps, {"watch_s": 1.0} if reward is None else reward, epsilon, temperature
    )
    return Log(_core.generate(simulator, native, settings, sessions, 0, 0, seed, keep_candidates, threads))


def generate_part(
    part: int,
    users_per_part: int = 512,
    *,
    policy: Policy | str | os.PathLike = "random",
    seed: int = 1,
    simulator: _core.Simulator | str | os.PathLike | None = None,
    candidates: int = 10,
    source: str = "random",
    history_length: int = 50,
    max_steps: int = 100,
    epsilon: float = 0.0,
    temperature: float | None = None,
    keep_candidates: bool = False,
    threads: int = 0,
) -> Log:
    """Part `part` (0, 1, ...) of an endless log: all sessions of users_per_part users' periods. Parts one behind the
    other are one log, whoever makes them and in what order; sessions are counted from 0 in each part.
    """
    simulator = load_simulator(simulator)
    native = policy.native if isinstance(policy, Policy) else Policy(policy, simulator).native
    settings = act_settings(candidates, source, history_length, max_steps, {"watch_s": 1.0}, epsilon, temperature)
    return Log(
        _core.generate(
            simulator,
            native,
            settings,
            EVERY_SESSION,
            part * users_per_part,
            users_per_part,
            seed,
            keep_candidates,
            threads,
        )
    )


def read_log(path: str | os.PathLike, *, threads: int = 0) -> Log:
    """A KuaiRand release (a folder of CSV files) or a store of `swipegym data import`, all rows."""
    return Log(_core.read_log(os.fspath(path), threads))
