"""Where simulators come from."""

from __future__ import annotations

import copyreg
import functools
import os
from pathlib import Path

import numpy as np

from . import arguments
from ._core import InputError, Simulator

CLOCKS = ("dense", "log")
DEFAULT_SIMULATOR = Path(__file__).with_name("default.h5")


@functools.lru_cache(maxsize=len(CLOCKS))
def _packaged(clock: str) -> Simulator:
    return Simulator.load(DEFAULT_SIMULATOR, clock)


def default_simulator() -> Simulator:
    """The simulator that comes with the package: fitted to the synthetic preset `tiny`, whose truth is known."""
    return _packaged("dense")


def load_simulator(simulator: Simulator | str | os.PathLike | None = None, clock: str = "dense") -> Simulator:
    """A simulator as it is, a file of `swipegym fit`, or the default.

    clock: 'dense' lets sessions be as long as people's are, 'log' as short as a thinned log shows them.
    """
    clock = arguments.word("clock", clock, CLOCKS)
    if simulator is None:
        return _packaged(clock)
    if isinstance(simulator, Simulator):
        if clock != "dense":
            raise InputError(f"clock is '{clock}' beside a Simulator, which has one already: load its file with it")
        return simulator
    return Simulator.load(Path(arguments.path("simulator", simulator)), clock)


def file_of(given):
    """The path of a Simulator's file, for who reads files; anything else as it is. Raises InputError for a Simulator that
    was made without one."""
    if not isinstance(given, Simulator):
        return given
    if given.path is None:
        raise InputError("this Simulator was made without a file, and a file is wanted here")
    return given.path


def _pickled(simulator: Simulator) -> tuple:
    kind, *how = simulator._made_by
    if kind == "constant":
        return _constant, tuple(how)
    if kind == "call":  # of what stands above this module
        return how[0], tuple(how[1:])
    path, clock = how
    return _again, (None if Path(path) == DEFAULT_SIMULATOR else path, clock, simulator.fingerprint)


copyreg.pickle(Simulator, _pickled)
Simulator.__copy__ = lambda self: self
Simulator.__deepcopy__ = lambda self, memo: self


def _constant(leave_after: int, watch_ratio: float, videos: int) -> Simulator:
    return Simulator.constant(leave_after, watch_ratio, videos)


@functools.lru_cache(maxsize=16)
def _again(path: str | None, clock: str, fingerprint: str) -> Simulator:
    """The simulator that was pickled: one object for all its pickles in a process."""
    simulator = load_simulator(path, clock)
    if simulator.fingerprint != fingerprint:
        raise InputError(
            f"{simulator.path}: is not the simulator that was pickled ({fingerprint}), but {simulator.fingerprint}"
        )
    return simulator


def require_same_ids(of: str, user_id, video_id, simulator: Simulator) -> None:
    """Raises InputError unless the ids, by index, are those of the simulator's users and videos: then an index of the
    one means the same user or video to the other. of: what the ids are of, for the message."""
    for name, ids, known in (("users", user_id, simulator.user_id), ("videos", video_id, simulator.video_id)):
        if ids is not known and not np.array_equal(ids, known):
            raise InputError(f"the simulator has other {name} than {of}: give the one that made it by simulator=")
