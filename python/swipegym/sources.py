"""Candidates of one's own: a Python object that lists videos, in the place of a source by name.

    class Fresh:
        draws = 1  # uniform numbers in [0, 1) a row may use: equal seeds give equal sessions

        def candidates(self, observation, info, count):
            first = (info["uniform"][:, :1] * 200).astype(int)
            return first + np.arange(2 * count)  # some will have been seen

    envs = gym.make_vec("swipegym/ShortVideo-v0", num_envs=1024, source=Fresh())
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from .functions import draws_of, is_function, lists_of, name_of


BUILT_IN = ("random", "popularity", "top", "sample", "full")  # names that the engine knows by themselves


class CandidateSource(Protocol):
    """What `source` takes beside names and files, and "retrieve" of a composition; or a function like `candidates`.

    draws: uniform numbers that a row may use, 0 to 1,000, in info["uniform"]; 0 where it is left out.
    """

    draws: int

    def candidates(self, observation: Mapping[str, np.ndarray], info: Mapping, count: int) -> np.ndarray:
        """Lists videos for a chunk of up to 64 sessions, [rows, any number] whole numbers: the best first, different ones,
        -1 for none. What a session has seen is left out, the first `count` are offered, and random unseen videos take the
        place of what is missing. Row i from row i of everything alone, or results would depend on who is in the same
        chunk. May be called from any thread.

        observation: as in make_vec, without `candidate` and `candidate_features`.
        info: user [rows]; seen [rows, any], videos that are not offered again, -1 behind the last; step [rows], of the
            session; uniform [rows, draws] float32 in [0, 1), where there are draws.

        A retriever of a composition is asked likewise for a batch of requests, without `step`. Where candidates are given
        (observation["candidate"], info["action_mask"]), what is not among them is left out.
        """
        ...


def is_own_source(given: Any) -> bool:
    return is_function(given) or not isinstance(given, type) and callable(getattr(given, "candidates", None))


def asked_source(given: Any, what: str = "candidates of the source"):
    """(a function that the engine asks, how many numbers a row draws, a name) of an own source."""
    ask, name = getattr(given, "candidates", given), name_of(given)
    return lists_of(ask, what), draws_of(given), f"own {name}" if name in BUILT_IN else name
