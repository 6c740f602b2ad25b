"""d3rlpy's data sets. d3rlpy 2.8 asks for Gymnasium 1.0 alone and so cannot be installed beside the environment; arrays
can be saved here and become an MDPDataset where d3rlpy is:

    d3rlpy.save(played, "played.npz")                           # here
    MDPDataset(**numpy.load("played.npz"), action_size=10)      # there
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from .. import arguments
from ..log_schema import need
from ..wrappers import SECONDS, rows_of
from .episodes import Episodes
from .files import Sequential, whole_file

if TYPE_CHECKING:
    import d3rlpy


def mdp_arrays(played: Episodes, *, seconds: float = SECONDS) -> dict[str, np.ndarray]:
    """What MDPDataset is made of, by its arguments' names.

    observations: [steps, features] float32, rows of swipegym.wrappers.Rows: slots, context, user and mask. actions:
    [steps] int64. rewards: [steps] float32, in units of `seconds`. terminals, timeouts: [steps] float32, 0 or 1: the
    user left, or the session was cut. What was seen behind a session's last step has no place there, so d3rlpy makes
    no transition of the last step of a session that was cut.
    """
    seconds = arguments.real("seconds", seconds, 1e-6, 1e6)
    at = played.before
    seen = {name: array[at] for name, array in played.observations.items()}
    return {
        "observations": rows_of(seen, {"action_mask": played.infos["action_mask"][at]}),
        "actions": played.actions,
        "rewards": (played.rewards / seconds).astype(np.float32),
        "terminals": played.terminated.astype(np.float32),
        "timeouts": (played.truncated & ~played.terminated).astype(np.float32),
    }


def to_mdp_dataset(played: Episodes, *, seconds: float = SECONDS) -> d3rlpy.dataset.MDPDataset:
    """An MDPDataset of whatever d3rlpy is installed; an action is a slot. See mdp_arrays."""
    library = need("d3rlpy", "an MDPDataset", "d3rlpy --no-deps, see docs/guide/logs.md")
    return library.dataset.MDPDataset(
        **mdp_arrays(played, seconds=seconds), action_space=library.ActionSpace.DISCRETE, action_size=played.slots
    )


def save(played: Episodes, path: str | os.PathLike, *, seconds: float = SECONDS) -> None:
    """mdp_arrays as an .npz, the arguments of MDPDataset."""
    arrays = mdp_arrays(played, seconds=seconds)
    with whole_file(path) as temporary, open(temporary, "wb") as file:
        np.savez(Sequential(file), **arrays)
