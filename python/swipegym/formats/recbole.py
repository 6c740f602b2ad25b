"""RecBole's atomic files: NAME.inter, NAME.user and NAME.item, tab-separated, each header cell a name and a type.

RecBole finds them as DATA_PATH/NAME/NAME.inter, so save to "NAME/NAME.inter". It turns floats into float32, which holds
a time stamp to two minutes; rows of a user are written in order, and RecBole's sort by time keeps it among equals.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .. import _core, arguments
from ..log import FileFormat, Log, file_formats
from ..log_schema import COLUMNS, require_rows_of
from ..simulators import load_simulator
from .files import whole_file

TOKENS = ("user_id", "video_id", "session", "date", "hourmin", "tab")
RENAMED = {"video_id": "item_id", "time_ms": "timestamp"}
INDICES = ("user", "video")  # the rows of .user and .item


def write(log: Log, path: str | os.PathLike, *, simulator: _core.Simulator | str | os.PathLike | None = None) -> None:
    """`path`, NAME.inter, and NAME.user and NAME.item beside it with a row for every user and video of the simulator
    that made the log, in its order."""
    simulator = load_simulator(simulator)
    path = Path(arguments.path("path", path))
    require_rows_of(log, simulator, str(path))
    if log.rows == 0:
        raise _core.InputError(
            f"{path}: the log has no rows, and atomic files cannot say how many candidates it would have"
        )
    cells = {}
    for name, array in log.items():
        if name in INDICES:
            continue
        if name == "candidate":
            ids = np.where(array >= 0, simulator.video_id[np.maximum(array, 0)], -1)
            cells["candidate:token_seq"] = _sequences(ids)
        elif name == "time_ms":
            cells["timestamp:float"] = [f"{ms // 1000}.{ms % 1000:03d}" for ms in array.tolist()]
        else:
            kind = "token" if name in TOKENS else "float"
            cells[f"{RENAMED.get(name, name)}:{kind}"] = _texts(array)
    _write_table(path.with_suffix(".user"), _user_cells(simulator))
    _write_table(path.with_suffix(".item"), _item_cells(simulator))
    _write_table(path, cells)  # last: whoever finds it finds the others


def read(path: str | os.PathLike) -> Log:
    """What write() wrote. Raises InputError for another header, a row that is cut short, or an id that .user or .item
    lack."""
    path = Path(arguments.path("path", path))
    cells = _read_table(path)
    names = {new: old for old, new in RENAMED.items()}
    columns = {}
    for field, texts in cells.items():
        name = names.get(field, field)
        if name == "candidate":
            columns[name] = _numbers([text.split(" ") for text in texts], np.int64, path, name)
        elif name == "time_ms":
            columns[name] = np.round(_numbers(texts, np.float64, path, name) * 1000)
        elif name in COLUMNS:
            texts = [text or "nan" for text in texts] if name == "propensity" else texts
            dtype = np.int8 if name == "is_rand" else COLUMNS[name].dtype
            columns[name] = _numbers(texts, dtype, path, name)
    for name, index, suffix, field in (
        ("user_id", "user", ".user", "user_id"),
        ("video_id", "video", ".item", "item_id"),
    ):
        other = path.with_suffix(suffix)
        table = _read_table(other)
        if name not in columns or field not in table:
            raise _core.InputError(f"{path if name not in columns else other}: no field '{field}'")
        ids = _numbers(table[field], np.int64, other, field)
        columns[index] = _places(columns[name], ids, path, name)
        if index == "video" and "candidate" in columns:
            offered = columns["candidate"]
            known = _places(offered[offered >= 0], ids, path, "candidate")
            columns["candidate"] = np.full(offered.shape, -1, np.int32)
            columns["candidate"][offered >= 0] = known
    return Log(columns, str(path))


def _user_cells(simulator: _core.Simulator) -> dict[str, list[str]]:
    return {
        "user_id:token": _texts(simulator.user_id),
        "user_features:float_seq": _sequences(simulator.user_features),
    }


def _item_cells(simulator: _core.Simulator) -> dict[str, list[str]]:
    return {
        "item_id:token": _texts(simulator.video_id),
        "duration_ms:float": _texts(simulator.duration_ms),
        "tag:token": _texts(simulator.tag),
        "author:token": _texts(simulator.author),
        "video_features:float_seq": _sequences(simulator.video_features),
    }


def _texts(array: np.ndarray) -> list[str]:
    """The shortest text that reads back as the same number; nothing for NaN."""
    if array.dtype == np.bool_:
        array = array.astype(np.int8)
    texts = array.astype(str).tolist()
    return ["" if text == "nan" else text for text in texts]


def _sequences(array: np.ndarray) -> list[str]:
    return [" ".join(row) for row in array.astype(str).tolist()]


def _write_table(path: Path, cells: dict[str, list[str]]) -> None:
    with whole_file(path) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as file:
        file.write("\t".join(cells) + "\n")
        file.writelines("\t".join(row) + "\n" for row in zip(*cells.values()))


def _read_table(path: Path) -> dict[str, list[str]]:
    """Texts by field. Raises InputError where there is no such file, or a row has another number of cells."""
    if not path.is_file():
        raise _core.InputError(f"{path}: no such file; RecBole's atomic files are .inter, .user and .item")
    with open(path, encoding="utf-8", newline="") as file:
        try:
            return _columns(path, csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        except (UnicodeDecodeError, csv.Error) as error:
            raise _core.InputError(f"{path}: {error}") from error


def _columns(path: Path, rows: Iterator[list[str]]) -> dict[str, list[str]]:
    header = next(rows, [])
    if not header or any(":" not in cell for cell in header):
        raise _core.InputError(f"{path}:1: '{' '.join(header)}' is no header of an atomic file: NAME:TYPE each")
    names = [cell.split(":")[0] for cell in header]
    if len(set(names)) < len(names):
        raise _core.InputError(f"{path}:1: a field stands twice: {' '.join(names)}")
    columns: list[list[str]] = [[] for _ in header]
    for line, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise _core.InputError(f"{path}:{line}: {len(row)} cells, the header has {len(header)}")
        for column, cell in zip(columns, row):
            column.append(cell)
    return dict(zip(names, columns))


def _numbers(texts: list, dtype, path: Path, name: str) -> np.ndarray:
    try:
        return np.array(texts, dtype=str).astype(dtype)
    except (ValueError, OverflowError) as error:
        raise _core.InputError(f"{path}: field '{name}': {error}") from error


def _places(ids: np.ndarray, known: np.ndarray, path: Path, name: str) -> np.ndarray:
    """Where each id stands among the known ones."""
    order = np.argsort(known, kind="stable")
    at = order[np.minimum(np.searchsorted(known[order], ids), len(known) - 1)] if len(known) else ids * 0
    wrong = known[at] != ids if len(known) else np.ones(len(ids), bool)
    if wrong.any():
        raise _core.InputError(f"{path}: {name} {ids[wrong][0]} is in no row of the .user or .item file beside it")
    return at


file_formats[".inter"] = FileFormat(lambda log, path, replace, options: write(log, path, **options), read)
