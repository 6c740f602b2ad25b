"""What columns a log may have: their types, units and when they are null. docs/logs.md is this table in words."""

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
            raise _core.InputError(f"{source}: no column of a log is named '{name}'; docs/logs.md lists them")
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


def check_version(version: int, source: str) -> None:
    """Raises InputError for a file of a schema that is newer than this package."""
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
    array = np.asarray(values)
    dimensions = 2 if name == "candidate" else 1
    if array.ndim != dimensions:
        raise _core.InputError(f"{source}: column '{name}' has shape {array.shape}, expected {dimensions} dimension(s)")
    if array.dtype == column.dtype:
        return np.ascontiguousarray(array)
    if array.dtype.kind not in "biuf":
        raise _core.InputError(f"{source}: column '{name}' has dtype {array.dtype}, expected numbers")
    with np.errstate(invalid="ignore", over="ignore"):
        cast = array.astype(column.dtype)
    if cast.dtype.kind != "f" and not np.array_equal(cast, array):
        row = int(np.flatnonzero((cast != array).reshape(len(array), -1).any(axis=1))[0])
        raise _core.InputError(
            f"{source}: column '{name}' holds {array[row]} in row {row}, expected {np.dtype(column.dtype).name}"
        )
    return cast


def _check_values(columns: Mapping[str, np.ndarray], source: str) -> None:
    def refuse(name: str, wrong: np.ndarray, expected: str) -> None:
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise _core.InputError(
                f"{source}: column '{name}' holds {columns[name][row]} in row {row}, expected {expected}"
            )

    for name in ("video", "play_time_ms", "duration_ms"):
        refuse(name, columns[name] < 0, "at least 0")
    for name in _core.SIGNAL_NAMES:
        refuse(name, (columns[name] != 0) & (columns[name] != 1), "0 or 1")
    if "propensity" in columns:
        known = ~np.isnan(columns["propensity"])
        chance = columns["propensity"]
        refuse("propensity", known & ~((chance > 0) & (chance <= 1)), "a probability above 0, or null")
    if "candidate" in columns:
        offered = (columns["candidate"] == columns["video"][:, None]).any(axis=1)
        refuse("video", ~offered, "one of the row's candidates")
