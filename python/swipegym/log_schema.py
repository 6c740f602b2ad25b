"""What columns a log may have: their types, units and when they are null. docs/guide/logs.md is this table in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from . import _core

SCHEMA_VERSION = 1
NEVER = "never null"


@dataclass(frozen=True)
class Column:
    dtype: type
    unit: str
    null: str = NEVER
    required: bool = True


COLUMNS: dict[str, Column] = {
    "user_id": Column(np.int64, "id of the data"),
    "video_id": Column(np.int64, "id of the data"),
    "user": Column(np.uint32, "index of the simulator or data set"),
    "video": Column(np.int32, "index of the simulator or data set"),
    "session": Column(np.int64, "counted from 0", "absent where sessions are not known", False),
    "date": Column(np.int32, "yyyymmdd", "absent where time is not known", False),
    "hourmin": Column(np.int16, "hhmm", "absent where time is not known", False),
    "time_ms": Column(np.int64, "ms of Unix time", "absent where time is not known", False),
    "tab": Column(np.uint8, "KuaiRand's code"),
    "play_time_ms": Column(np.int32, "ms"),
    "duration_ms": Column(np.int32, "ms; 0 is unknown"),
    **{name: Column(np.int8, "0 or 1") for name in _core.SIGNAL_NAMES},
    "is_rand": Column(np.bool_, "chosen uniformly"),
    "propensity": Column(np.float32, "probability among the candidates", "absent or null where not known", False),
    "candidate": Column(np.int32, "[m] video indices; -1: could not be chosen", "absent where not kept", False),
}


def checked(columns: Mapping[str, np.ndarray], source: str = "a log") -> dict[str, np.ndarray]:
    """The columns in the schema's order and types. Raises InputError, with `source` in it, for a column that is
    missing, unknown, of another length than the first one, or that holds what its type cannot."""
    for name in columns:
        if name not in COLUMNS:
            raise _core.InputError(f"{source}: no column of a log is named '{name}'; docs/guide/logs.md lists them")
    out: dict[str, np.ndarray] = {}
    for name, column in COLUMNS.items():
        if name in columns:
            out[name] = _typed(name, columns[name], column, source)
        elif column.required:
            raise _core.InputError(f"{source}: column '{name}' is missing; it has {', '.join(columns)}")
    rows = len(out["user_id"])
    for name, array in out.items():
        if len(array) != rows:
            raise _core.InputError(f"{source}: column '{name}' has {len(array)} rows, 'user_id' has {rows}")
    _check_values(out, source)
    return out


def require_rows_of(log: Mapping[str, np.ndarray], simulator: _core.Simulator, source: str = "the log") -> None:
    """Raises InputError unless the log's indices mean the simulator's users and videos, by their ids."""
    for index, name in (("user", "user_id"), ("video", "video_id")):
        ids, rows = getattr(simulator, name), log[index]
        if len(rows) and (rows.max() >= len(ids) or not np.array_equal(ids[rows], log[name])):
            raise _core.InputError(
                f"{source}: the simulator has other {index}s than the log; give the one that made it by simulator="
            )
    if "candidate" in log and len(log["candidate"]) and log["candidate"].max() >= simulator.num_videos:
        raise _core.InputError(
            f"{source}: column 'candidate' holds {log['candidate'].max()}, the simulator has {simulator.num_videos} "
            "videos; give the one that made the log by simulator="
        )


def check_version(version, source: str) -> None:
    """Raises InputError for a file of a schema that is newer than this package, or whose version is no number."""
    try:
        version = int(version)
    except (TypeError, ValueError) as error:
        raise _core.InputError(f"{source}: its schema version is {version!r}, expected a number") from error
    if version > SCHEMA_VERSION:
        raise _core.InputError(
            f"{source}: its schema version is {version}, this swipegym reads up to {SCHEMA_VERSION}: "
            "install the swipegym that wrote it, or a newer one"
        )


def need(package: str, what: str, install: str | None = None):
    """The optional package, imported. Raises ImportError that says what to install: `install`, or the package."""
    import importlib

    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise ImportError(f"{what} needs {package}: pip install {install or package.split('.')[0]}") from error


def _typed(name: str, values, column: Column, source: str) -> np.ndarray:
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise _core.InputError(f"{source}: column '{name}' is masked in places, expected a value in every row")
    array = np.asarray(values)
    dimensions = 2 if name == "candidate" else 1
    if array.ndim != dimensions:
        raise _core.InputError(f"{source}: column '{name}' has shape {array.shape}, expected {dimensions} dimension(s)")
    if array.dtype == column.dtype:
        return np.ascontiguousarray(array)
    if array.dtype.kind not in "biuf":
        raise _core.InputError(f"{source}: column '{name}' has dtype {array.dtype}, expected numbers")
    lost = _not_held(array, np.dtype(column.dtype))
    if lost.any():
        row = int(np.flatnonzero(lost.reshape(len(array), -1).any(axis=1))[0])
        raise _core.InputError(
            f"{source}: column '{name}' holds {array[row]} in row {row}, expected {np.dtype(column.dtype).name}"
        )
    with np.errstate(over="ignore"):
        return array.astype(column.dtype)


def _not_held(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Where the type would make another number of a value; a fraction may be rounded to fewer bits."""
    if dtype.kind == "f":
        return np.zeros(array.shape, bool)
    low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    if (
        array.dtype.kind == "f"
    ):  # where floats are too far apart to be counted by, a number was lost before it came here
        exact = 2 ** (np.finfo(array.dtype).nmant + 1)
        low, high = max(low, -exact), min(high, exact)
        return ~((array >= low) & (array <= high) & (array == np.floor(array)))
    if array.dtype.kind == "b":
        return np.zeros(array.shape, bool)
    known = np.iinfo(array.dtype)
    return (array < max(low, known.min)) | (array > min(high, known.max))


def _check_values(columns: Mapping[str, np.ndarray], source: str) -> None:
    def refuse(name: str, wrong: np.ndarray, expected: str) -> None:
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise _core.InputError(
                f"{source}: column '{name}' holds {columns[name][row]} in row {row}, expected {expected}"
            )

    for name, array in columns.items():
        found = _core.first_refused_value(name, array)
        if found is not None:
            row, expected = found
            raise _core.InputError(f"{source}: column '{name}' holds {array[row]} in row {row}, expected {expected}")
    for name in {"video", "session"} & columns.keys():
        refuse(name, columns[name] < 0, "at least 0")
    for name in _core.SIGNAL_NAMES:
        refuse(name, (columns[name] != 0) & (columns[name] != 1), "0 or 1")
    if "propensity" in columns:
        known = ~np.isnan(columns["propensity"])
        chance = columns["propensity"]
        refuse("propensity", known & ~((chance > 0) & (chance <= 1)), "a probability above 0, or null")
    if "candidate" in columns:
        refuse("candidate", (columns["candidate"] < -1).any(axis=1), "video indices, or -1")
        offered = (columns["candidate"] == columns["video"][:, None]).any(axis=1)
        refuse("video", ~offered, "one of the row's candidates")
