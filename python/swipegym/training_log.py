"""What a training writes with `--log DIR`: DIR/progress.jsonl, whole or while it grows.

    log = training_log.read("runs/dqn")
    log.head["config"]["env_steps"], log.step  # 1000000, "env_steps"
    log.column("mean_return")  # a float a round, NaN where it is not defined

The first line of the file tells which training it is, each other one what a round or an epoch brought; the guide lists
the keys.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import _core, arguments

NAME = "progress.jsonl"
VERSION = 1


@dataclass(frozen=True)
class TrainingLog:
    """A training's log: `head`, the first line, and the `lines` after it, dicts from column to figure (None: not defined)."""

    head: dict
    lines: list[dict]

    @property
    def step(self) -> str:
        """The column that says how far the training was: "env_steps", "epoch" or "update"."""
        return self.head["step"]

    def column(self, name: str) -> np.ndarray:
        """float64 [lines], NaN where a figure is not defined. InputError for a name that is no column."""
        if name not in self.head["columns"]:
            raise arguments.refused("column", name, f"one of {', '.join(self.head['columns'])}")
        figures = [line.get(name) for line in self.lines]
        return np.array([np.nan if figure is None else figure for figure in figures], np.float64)


def read(path: str | os.PathLike) -> TrainingLog:
    """The log of a folder of `--log`, or its file. Raises InputError for what is no such log."""
    reader = Reader(path)
    lines = [line for _, line in reader.new_lines()]
    if reader.head is None:
        raise _core.InputError(f"{reader.path}: has no line; it is the log of no training")
    return TrainingLog(reader.head, lines)


def find(folder: str | os.PathLike) -> list[Path]:
    """The logs in a folder and all below it, by name; of a file, itself."""
    root = Path(arguments.path("folder", folder))
    if root.is_file():
        return [root]
    if not root.is_dir():
        raise _core.InputError(f"{root}: no such folder")
    return sorted(root.rglob(NAME))


class Reader:
    """Reads a log while it grows. `head` is its first line once that is there."""

    def __init__(self, path: str | os.PathLike):
        given = Path(arguments.path("path", path))
        self.path = given / NAME if given.is_dir() else given
        self.head: dict | None = None
        self._begin(None)

    def new_lines(self) -> Iterator[tuple[bool, dict]]:
        """(whether the log begins anew with it, line) for what was written since the last call. A log begins anew where a
        resumed training has replaced it. A last line that has no end yet waits. Raises InputError for what is no log."""
        try:
            with open(self.path, "rb") as file:
                status = os.fstat(file.fileno())
                if self._file != (status.st_dev, status.st_ino) or status.st_size < self._offset:
                    self._begin((status.st_dev, status.st_ino))
                file.seek(self._offset)
                text = file.read()
        except OSError as error:
            raise _core.InputError(f"{self.path}: {error.strerror}") from None
        whole = text[: text.rfind(b"\n") + 1]
        self._offset += len(whole)
        for raw in whole.splitlines():
            self._number += 1
            line = self._parsed(raw)
            if self.head is None:
                self.head = self._checked(line)
            else:
                yield self._number == 2, line

    def _begin(self, file: tuple[int, int] | None) -> None:
        self.head, self._file, self._offset, self._number = None, file, 0, 0

    def _parsed(self, raw: bytes) -> dict:
        try:
            line = json.loads(raw)
        except ValueError as error:
            raise _core.InputError(f"{self.path}:{self._number}: is no JSON: {error}") from None
        if not isinstance(line, dict):
            raise _core.InputError(f"{self.path}:{self._number}: is no JSON object; it is the log of no training")
        return line

    def _checked(self, head: dict) -> dict:
        if head.get("progress") != VERSION:
            raise _core.InputError(f"{self.path}: is the log of no training, or of another version of the program")
        columns = head.get("columns")
        if not isinstance(columns, Mapping) or head.get("step") not in columns:
            raise _core.InputError(f"{self.path}:1: 'step' must name one of 'columns'; the file is damaged")
        return head
