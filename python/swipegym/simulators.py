"""Where simulators come from."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from ._core import Simulator


@functools.lru_cache(maxsize=1)
def default_simulator() -> Simulator:
    """The simulator that comes with the package: fitted to the synthetic preset `tiny`, whose truth is known."""
    return Simulator.load(Path(__file__).with_name("default.h5"))


def load_simulator(simulator: Simulator | str | os.PathLike | None = None, clock: str = "dense") -> Simulator:
    """A simulator as it is, a file of `swipegym fit`, or the default.

    clock: 'dense' lets sessions be as long as people's are, 'log' as short as a thinned log shows them.
    """
    if simulator is None:
        return default_simulator()
    if isinstance(simulator, Simulator):
        return simulator
    return Simulator.load(Path(simulator), clock)
