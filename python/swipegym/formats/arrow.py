"""pandas, Arrow and Parquet. Columns keep their types; a propensity that is not known is null, candidate sets are
fixed-size lists, and every field says its unit and null rule."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .. import _core, arguments
from ..log import Conversion, FileFormat, Log, conversions, file_formats
from ..log_schema import COLUMNS, SCHEMA_VERSION, check_version, need
from .files import whole_file

if TYPE_CHECKING:
    import pandas
    import pyarrow

VERSION_KEY = b"swipegym.log.schema_version"


def to_pandas(log: Log) -> pandas.DataFrame:
    """A row a row; the candidate sets as a column of lists, unknown propensities NaN."""
    return need("pandas", "a DataFrame").DataFrame(
        {name: list(array) if array.ndim > 1 else array for name, array in log.items()}
    )


def from_pandas(frame: pandas.DataFrame) -> Log:
    _require_unique(list(frame.columns), "a DataFrame")
    columns = {name: frame[name].to_numpy() for name in frame.columns}
    if "candidate" in columns:
        columns["candidate"] = _sets([np.asarray(offered) for offered in columns["candidate"]], "a DataFrame")
    return Log(columns, "a DataFrame")


def to_arrow(log: Log) -> pyarrow.Table:
    pa = need("pyarrow", "an Arrow table")
    arrays, fields = [], []
    for name, values in log.items():
        if name == "candidate":
            flat = pa.array(values.ravel())
            array = pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
        else:
            array = pa.array(values, from_pandas=name == "propensity")  # NaN becomes null
        arrays.append(array)
        about = {"unit": COLUMNS[name].unit, "null": COLUMNS[name].null}
        fields.append(pa.field(name, array.type, nullable=name == "propensity", metadata=about))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata={VERSION_KEY: str(SCHEMA_VERSION)}))


def from_arrow(table: pyarrow.Table, source: str = "an Arrow table") -> Log:
    """Raises InputError for a table of a newer schema, or that is no log."""
    check_version((table.schema.metadata or {}).get(VERSION_KEY, SCHEMA_VERSION), source)
    _require_unique(table.column_names, source)
    columns = {}
    for name in table.column_names:
        column = table.column(name)
        if name == "candidate":
            columns[name] = _arrow_sets(column, source)
            continue
        if column.null_count and name != "propensity":
            raise _core.InputError(f"{source}: column '{name}' has {column.null_count} nulls, expected none")
        columns[name] = column.to_numpy()
    return Log(columns, source)


def write_parquet(log: Log, path: str | os.PathLike) -> None:
    parquet = need("pyarrow.parquet", "Parquet")
    with whole_file(path) as temporary, open(temporary, "wb") as file:  # Arrow opens no name that is not UTF-8
        parquet.write_table(to_arrow(log), file, compression="zstd")


def read_parquet(path: str | os.PathLike) -> Log:
    source = arguments.path("path", path)
    if not os.path.exists(source):
        raise _core.InputError(f"{source}: no such file")
    pa = need("pyarrow", "Parquet")
    try:
        with open(source, "rb") as file:
            table = need("pyarrow.parquet", "Parquet").read_table(file)
    except (pa.ArrowException, OSError) as error:
        raise _core.InputError(f"{source}: {error}") from error
    return from_arrow(table, source)


def is_folder(path: str | os.PathLike) -> bool:
    """A folder with Parquet files in it, such as swipegym.ray.generate writes."""
    return os.path.isdir(path) and bool(_parts(path))


def read_folder(source: str):
    """All Parquet files of a folder as one table, in the order of their names; hidden ones and those that begin with an
    underscore are passed over, as other readers do."""
    pa, parquet = need("pyarrow", "Parquet"), need("pyarrow.parquet", "Parquet")
    parts = _parts(source)
    if not parts:
        raise _core.InputError(f"{source}: has no Parquet file")
    tables = []
    for part in parts:
        try:
            with open(part, "rb") as file:
                tables.append(parquet.read_table(file))
        except (pa.ArrowException, OSError) as error:
            raise _core.InputError(f"{part}: {error}") from error
        if not tables[-1].schema.equals(tables[0].schema):
            raise _core.InputError(f"{part}: has other columns than {parts[0].name}")
    return pa.concat_tables(tables)


def _parts(folder: str | os.PathLike) -> list[Path]:
    return sorted(path for path in Path(folder).glob("*.parquet") if path.name[0] not in "._")


def _require_unique(names: list[str], source: str) -> None:
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise _core.InputError(f"{source}: a column stands twice: {', '.join(map(str, sorted(twice, key=str)))}")


def _arrow_sets(column: pyarrow.ChunkedArray, source: str) -> np.ndarray:
    import pyarrow as pa

    if pa.types.is_fixed_size_list(column.type) and column.null_count == 0:
        flat = pa.concat_arrays([chunk.flatten() for chunk in column.chunks] or [pa.array([], column.type.value_type)])
        return flat.to_numpy(zero_copy_only=False).reshape(len(column), column.type.list_size)
    return _sets([np.asarray(offered) for offered in column.to_pylist()], source)  # lists, as other writers have them


def _sets(rows: list[np.ndarray], source: str) -> np.ndarray:
    lengths = {row.shape for row in rows}
    if len(lengths) > 1:
        raise _core.InputError(f"{source}: column 'candidate' has sets of different sizes, {sorted(lengths)[:3]}")
    return np.stack(rows) if rows else np.empty((0, 1), np.int32)


file_formats[".parquet"] = FileFormat(
    lambda log, path, replace, options: write_parquet(log, path, **options), read_parquet
)
conversions["pandas"] = Conversion(to_pandas, from_pandas)
conversions["arrow"] = Conversion(to_arrow, from_arrow)
