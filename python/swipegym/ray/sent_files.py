"""Files on their way to the machines of a cluster, once each, and what a process has loaded from them."""

from __future__ import annotations

import functools
import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import _core, arguments
from ..formats.files import whole_file
from ..policies import Policy
from ..simulators import load_simulator


@dataclass(frozen=True)
class SentFile:
    """A file's name and contents, the latter in the cluster's object store."""

    name: str
    digest: str
    contents: Any  # reference to bytes


def send(ray, given: str | os.PathLike | None, what: str) -> SentFile | str | None:
    """A file, ready for workers; a name such as 'random' and None as they are.

    Raises InputError for what looks like a path and is no file.
    """
    if given is None:
        return None
    if not isinstance(given, (str, os.PathLike)):
        raise _core.InputError(f"{what}: got a {type(given).__name__}, a cluster takes the path of its file")
    path = Path(arguments.path(what, given))
    if not path.is_file():
        if path.suffix or len(path.parts) > 1 or isinstance(given, os.PathLike):
            raise _core.InputError(f"{os.fspath(given)}: no such file, for {what}")
        return given
    contents = path.read_bytes()
    return SentFile(path.name, hashlib.sha256(contents).hexdigest(), ray.put(contents))


def unpacked(ray, given: SentFile | str | None) -> str | None:
    """The path of the file on this machine; names and None as they are."""
    if not isinstance(given, SentFile):
        return given
    path = _folder() / f"{given.digest}-{given.name}"
    if not _is_whole(path, given.digest):
        with whole_file(path) as temporary:
            temporary.write_bytes(ray.get(given.contents))
        _is_whole.cache_clear()
    return str(path)


@functools.lru_cache(maxsize=4)
def world(path: str | None, clock: str = "dense") -> _core.Simulator:
    """Of an unpacked file, whose name has its contents' digest in it: the name is enough to know it by."""
    return load_simulator(path, clock)


@functools.lru_cache(maxsize=32)
def policy_of(spec: str, simulator: str | None) -> Policy:
    return Policy(spec, world(simulator))


@functools.lru_cache(maxsize=64)
def _is_whole(path: Path, digest: str) -> bool:
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == digest


def _folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"swipegym-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise _core.InputError(f"{folder}: belongs to another user; set TMPDIR to a folder of yours")
    return folder
