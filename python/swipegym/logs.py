"""Logs as columns: generated here, or read from KuaiRand's files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from . import _core, arguments
from .formats import arrow, kuairand, recbole
from .log_schema import checked, require_rows_of
from .policies import Policy
from .settings import Settings, act_settings
from .simulators import load_simulator

MOST_USERS = 2**62  # periods of users, counted over all parts of an endless log
SUFFIXES = ("", ".h5", ".hdf5", ".inter", ".parquet")


class Log(Mapping):
    """Columns by name, each [rows]: a row is a video that was shown. Rows of a user follow one another in time.

    user_id, video_id: int64, ids of the data. user, video: indices of the simulator or data set. session: int64,
    counted from 0; only where it is known. date: yyyymmdd. hourmin: hhmm. time_ms: int64, Unix time. tab: uint8. play_time_ms,
    duration_ms: int32. is_rand: bool, chosen uniformly. propensity: float32, the chance that the policy gave this video
    among those offered; absent or NaN where it is not known. candidate: [rows, m] int32 video indices, -1 where a slot
    could not be chosen; only where it was kept. is_click, ...: int8, one for each of swipegym.SIGNAL_NAMES.

    Logs are equal when they have the same columns with the same values, NaN equal to NaN. The schema is in
    docs/guide/logs.md. Raises InputError for columns that are missing, unknown, of different lengths or of values out of
    range; `source` says where they came from.
    """

    def __init__(self, columns: Mapping[str, np.ndarray], source: str = "a log"):
        if not isinstance(columns, Mapping):
            raise arguments.refused("columns", columns, "a mapping from names to arrays")
        columns = dict(columns)
        if "signals" in columns:
            twice = [name for name in _core.SIGNAL_NAMES if name in columns]
            if twice:
                raise _core.InputError(f"{source}: columns 'signals' and '{twice[0]}' both say what was given")
            bits = columns.pop("signals")
            bits = arguments.whole_numbers(f"{source}: column 'signals'", bits, (np.size(bits),), np.uint8)
            for i, name in enumerate(_core.SIGNAL_NAMES):
                columns[name] = (bits >> i & 1).astype(np.int8)
        self.columns = checked(columns, source)

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]

    def __iter__(self):
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def __eq__(self, other) -> bool:
        if not isinstance(other, Log):
            return NotImplemented
        return self.keys() == other.keys() and all(
            np.array_equal(array, other[name], equal_nan=name == "propensity") for name, array in self.items()
        )

    @property
    def rows(self) -> int:
        return len(self.columns["user_id"])

    def take(self, rows: np.ndarray) -> Log:
        """The rows numbered, or those of a mask, as a log."""
        return Log({name: array[rows] for name, array in self.items()})

    def by_user(self) -> Log:
        """Rows ordered by user and time, as read_log gives those of KuaiRand's files."""
        if "time_ms" not in self:
            raise _core.InputError("this log has no column 'time_ms' to be ordered by")
        return self.take(np.lexsort((self["time_ms"], self["user"])))

    def observations(
        self, simulator: _core.Simulator | str | os.PathLike | None = None, history_length: int = 50
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """(observation, info) of every row, as Policy.score takes them: what `swipegym evaluate` lets a policy see.

        The history is the user's strictly earlier rows of this log; where in its session a row stands (context 0 and 1)
        is 0. Needs the column candidate. info: user and action_mask.
        """
        return logged_observations(self, load_simulator(simulator), history_length)

    def save(self, path: str | os.PathLike, **options) -> None:
        """Writes the log in the format of the suffix: .parquet; .h5 for a store and none for a folder of KuaiRand's
        files (options of formats.kuairand.write: simulator, tables, candidates); .inter for RecBole's atomic files
        (option simulator). read_log reads them all.
        """
        path = arguments.path("path", path)
        suffix = _suffix(path)
        if suffix == ".parquet":
            arrow.write_parquet(self, path, **options)
        elif suffix == ".inter":
            recbole.write(self, path, **options)
        else:
            kuairand.write(self, path, store=suffix != "", **options)

    def to_pandas(self):
        """A DataFrame; the candidate sets as a column of lists."""
        return arrow.to_pandas(self)

    def to_arrow(self):
        """A pyarrow Table with units and null rules in its fields; unknown propensities are null."""
        return arrow.to_arrow(self)

    @staticmethod
    def from_pandas(frame) -> Log:
        return arrow.from_pandas(frame)

    @staticmethod
    def from_arrow(table) -> Log:
        return arrow.from_arrow(table)

    def __repr__(self) -> str:
        sessions = f", {len(np.unique(self['session'])):,} sessions" if "session" in self.columns else ""
        users = len(np.unique(self["user_id"]))
        return f"<swipegym.Log of {self.rows:,} rows{sessions}, {users:,} users>"


def generate(
    policy: Policy | str | os.PathLike = "random",
    *,
    sessions: int = 1000,
    seed: int = 1,
    simulator: _core.Simulator | str | os.PathLike | None = None,
    candidates: int = 10,
    source: str | os.PathLike = "random",
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
            act_settings(world, epsilon, temperature),
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
    """
    path = arguments.path("path", path)
    suffix = _suffix(path)
    if suffix == ".parquet":
        return arrow.read_parquet(path, **options)
    if suffix == ".inter":
        return recbole.read(path, **options)
    return kuairand.read(path, **options)


def logged_observations(
    log: Log, simulator: _core.Simulator, history_length: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """See Log.observations."""
    for name in ("candidate", "time_ms"):
        if name not in log:
            raise _core.InputError(f"this log has no column '{name}', which observations are made of")
    require_rows_of(log, simulator)
    history_length = arguments.ranged("history_length", history_length)
    order = np.lexsort((log["time_ms"], log["user"]))
    seen = _core.logged_observations(simulator, kuairand.native_columns(log.take(order)), history_length)
    back = np.argsort(order)
    observation = {name: array[back] for name, array in seen.items()}
    mask = (log["candidate"] >= 0).astype(np.int8)
    observation["candidate"] = np.maximum(log["candidate"], 0)
    observation["candidate_features"] = simulator.video_features[observation["candidate"]].reshape(
        log.rows, log["candidate"].shape[1] * _core.VIDEO_FEATURES
    )
    return observation, {"user": log["user"], "action_mask": mask}


def _suffix(path: str) -> str:
    """Of a file; '' for a folder, whatever its name."""
    suffix = Path(path).suffix.lower()
    if Path(path).is_dir():
        return ""
    if suffix not in SUFFIXES:
        raise _core.InputError(
            f"{path}: no format of logs ends in '{suffix}'; there are .parquet, .h5, .inter, and folders"
        )
    return suffix
