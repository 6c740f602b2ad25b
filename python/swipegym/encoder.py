"""What the program's value networks read of an observation, as columns with names, for learners of other kinds."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np

from . import _core, arguments
from .simulators import load_simulator


class Encoder:
    """The inputs of `train dqn` and its like, before any weight: fixed arithmetic on an observation (docs/guide/dqn.md).

    A state's columns are of the user, the context, the history's means, its newest videos and its tags; a slot's are the
    video's features, how they fit the history, and last two categories, the indices of its tag and of itself.
    """

    def __init__(self, simulator: _core.Simulator | str | os.PathLike | None = None):
        self.simulator = load_simulator(simulator)
        self._native = _core.Encoder(self.simulator)
        self.state_columns: tuple[str, ...] = tuple(self._native.state_names())
        self.slot_columns: tuple[str, ...] = tuple(self._native.pair_names())

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of rows(): a state's, then a slot's."""
        return self.state_columns + self.slot_columns

    def states(self, observation: Mapping[str, np.ndarray], *, threads: int = 0) -> np.ndarray:
        """[rows, state columns] float32; of a lone environment's observation [state columns].

        Raises InputError for an observation of other shapes or dtypes than the environment's, here and below.
        """
        lone, batch, rows, slots = _batch(observation)
        out = self._native.states(batch, rows, slots, arguments.threads(threads))
        return out[0] if lone else out

    def slots(self, observation: Mapping[str, np.ndarray], *, threads: int = 0) -> np.ndarray:
        """[rows, candidates, slot columns] float32; of a lone environment's observation [candidates, slot columns]."""
        return self._pairs(observation, None, False, threads)

    def rows(self, observation: Mapping[str, np.ndarray], slots=None, *, threads: int = 0) -> np.ndarray:
        """Each slot's columns behind its state's, [rows, candidates, columns] float32, or with `slots`, [rows] of them,
        [rows, columns]; of a lone environment's observation without the row axis."""
        return self._pairs(observation, slots, True, threads)

    def _pairs(self, observation, slots, with_state: bool, threads: int) -> np.ndarray:
        lone, batch, rows, count = _batch(observation)
        videos = batch["candidate"]
        if slots is not None:
            chosen = arguments.whole_numbers("slots", slots, () if lone else (rows,)).reshape(rows, 1)
            if rows and (chosen.min() < 0 or chosen.max() >= count):
                raise arguments.refused("one of slots", int(chosen.max()), f"whole numbers from 0 to {count - 1}")
            videos = np.take_along_axis(videos, chosen, axis=1)
        out = self._native.pairs(batch, count, videos, with_state, arguments.threads(threads))
        if slots is not None:
            out = out[:, 0]
        return out[0] if lone else out

    def __reduce__(self) -> tuple:
        return Encoder, (self.simulator,)

    def __repr__(self) -> str:
        return f"Encoder({len(self.state_columns)} + {len(self.slot_columns)} columns)"


def _batch(observation) -> tuple[bool, dict[str, np.ndarray], int, int]:
    """Whether it is a lone environment's, then it as a batch, its rows and its slots."""
    if not isinstance(observation, Mapping) or "candidate" not in observation:
        raise _core.InputError("the observation has no 'candidate': give what reset or step returned")
    shape = np.shape(observation["candidate"])
    if len(shape) not in (1, 2):
        raise _core.InputError(f"'candidate' of the observation has the shape {shape}, expected rows and candidates")
    lone = len(shape) == 1
    batch = {name: np.asarray(array)[None] if lone else np.asarray(array) for name, array in observation.items()}
    batch = {name: np.ascontiguousarray(array) for name, array in batch.items()}
    if batch["candidate"].dtype != np.int32:
        raise _core.InputError(f"'candidate' of the observation is {batch['candidate'].dtype}, expected int32")
    return lone, batch, batch["candidate"].shape[0], batch["candidate"].shape[1]
