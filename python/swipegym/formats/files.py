"""Files and folders that appear only when whole."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from .. import _core, arguments


@contextlib.contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary name beside `path` to write to; put in place at the end, removed after an error. Makes the folder.

    As the program writes its outputs: a link stays and what it leads to is replaced, a device or a pipe is written into,
    and what a killed process left of the same file goes. Raises InputError when nothing can be written there.
    """
    path = Path(arguments.path("path", path))
    with contextlib.suppress(OSError):  # what stands in the way is named below
        path.parent.mkdir(parents=True, exist_ok=True)
    with _whole(_core.OutputPart(path)) as place:
        yield place


class Sequential:
    """A binary file that is written from its beginning to its end: a device says that it can seek, and cannot."""

    def __init__(self, file):
        self.read, self.write, self.flush = file.read, file.write, file.flush  # numpy knows a file by its read


@contextlib.contextmanager
def whole_folder(path: str | os.PathLike) -> Iterator[Path]:
    """The same for a new folder, whose parents are made."""
    with _whole(_core.OutputPart(Path(path), folder=True)) as place:
        yield place


@contextlib.contextmanager
def _whole(part: _core.OutputPart) -> Iterator[Path]:
    try:
        yield Path(part.place)
        part.commit()
    finally:
        part.discard()
