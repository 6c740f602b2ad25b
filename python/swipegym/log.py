"""A log as columns. Formats say here how they write and read one; none of them is imported here."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import _core, arguments
from .log_schema import checked, require_rows_of
from .simulators import load_simulator


class FileFormat(NamedTuple):
    """Of files whose names end in a suffix; of folders "". replace: see Log.save."""

    write: Callable[[Log, str, bool, dict], None]  # (log, path, replace, options)
    read: Callable[..., Log]  # (path, **options)


class Conversion(NamedTuple):
    """Between a log and another library's table."""

    of_log: Callable
    to_log: Callable


file_formats: dict[str, FileFormat] = {}  # by suffix; each module of swipegym.formats adds its own
conversions: dict[str, Conversion] = {}


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

    def save(self, path: str | os.PathLike, *, replace: bool = False, **options) -> None:
        """Writes the log in the format of the suffix: .parquet; .h5 for a store and none for a folder of KuaiRand's
        files (options of formats.kuairand.write: simulator, tables, candidates); .inter for RecBole's atomic files
        (option simulator). read_log reads them all.

        A file is always replaced; of folders one that swipegym wrote and nobody changed. replace: another folder too, if
        it holds nothing but files of a release.
        """
        path = arguments.path("path", path)
        format_of(path).write(self, path, arguments.flag("replace", replace), options)

    def to_pandas(self):
        """A DataFrame; the candidate sets as a column of lists."""
        return conversions["pandas"].of_log(self)

    def to_arrow(self):
        """A pyarrow Table with units and null rules in its fields; unknown propensities are null."""
        return conversions["arrow"].of_log(self)

    @staticmethod
    def from_pandas(frame) -> Log:
        return conversions["pandas"].to_log(frame)

    @staticmethod
    def from_arrow(table) -> Log:
        return conversions["arrow"].to_log(table)

    def __repr__(self) -> str:
        sessions = f", {len(np.unique(self['session'])):,} sessions" if "session" in self.columns else ""
        users = len(np.unique(self["user_id"]))
        return f"<swipegym.Log of {self.rows:,} rows{sessions}, {users:,} users>"


def format_of(path: str) -> FileFormat:
    """By the suffix of a file; a folder is one whatever its name."""
    suffix = "" if Path(path).is_dir() else Path(path).suffix.lower()
    if suffix not in file_formats:
        raise _core.InputError(
            f"{path}: no format of logs ends in '{suffix}'; there are .parquet, .h5, .inter, and folders"
        )
    return file_formats[suffix]


def native_columns(log: Log) -> dict[str, np.ndarray]:
    """As the engine has them: signals as one column of bits, flags as bytes."""
    columns = {name: array for name, array in log.items() if name not in _core.SIGNAL_NAMES}
    columns["is_rand"] = log["is_rand"].astype(np.uint8)
    columns["signals"] = signal_bits(log)
    return columns


def signal_bits(log: Log) -> np.ndarray:
    """[rows] uint8: bit i is swipegym.SIGNAL_NAMES[i]."""
    bits = np.zeros(log.rows, np.uint8)
    for i, name in enumerate(_core.SIGNAL_NAMES):
        bits |= log[name].astype(np.uint8) << i
    return bits


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
    seen = _core.logged_observations(simulator, native_columns(log.take(order)), history_length)
    back = np.argsort(order)
    observation = {name: array[back] for name, array in seen.items()}
    mask = (log["candidate"] >= 0).astype(np.int8)
    observation["candidate"] = np.maximum(log["candidate"], 0)
    observation["candidate_features"] = simulator.video_features[observation["candidate"]].reshape(
        log.rows, log["candidate"].shape[1] * _core.VIDEO_FEATURES
    )
    return observation, {"user": log["user"], "action_mask": mask}
