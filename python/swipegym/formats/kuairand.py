"""KuaiRand's own files and the HDF5 store, which every command reads as --data.

Neither has a place for sessions or candidate sets. The sets go into a file of their own, the one that `swipegym
generate --keep-candidates` writes and `swipegym evaluate --logged-candidates` reads.
"""

from __future__ import annotations

import os

import numpy as np

from .. import _core, arguments
from ..log import FileFormat, Log, file_formats, native_columns
from ..log_schema import require_rows_of
from ..simulators import load_simulator

NEEDED = ("date", "hourmin", "time_ms")


def write(
    log: Log,
    path: str | os.PathLike,
    *,
    store: bool = False,
    simulator: _core.Simulator | str | os.PathLike | None = None,
    tables: str | os.PathLike | None = None,
    candidates: str | os.PathLike | None = None,
    replace: bool = False,
    threads: int = 0,
) -> None:
    """A folder of CSV files (rows with is_rand in log_random_*.csv, others in log_standard_*.csv), or one HDF5 file.

    simulator: whose users and videos the log's indices are. tables: the data that it was fitted on, whose feature
    tables are written; None writes what the simulator knows of users and videos. candidates: where the column
    `candidate` goes. replace: see Log.save. Raises InputError for a log without rows or times, of other users or videos, or for CSV files of
    which some rows have a propensity and others none.
    """
    simulator = load_simulator(simulator)
    target = arguments.path("path", path)
    tables = "" if tables is None else arguments.path("tables", tables)
    candidates = "" if candidates is None else arguments.path("candidates", candidates)
    threads, replace = arguments.threads(threads), arguments.flag("replace", replace)
    missing = [name for name in NEEDED if name not in log]
    if missing:
        raise _core.InputError(f"{target}: KuaiRand's files need the columns {', '.join(missing)}, this log has none")
    if log.rows == 0:
        raise _core.InputError(f"{target}: the log has no rows, and KuaiRand's files cannot say so")
    if candidates and "candidate" not in log:
        raise _core.InputError(f"{candidates}: this log kept no candidates; generate it with keep_candidates")
    require_rows_of(log, simulator, target)
    _check_repeats(log, target)
    if not store:
        _check_propensities(log, target)
    # The files are read in the order of their names, random exposures first, and the sets go by that order.
    log = log.take(np.argsort(~log["is_rand"], kind="stable"))
    _core.write_log(target, native_columns(log), simulator, tables, store, replace, threads)
    if candidates:
        _core.write_candidates(candidates, log["candidate"], simulator)


def read(path: str | os.PathLike, *, candidates: str | os.PathLike | None = None, threads: int = 0) -> Log:
    """All rows of a release or store, by user and time. candidates: the file of their sets."""
    source = arguments.path("path", path)
    candidates = "" if candidates is None else arguments.path("candidates", candidates)
    return Log(_core.read_log(source, candidates, arguments.threads(threads)), source)


def _check_repeats(log: Log, target: str) -> None:
    """Of rows of one user, video and time all but the first are taken for copies when the files are read."""
    keys = [log[name] for name in ("user", "video", "time_ms")]
    order = np.lexsort(keys)
    same = np.logical_and.reduce([key[order][1:] == key[order][:-1] for key in keys])
    if same.any():
        at = int(np.flatnonzero(same)[0])
        raise _core.InputError(
            f"{target}: rows {order[at]} and {order[at + 1]} are of one user, video and time, which KuaiRand's files "
            "hold once: save to .parquet, or take() one of them"
        )


def _check_propensities(log: Log, target: str) -> None:
    """A CSV file has the column or not; no cell can say that a propensity is not known."""
    if "propensity" not in log:
        return
    for kind in (log["is_rand"], ~log["is_rand"]):
        unknown = np.isnan(log["propensity"]) & kind
        if unknown.any() and not unknown[kind].all():
            raise _core.InputError(
                f"{target}: row {np.flatnonzero(unknown)[0]} has no propensity while others of its file have one, "
                "which CSV files cannot say: save to .h5 or .parquet, or take() the rows that have one"
            )


for _suffix in ("", ".h5", ".hdf5"):
    file_formats[_suffix] = FileFormat(
        lambda log, path, replace, options, store=_suffix != "": write(
            log, path, **{"store": store, "replace": replace, **options}
        ),
        read,
    )
