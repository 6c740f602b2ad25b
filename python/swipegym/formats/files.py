"""Files and folders that appear only when whole."""

from __future__ import annotations

import contextlib
import fcntl
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


def require_apart(path: str | os.PathLike, what: str, other: str | os.PathLike | None) -> None:
    """Raises InputError where an output's path is the file that `what` is read from: the input would be lost."""
    path = arguments.path("path", path)
    if other is not None and os.path.realpath(path) == os.path.realpath(other):
        raise _core.InputError(f"{path}: is the file of the {what}, which would be lost; give another name")


@contextlib.contextmanager
def alone_in(folder: Path, *, wait: bool) -> Iterator[None]:
    """Holds the lock that the program's commands hold of a folder they work in. It is one of the folder itself: it leaves
    no file behind, and the kernel frees it where a process dies.

    Raises InputError where somebody else has it and `wait` is False, and for what is no folder.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _core.InputError(f"{folder}: {error.strerror}; name a folder that can be read") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(descriptor)
        raise _core.InputError(
            f"{folder}: another command is at work there; wait for its end, or name another folder"
        ) from None
    except OSError:  # a file system without locks
        pass
    try:
        yield
    finally:
        os.close(descriptor)


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
