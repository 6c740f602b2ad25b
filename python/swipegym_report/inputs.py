"""The files of a run: which there are, and whether they are whole."""

from __future__ import annotations

import csv
import json
import math
import stat
from dataclasses import dataclass, field
from pathlib import Path

from .errors import ReportError

MOST_BYTES = 64 << 20  # of a file
MOST_FILES = 1000
CURVE_FILE = "progress.jsonl"


@dataclass
class Result:
    """A --json file."""

    path: Path
    command: str
    content: dict


@dataclass
class Curve:
    """A training's log: how it was made, and a line a round."""

    path: Path
    name: str
    command: str
    step: str  # the column of the x axis
    columns: dict[str, str]  # what each is
    lines: list[dict]


@dataclass
class Inputs:
    folder: Path
    results: list[Result] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    days: dict[Path, list[dict]] = field(
        default_factory=dict
    )  # of a platform's JSON, the rows of the CSV file beside it
    read: list[Path] = field(default_factory=list)

    def of(self, *commands: str) -> list[Result]:
        """Those of the commands, or of a family of them: "train" stands for "train dqn" too."""
        return [one for one in self.results if one.command in commands or one.command.split(" ")[0] in commands]


def read_inputs(folder: Path) -> Inputs:
    """All there is in the folder, in the folders in it and in theirs. ReportError for what is damaged."""
    if not folder.is_dir():
        raise ReportError(f"{folder}: no such folder; 'swipegym quickstart --out {folder}' makes one")
    inputs = Inputs(folder)
    for path in _files(folder):
        if path.name == CURVE_FILE:
            inputs.read.append(path)
            inputs.curves.append(_curve(path, folder))
        elif path.suffix == ".json":
            content = _json(_text(path), path)
            command = content.get("command") if isinstance(content, dict) else None
            if isinstance(command, str):  # others are settings, manifests and the like
                inputs.read.append(path)
                if not any(one.content == content for one in inputs.results):  # 'platform' writes --out and --json
                    inputs.results.append(Result(path, command, content))
    for one in inputs.of("platform"):
        table = one.path.with_suffix(".csv")
        if table.is_file():
            inputs.read.append(table)
            inputs.days[one.path] = _days(table)
    return inputs


def _files(folder: Path) -> list[Path]:
    found: list[Path] = []
    for pattern in ("*", "*/*", "*/*/*"):
        for path in folder.glob(pattern):
            if path.name == CURVE_FILE or path.suffix == ".json":
                if path.is_file():
                    found.append(path)
    if len(found) > MOST_FILES:
        raise ReportError(
            f"{folder}: {len(found)} JSON files, expected at most {MOST_FILES}: give the folder of one run"
        )
    return sorted(found, key=lambda path: (len(path.parts), path.as_posix()))


def _text(path: Path) -> str:
    state = path.stat()
    if not stat.S_ISREG(state.st_mode):
        raise ReportError(f"{path}: not a file")
    if state.st_size > MOST_BYTES:
        raise ReportError(f"{path}: {state.st_size >> 20} MiB, expected at most {MOST_BYTES >> 20}")
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ReportError(f"{path}: not UTF-8 at byte {error.start}: write the file again") from error


def _json(text: str, path: Path, line: int | None = None):
    where = f"{path}" if line is None else f"{path}: line {line}"

    def refuse(word: str):
        raise ReportError(f"{where}: {word} is not JSON: write the file again")

    def number(word: str) -> float:
        value = float(word)
        if not math.isfinite(value):
            refuse(word)
        return value

    try:
        return json.loads(text, parse_constant=refuse, parse_float=number)
    except json.JSONDecodeError as error:
        place = f"{where}: line {error.lineno}" if line is None else where
        raise ReportError(f"{place}: damaged JSON: {error.msg}: write the file again") from error
    except RecursionError as error:
        raise ReportError(f"{where}: nested too deeply") from error
    except ValueError as error:  # an integer of thousands of digits
        if isinstance(error, ReportError):
            raise
        raise ReportError(f"{where}: damaged JSON: {error}") from error


def _curve(path: Path, folder: Path) -> Curve:
    text = _text(path)
    if not text.strip():
        raise ReportError(f"{path}: empty; expected a training's log, as --log writes it")
    whole = text.split("\n")
    if whole[-1]:  # is being written
        whole.pop()
    rows = [_json(line, path, number) for number, line in enumerate(whole, start=1) if line.strip()]
    header = rows[0] if rows else None
    if not isinstance(header, dict) or "progress" not in header:
        raise ReportError(f'{path}: line 1: expected the header of a training\'s log, with "progress"')
    command, step, columns = header.get("command"), header.get("step"), header.get("columns")
    if not (isinstance(command, str) and isinstance(step, str) and isinstance(columns, dict)):
        raise ReportError(f"{path}: line 1: the header lacks command, step or columns")
    lines = rows[1:]
    for number, line in enumerate(lines, start=2):
        if not isinstance(line, dict) or not is_number(line.get(step)):
            raise ReportError(f"{path}: line {number}: expected an object with a number '{step}'")
    place = path.parent.relative_to(folder).as_posix()
    name = command.split(" ", 1)[-1] + ("" if place == "." else f" ({place})")
    return Curve(path, name, command, step, {str(key): str(value) for key, value in columns.items()}, lines)


def _days(path: Path) -> list[dict]:
    """policy, day and the measures of a season, each the mean over worlds."""
    sums: dict[tuple, dict] = {}
    try:
        for number, row in enumerate(csv.DictReader(_text(path).splitlines()), start=2):
            key = (row["policy"], int(row["day"]))
            into = sums.setdefault(key, {})
            for name, cell in row.items():
                if name not in ("policy", "seed", "day") and cell:
                    value = float(cell)
                    if not math.isfinite(value):
                        raise ValueError(f"{name} is {cell}")
                    into.setdefault(name, []).append(value)
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        if isinstance(error, ReportError):
            raise
        raise ReportError(f"{path}: not the table of a season: {error}") from error
    return [
        {"policy": policy, "day": day, **{name: sum(values) / len(values) for name, values in figures.items()}}
        for (policy, day), figures in sums.items()
    ]


def is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
