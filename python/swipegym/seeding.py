"""What seeds an environment: whole numbers of any size, as Gymnasium takes them, and 64 bits for the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional, Union

import gymnasium
import numpy as np

from . import arguments

RowSeeds = Union[Sequence[Optional[int]], np.ndarray]


def reset_seed(name: str, value) -> int:
    return arguments.whole(name, value, 0, None)


def seed_word(seed: int) -> int:
    """What the engine is seeded by: the seed itself, or where it is longer, as the one that Gymnasium draws by itself
    is, 64 bits that all of it goes into."""
    return seed if seed <= arguments.LARGEST_SEED else int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])


def seed_words(seeds: RowSeeds) -> np.ndarray:
    """[rows] uint64; 0 where there is no seed."""
    if isinstance(seeds, np.ndarray):
        return seeds.astype(np.uint64)
    if isinstance(seeds, range) and seeds[-1] <= arguments.LARGEST_SEED:
        return np.uint64(seeds[0]) + np.arange(len(seeds), dtype=np.uint64)
    return np.array([0 if seed is None else seed_word(seed) for seed in seeds], np.uint64)


def first_seed(env: gymnasium.Env) -> int:
    """Of an environment whose first reset got none: np_random_seed, which Gymnasium draws where there is none, so that
    it repeats the run; of a generator that was put in without its seed, the next number."""
    return env.np_random_seed if env.np_random_seed >= 0 else int(env.np_random.integers(2**63))


def placed_seed(seed: int, number: int) -> int:
    """Of the session that a reset without a seed begins for a user, time or tab that the caller names: the number-th of
    them since the row got `seed`."""
    return int(np.random.SeedSequence([seed, number, 0x706C]).generate_state(1, np.uint64)[0])


def drawn_seeds(rows: int) -> list[int]:
    return np.random.SeedSequence().generate_state(rows, np.uint64).tolist()


def row_seeds(seed, rows: int) -> RowSeeds:
    """What reset(seed=...) of so many rows means: seed + i, or one seed or None a row."""
    if seed is None:
        return [None] * rows
    if isinstance(seed, (str, bytes)) or not (isinstance(seed, Sequence) or np.ndim(seed) == 1):
        first = reset_seed("seed", seed)
        return range(first, first + rows)
    if len(seed) != rows:
        raise arguments.refused("seed", seed, f"a whole number, or {rows} of them, not {len(seed)}")
    if isinstance(seed, np.ndarray) and seed.dtype.kind in "iu" and seed.min() >= 0:
        return seed.copy()
    return [None if one is None else reset_seed(f"seed[{i}]", one) for i, one in enumerate(seed)]
