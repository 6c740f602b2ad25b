"""A folder of Parquet files whose rows are RLDS's steps (Ramos et al., 2021): what TFDS, DuckDB, Spark and polars take.

A session of T steps has T + 1 rows: the last one, `is_last`, has what was seen at its end and no action. read_log()
gives the rows of such a folder as a log, read() the episodes as they were.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from .. import _core, arguments
from ..log import Log
from ..log_schema import SCHEMA_VERSION, check_version, need
from . import arrow
from .episodes import Episodes, to_log
from .files import whole_folder

VERSION_KEY, IDS_KEY = b"swipegym.episodes.schema_version", b"swipegym.episodes.ids"
SESSIONS_A_PART = 10_000
# Beside `observation` and `info`, structs: the types of the columns.
TYPES = {
    "episode": np.int64,
    "seed": np.uint64,
    "action": np.int64,
    "reward": np.float32,
    "discount": np.float32,
    "is_first": np.bool_,
    "is_last": np.bool_,
    "is_terminal": np.bool_,
}


def write(played: Episodes, path: str | os.PathLike, *, sessions_per_part: int = SESSIONS_A_PART) -> None:
    """A new folder, part-000000.parquet and on.

    episode: int64. seed: uint64, of the session. observation: a struct of the environment's entries. action: int64, the
    slot that was chosen there; 0 in the last row. reward: float32, seconds or what the environment's `reward` says; 0
    in the last row. discount: 0 where the user left behind the action, else 1. is_first, is_last: of the session.
    is_terminal: the last row, and the user left. info: a struct of what the environment told with the observation;
    `propensity` there is the chance of the action before it, NaN in a first row.
    """
    path = Path(arguments.path("path", path))
    parts = arguments.whole("sessions_per_part", sessions_per_part, 1)
    if path.exists():
        raise _core.InputError(f"{path}: is there already; name a new folder, or remove it")
    parquet = need("pyarrow.parquet", "Parquet")
    with whole_folder(path) as folder:
        for number, first in enumerate(range(0, played.sessions, parts)):
            table = _table(played, first, min(first + parts, played.sessions))
            with open(folder / f"part-{number:06d}.parquet", "wb") as file:
                parquet.write_table(table, file, compression="zstd")


def read(path: str | os.PathLike) -> Episodes:
    """What write() wrote. Raises InputError for a folder of another kind, of a newer schema, or with columns or
    sessions that are none."""
    source = arguments.path("path", path)
    table = arrow.read_folder(source)
    if not is_episodes(table.schema):
        raise _core.InputError(f"{source}: is no folder of episodes; read_log reads one of logs")
    return _episodes(table, source)


def read_episodes_as_log(table, source: str, simulator: _core.Simulator | str | os.PathLike | None = None) -> Log:
    """The log of a table that is_episodes()."""
    return to_log(_episodes(table, source), simulator, source)


def is_episodes(schema) -> bool:
    return VERSION_KEY in (schema.metadata or {})


def _table(played: Episodes, first: int, last: int):
    import pyarrow as pa

    start = played.start[first : last + 1]
    steps, entries = slice(start[0], start[-1]), slice(start[0] + first, start[-1] + last)
    lengths = np.diff(start)
    count = int(lengths.sum()) + len(lengths)
    ends = np.cumsum(lengths + 1) - 1  # the last row of each session
    is_step = np.ones(count, bool)
    is_step[ends] = False

    def of_steps(values: np.ndarray, dtype, other) -> np.ndarray:
        column = np.full(count, other, dtype)
        column[is_step] = values[steps]
        return column

    terminal = np.zeros(count, bool)
    terminal[ends] = played.terminated[start[1:] - 1]
    is_first = np.zeros(count, bool)
    is_first[ends - lengths] = True
    columns = {
        "episode": np.repeat(np.arange(first, last), lengths + 1),
        "seed": np.repeat(played.seeds[first:last], lengths + 1),
        "observation": _struct({name: array[entries] for name, array in played.observations.items()}),
        "action": of_steps(played.actions, np.int64, 0),
        "reward": of_steps(played.rewards, np.float32, 0.0),
        "discount": of_steps(~played.terminated, np.float32, 1.0),
        "is_first": is_first,
        "is_last": ~is_step,
        "is_terminal": terminal,
        "info": _struct({name: array[entries] for name, array in played.infos.items()}),
    }
    metadata = {VERSION_KEY: str(SCHEMA_VERSION), IDS_KEY: played.ids}
    return pa.table(columns).replace_schema_metadata(metadata)


def _struct(arrays: dict[str, np.ndarray]):
    import pyarrow as pa

    fields = []
    for array in arrays.values():
        flat = pa.array(np.ascontiguousarray(array).ravel())
        fields.append(flat if array.ndim == 1 else pa.FixedSizeListArray.from_arrays(flat, array.shape[1]))
    return pa.StructArray.from_arrays(fields, names=list(arrays))


def _episodes(table, source: str) -> Episodes:
    check_version(table.schema.metadata[VERSION_KEY], source)
    columns = {}
    for name, dtype in TYPES.items():
        columns[name] = _flat(_column(table, name, source), name, source)
        if columns[name].dtype != dtype:
            raise _core.InputError(f"{source}: column '{name}' is {columns[name].dtype}, expected {np.dtype(dtype)}")
    is_last, is_first = columns["is_last"], columns["is_first"]
    # Every session has a first row, and it stands behind the last one of the session before.
    if not len(is_last) or not is_last[-1] or not is_first[0] or (is_first[1:] != is_last[:-1]).any():
        raise _core.InputError(f"{source}: is_first and is_last do not cut the rows into sessions")
    ends = np.flatnonzero(is_last)
    lengths = np.diff(ends, prepend=-1) - 1
    if (lengths < 1).any() or (columns["episode"] != np.repeat(np.arange(len(ends)), lengths + 1)).any():
        raise _core.InputError(f"{source}: 'episode' does not count the sessions from 0, each with a step at least")
    is_step = ~is_last
    start = np.concatenate([[0], np.cumsum(lengths)])
    terminated = np.zeros(int(lengths.sum()), bool)
    terminated[start[1:] - 1] = columns["is_terminal"][ends]
    truncated = np.zeros_like(terminated)
    truncated[start[1:] - 1] = ~columns["is_terminal"][ends]
    return Episodes(
        observations=_fields(_column(table, "observation", source), "observation", source),
        infos=_fields(_column(table, "info", source), "info", source),
        actions=columns["action"][is_step],
        rewards=columns["reward"][is_step],
        terminated=terminated,
        truncated=truncated,
        start=start,
        seeds=columns["seed"][is_first],
        ids=table.schema.metadata.get(IDS_KEY, b"").decode(errors="replace"),
    )


def _column(table, name: str, source: str):
    if table.column_names.count(name) != 1:
        raise _core.InputError(f"{source}: column '{name}' is missing or stands twice; it has {table.column_names}")
    return table.column(name).combine_chunks()


def _fields(column, name: str, source: str) -> dict[str, np.ndarray]:
    import pyarrow as pa

    if not pa.types.is_struct(column.type) or column.null_count:
        raise _core.InputError(f"{source}: column '{name}' is {column.type}, expected a struct without nulls")
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return {field.name: _flat(column.field(field.name), f"{name}.{field.name}", source) for field in column.type}


def _flat(column, name: str, source: str) -> np.ndarray:
    import pyarrow as pa

    if column.null_count:
        raise _core.InputError(f"{source}: column '{name}' has {column.null_count} nulls, expected none")
    if pa.types.is_fixed_size_list(column.type):
        flat = column.flatten().to_numpy(zero_copy_only=False)
        return flat.reshape(len(column), column.type.list_size)
    if not (pa.types.is_primitive(column.type)):
        raise _core.InputError(f"{source}: column '{name}' is {column.type}, expected numbers")
    return column.to_numpy(zero_copy_only=False)
