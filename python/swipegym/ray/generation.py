"""Logs of any size: parts made on a cluster, written by the driver into one file or by workers into one folder."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .. import _core, arguments
from ..formats import arrow
from ..formats.files import whole_file
from ..log_schema import need
from ..logs import generate_part
from .sent_files import policy_of, send, unpacked, world
from .shares import RETRIES, ProgressLine, in_order, started, window
from .unfinished import Part, become, job_of, part_path, unfinished

if TYPE_CHECKING:
    import pyarrow

USERS_PER_PART = 2048  # about a second of a core


@dataclass(frozen=True)
class Written:
    """What a log came to."""

    path: Path
    sessions: int
    rows: int
    seconds: float


def generate(
    path: str | os.PathLike,
    *,
    sessions: int = 1_000_000,
    policy: str | os.PathLike = "random",
    simulator: str | os.PathLike | None = None,
    seed: int = 1,
    source: str | os.PathLike = "random",
    users_per_part: int = USERS_PER_PART,
    cpus_per_task: int = 1,
    quiet: bool = False,
    **settings,
) -> Written:
    """Writes a log of `sessions` sessions, the rows of swipegym.generate in its order, as Parquet.

    path: X.parquet is one file, written by the process that calls, a row group a part. A name without a suffix is a
        folder of part-000000.parquet, ..., written by workers, for logs beyond what one process can write; on a cluster
        it must be on a file system that all machines share.
    users_per_part: a part has all sessions of so many users' periods; the files' bytes depend on it.
    cpus_per_task: threads that work at a part; the bytes do not depend on it, nor on the cluster.
    settings: others of swipegym.logs.generate_part (candidates, epsilon, temperature, keep_candidates, ...).

    The file or folder appears when it is whole; the process that calls holds two parts for each worker at most. Parts
    whose worker died are made again. Until then they lie in the folder PATH.unfinished: when the process that calls
    dies, the same call goes on with the parts that are missing, and the bytes are the same. Starts Ray on this machine
    where no cluster runs. Raises InputError for arguments that are wrong, before any work is handed out where that can
    be seen, and for an unfinished log of other arguments.
    """
    path = Path(arguments.path("path", path))
    sessions = arguments.ranged("sessions", sessions)
    users_per_part = arguments.whole("users_per_part", users_per_part, 1)
    cpus_per_task = arguments.whole("cpus_per_task", cpus_per_task, 1, arguments.MOST_THREADS)
    seed = arguments.seed("seed", seed)
    if path.suffix not in ("", ".parquet"):
        raise _core.InputError(f"{path}: expected a name that ends in .parquet, or a folder's")
    if not path.suffix and path.exists():
        raise _core.InputError(f"{path}: is there already; name a new folder, or remove it")
    need("pyarrow.parquet", "Parquet")
    ray = started()
    sent = [send(ray, policy, "policy"), send(ray, simulator, "simulator"), send(ray, source, "source")]
    policy_of(unpacked(ray, sent[0]), unpacked(ray, sent[1]))  # what is wrong with them is said here, not by a worker
    make = ray.remote(num_cpus=cpus_per_task, max_retries=RETRIES, num_returns=2)(_make_part)
    settings = {"users_per_part": users_per_part, "seed": seed, **settings}
    job = job_of(dict(zip(("policy", "simulator", "source"), sent)), {"sessions": sessions, **settings})
    job.pop("threads", None)  # the bytes do not depend on them
    size = window(ray, cpus_per_task)
    progress = ProgressLine("sessions", sessions, quiet)
    with unfinished(path, job) as (folder, there):
        # Two results a task: the rows, and how many sessions they are.
        tasks = (
            make.remote(*sent, number, {"threads": cpus_per_task, **settings})
            for number in itertools.count()
            if number not in there
        )
        parts = _in_order_of_numbers(in_order(ray, tasks, size), there)
        with contextlib.closing(parts):
            if path.suffix:
                rows = _write_file(ray, path, folder, there, parts, sessions, progress)
            else:
                rows = _write_folder(ray, path, folder, there, parts, sessions, size, progress)
    return Written(path, sessions, rows, progress.seconds)


def _in_order_of_numbers(made: Iterator, there: Mapping[int, Part]) -> Iterator:
    """(number, the part's rows, how many sessions): parts that are there have None for their rows."""
    with contextlib.closing(made):
        for number in itertools.count():
            yield (number, None, 0) if number in there else (number, *next(made))


def _write_file(
    ray, path: Path, folder: Path, there: Mapping[int, Part], parts: Iterator, wanted: int, progress: ProgressLine
) -> int:
    """The driver keeps the parts one by one, and makes the file of them when all are there."""
    from pyarrow import parquet

    before = count = 0
    for number, part, sessions in parts:
        count = number + 1
        if part is None:
            before = max(before, there[number].end)
        else:
            _write_part(ray.get(part), str(part_path(folder, number)), before, wanted)
            before += sessions
        progress.show(min(before, wanted))
        if before >= wanted:
            break
    rows = 0
    with whole_file(path) as temporary, open(temporary, "wb") as file, contextlib.ExitStack() as stack:
        writer = None
        for number in range(count):
            with open(part_path(folder, number), "rb") as made:
                table = parquet.read_table(made)
            if writer is None:
                writer = stack.enter_context(parquet.ParquetWriter(file, table.schema, compression="zstd"))
            writer.write_table(table, row_group_size=max(table.num_rows, 1))
            rows += table.num_rows
    shutil.rmtree(folder, ignore_errors=True)
    return rows


def _write_folder(
    ray,
    path: Path,
    folder: Path,
    there: Mapping[int, Part],
    parts: Iterator,
    wanted: int,
    size: int,
    progress: ProgressLine,
) -> int:
    """The driver sees how many sessions a part has, which is where the next one's begin; rows never pass through it."""
    write = ray.remote(num_cpus=1, max_retries=RETRIES)(_write_part)
    numbers = []

    def tasks():
        before = 0
        for number, part, sessions in parts:
            numbers.append(number)
            if part is None:
                before = max(before, there[number].end)
            else:
                yield write.remote(part, str(part_path(folder, number).absolute()), before, wanted)
                before += sessions
            progress.show(min(before, wanted))
            if before >= wanted:
                return

    rows = sum(in_order(ray, tasks(), size)) + sum(part.rows for part in there.values())
    missing = [number for number in numbers if not part_path(folder, number).exists()]
    if missing:
        raise _core.InputError(
            f"{path}: {len(missing)} of {len(numbers)} parts were written where this machine cannot see them: "
            "name a folder on a file system that all machines share"
        )
    become(folder, path)
    return rows


def _continued(table: pyarrow.Table, before: int, wanted: int) -> pyarrow.Table:
    """The part's sessions counted on from the `before` ahead of it, cut where there are enough."""
    import pyarrow as pa

    session = table["session"].to_numpy() + before
    rows = int(np.searchsorted(session, wanted))
    at = table.schema.get_field_index("session")
    return table.slice(0, rows).set_column(at, table.schema.field(at), pa.array(session[:rows]))


# What workers run.


def _make_part(policy, simulator, source, part: int, settings: dict):
    """(the part's rows, how many sessions they are)"""
    ray = need("ray", "a cluster")
    simulator = unpacked(ray, simulator)
    log = generate_part(
        part,
        policy=policy_of(unpacked(ray, policy), simulator),
        simulator=world(simulator),
        source=unpacked(ray, source),
        **settings,
    )
    return arrow.to_arrow(log), int(log["session"][-1]) + 1 if log.rows else 0


def _write_part(table, path: str, before: int, wanted: int) -> int:
    table = _continued(table, before, wanted)
    parquet = need("pyarrow.parquet", "Parquet")
    with whole_file(path) as temporary, open(temporary, "wb") as file:
        parquet.write_table(table, file, compression="zstd", row_group_size=max(table.num_rows, 1))
    return table.num_rows
