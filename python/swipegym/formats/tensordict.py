"""TorchRL's TensorDict, the transitions of sessions as its replay buffers and losses take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import arguments
from ..log_schema import need
from ..wrappers import SECONDS, rows_of
from .episodes import Episodes

if TYPE_CHECKING:
    import tensordict


def to_tensordict(played: Episodes, *, seconds: float = SECONDS) -> tensordict.TensorDict:
    """A TensorDict of [steps] transitions, in the order of sessions.

    observation: [steps, features] float32, rows of swipegym.wrappers.Rows. action_mask: [steps, slots] bool. action:
    [steps] int64, a slot. episode: [steps] int64. done, terminated, truncated: [steps, 1] bool, as at the beginning of
    the step: false. Under "next" the observation and mask behind the step, reward: [steps, 1] float32 in units of
    `seconds`, and done, terminated, truncated as the step made them.
    """
    seconds = arguments.real("seconds", seconds, 1e-6, 1e6)
    torch = need("torch", "a TensorDict")
    library = need("tensordict", "a TensorDict")

    def tensor(array: np.ndarray):
        return torch.from_numpy(np.ascontiguousarray(array))

    def seen_at(entries: np.ndarray) -> dict:
        mask = played.infos["action_mask"][entries]
        seen = {name: array[entries] for name, array in played.observations.items()}
        return {"observation": tensor(rows_of(seen, {"action_mask": mask})), "action_mask": tensor(mask.astype(bool))}

    ends = {
        "done": played.terminated | played.truncated,
        "terminated": played.terminated,
        "truncated": played.truncated,
    }
    behind = {
        **seen_at(played.before + 1),
        "reward": tensor((played.rewards / seconds).astype(np.float32)[:, None]),
        **{name: tensor(array[:, None]) for name, array in ends.items()},
    }
    return library.TensorDict(
        {
            **seen_at(played.before),
            "action": tensor(played.actions),
            "episode": tensor(played.session),
            **{name: tensor(np.zeros((played.steps, 1), bool)) for name in ends},
            "next": library.TensorDict(behind, batch_size=[played.steps]),
        },
        batch_size=[played.steps],
    )
