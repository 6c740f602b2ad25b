"""The parts of a log that is under way: a folder beside it, which stays when the process that calls dies."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from .. import _core
from ..formats.files import alone_in, whole_file
from ..log_schema import need
from .sent_files import SentFile, SentFolder

JOB = "_job.json"  # readers of Parquet folders pass over names that begin so


class Part(NamedTuple):
    """What a part that is there holds."""

    rows: int
    end: int  # the number behind its last session; 0 for a part without rows


def part_path(folder: Path, number: int) -> Path:
    return folder / f"part-{number:06d}.parquet"


def job_of(sent: Mapping[str, SentFile | SentFolder | str | None], settings: Mapping) -> dict:
    """Everything that a log's bytes depend on; what was sent by its digest."""
    files = {
        name: given.digest if isinstance(given, (SentFile, SentFolder)) else given for name, given in sent.items()
    }
    return json.loads(json.dumps({"version": _core.__version__, **files, **settings}, default=str))


@contextlib.contextmanager
def unfinished(path: Path, job: Mapping) -> Iterator[tuple[Path, dict[int, Part]]]:
    """The folder of a log's parts and what is there of them, held alone. It stays when it is left by an exception,
    unless it has no part. Raises InputError for the parts of another call."""
    folder = path.with_name(f"{path.name}.unfinished")
    _make(folder)
    with alone_in(folder, wait=False):
        _check_job(folder, dict(job))
        try:
            yield folder, {int(part.stem[5:]): _read(part) for part in sorted(folder.glob("part-*.parquet"))}
        except BaseException:
            if not any(folder.glob("part-*.parquet")):
                shutil.rmtree(folder, ignore_errors=True)
            raise


def become(folder: Path, path: Path) -> None:
    """The folder of parts, all of them there, takes the log's name."""
    for name in os.listdir(folder):
        if name.startswith("."):  # of a writer that was killed
            (folder / name).unlink(missing_ok=True)
    try:
        folder.rename(path)
    except OSError as error:
        raise _core.InputError(f"{path}: {error.strerror}; the log is whole in {folder}") from None
    (path / JOB).unlink()


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _core.InputError(f"{folder}: {error.strerror}; parts of the log under way are kept there") from None


def _check_job(folder: Path, job: dict) -> None:
    file = folder / JOB
    if not file.exists():
        if any(not name.startswith(".") for name in os.listdir(folder)):
            raise _core.InputError(f"{folder}: is not of a log under way; remove it, or name another log")
        with whole_file(file) as temporary:
            temporary.write_text(json.dumps(job, indent=1, sort_keys=True) + "\n")
        return
    try:
        earlier = dict(json.loads(file.read_text()))
    except (OSError, TypeError, ValueError):
        raise _core.InputError(f"{file}: cannot be read; remove {folder} to begin anew") from None
    for name in sorted({*job, *earlier}):
        if job.get(name) != earlier.get(name):
            raise _core.InputError(
                f"{folder}: has parts of a call with {name} {earlier.get(name)!r}, got {job.get(name)!r}: "
                "call it as before to go on, or remove the folder to begin anew"
            )


def _read(part: Path) -> Part:
    pa, parquet = need("pyarrow", "Parquet"), need("pyarrow.parquet", "Parquet")
    try:
        with open(part, "rb") as file:
            session = parquet.read_table(file, columns=["session"])["session"]
    except (pa.ArrowException, KeyError, OSError) as error:
        raise _core.InputError(f"{part}: {error}; remove it to have it made again") from None
    return Part(len(session), session[-1].as_py() + 1 if len(session) else 0)
