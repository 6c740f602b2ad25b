"""Files on their way to the machines of a cluster, once each, and what a process has loaded from them."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import _core, arguments
from ..formats.files import alone_in, whole_file
from ..policies import Policy
from ..simulators import file_of, load_simulator


@dataclass(frozen=True)
class SentFile:
    """A file's name and contents, the latter in the cluster's object store."""

    name: str
    digest: str
    contents: Any  # reference to bytes


@dataclass(frozen=True)
class SentFolder:
    """Files that belong together, by their places in a folder; `main` is the one that names the others, or "" where the
    folder itself is meant."""

    name: str
    main: str
    digest: str
    contents: Any  # reference to {place: bytes}


def send(ray, given: str | os.PathLike | None, what: str) -> SentFile | SentFolder | str | None:
    """A file, with those that a composition names, ready for workers; a name such as 'random' and None as they are.

    Raises InputError for what looks like a path and is no file.
    """
    if given is None:
        return None
    if isinstance(given, _core.Simulator) and given.clock == "log":
        raise _core.InputError(f"{what}: has the clock 'log', a cluster loads its file with the clock 'dense'")
    given = file_of(given)
    if not isinstance(given, (str, os.PathLike)):
        raise _core.InputError(f"{what}: got a {type(given).__name__}, a cluster takes the path of its file")
    path = Path(arguments.path(what, given))
    if not path.is_file():
        if path.suffix or len(path.parts) > 1 or isinstance(given, os.PathLike):
            raise _core.InputError(f"{os.fspath(given)}: no such file, for {what}")
        return given
    if path.suffix == ".json" and (names := _core.hdf5_names_in(str(path))):
        files = {name: _named_by(path, name, what) for name in names}
        return _send_folder(ray, path.stem, {**files, path.name: path}, path.name)
    contents = path.read_bytes()
    return SentFile(path.name, hashlib.sha256(contents).hexdigest(), ray.put(contents))


def send_release(ray, given: str | os.PathLike, what: str) -> SentFile | SentFolder | str | None:
    """A file as send() takes it, or the folder of a release: its tables, and the truth of a synthetic one."""
    if not isinstance(given, (str, os.PathLike)) or not Path(given).is_dir():
        return send(ray, given, what)
    folder = Path(given)
    files = {
        path.relative_to(folder).as_posix(): path
        for path in sorted([*folder.glob("*"), *folder.glob("data/*")])
        if path.is_file() and (path.name == "truth.json" or ".csv" in path.suffixes)
    }
    if not files:
        raise _core.InputError(f"{folder}: has no tables of a release, for {what}")
    return _send_folder(ray, folder.name, files, "")


def _named_by(composition: Path, name: str, what: str) -> Path:
    beside = composition.parent / name
    file = beside if beside.is_file() else Path(name)
    if not file.is_file():
        raise _core.InputError(f"{composition}: names {name}, which is no file, for {what}")
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise _core.InputError(f"{composition}: names {name}; a cluster is sent what lies beside or below a composition")
    return file


def _send_folder(ray, name: str, files: dict[str, Path], main: str) -> SentFolder:
    contents = {place: path.read_bytes() for place, path in files.items()}
    return SentFolder(name, main, _digest(contents), ray.put(contents))


def _digest(contents: dict[str, bytes]) -> str:
    total = hashlib.sha256()
    for place, content in sorted(contents.items()):
        total.update(f"{place} {hashlib.sha256(content).hexdigest()}\n".encode())
    return total.hexdigest()


def unpacked(ray, given: SentFile | SentFolder | str | None) -> str | None:
    """The path of the file or folder on this machine; names and None as they are."""
    if isinstance(given, SentFolder):
        return str(_unpacked_folder(ray, given) / given.main)
    if not isinstance(given, SentFile):
        return given
    path = _folder() / f"{given.digest}-{given.name}"
    if not _is_whole(path, given.digest):
        with whole_file(path) as temporary:
            temporary.write_bytes(ray.get(given.contents))
        _is_whole.cache_clear()
    return str(path)


def _unpacked_folder(ray, given: SentFolder) -> Path:
    # One worker of a machine unpacks while the others wait: a folder that is not whole goes, and none that is read does.
    with alone_in(_folder(), wait=True):
        place = _folder() / f"{given.digest}-{given.name}"
        if _holds(place, given.digest):
            return place
        shutil.rmtree(place, ignore_errors=True)
        made = Path(tempfile.mkdtemp(dir=_folder()))
        try:
            for name, content in ray.get(given.contents).items():
                (made / name).parent.mkdir(parents=True, exist_ok=True)
                (made / name).write_bytes(content)
            made.rename(place)
        finally:
            shutil.rmtree(made, ignore_errors=True)
            _holds.cache_clear()  # whatever went wrong: another worker may unpack it next
        if not _holds(place, given.digest):
            raise _core.InputError(f"{place}: does not hold what was sent; is the disk full?")
        return place


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


@functools.lru_cache(maxsize=64)
def _holds(folder: Path, digest: str) -> bool:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return digest == _digest({path.relative_to(folder).as_posix(): path.read_bytes() for path in files})


def _folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"swipegym-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise _core.InputError(f"{folder}: belongs to another user; set TMPDIR to a folder of yours")
    return folder
