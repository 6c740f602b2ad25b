"""A network for choosing among slots, in PyTorch: for loops of one's own as CleanRL writes them, TorchRL, Tianshou, skrl.

    from swipegym.torch import SlotScorer
    from swipegym.wrappers import VectorRows

    envs = VectorRows(gym.make_vec("swipegym/ShortVideo-v0", num_envs=64))
    network = SlotScorer(envs.single_observation_space.shape[0], envs.single_action_space.n)
    values = network(torch.from_numpy(envs.reset(seed=1)[0]))  # [64, slots]

Needs PyTorch: pip install 'swipegym[torch]'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from .log_schema import need
from .wrappers import SLOT_FEATURES, rows_of

torch = need("torch", "swipegym.torch", "'swipegym[torch]'")

MASKED = -1e9  # of a slot that may not be chosen: finite, so that probabilities and their logarithms have gradients

__all__ = ["MASKED", "SlotCritic", "SlotScorer", "chooser"]


def _layers(inputs: int, hidden: Sequence[int], activation) -> list:
    out = []
    for width in hidden:
        out += [torch.nn.Linear(inputs, width), activation()]
        inputs = width
    return out


class SlotScorer(torch.nn.Module):
    """One number a slot, Q-values or logits: the same small network looks at each slot's features, beside the user's and
    the context. A network over the whole row would have to learn what a length means once for each of the slots.

    features: of a row of swipegym.wrappers.rows_of. Masked slots get MASKED.
    """

    def __init__(self, features: int, candidates: int, hidden: Sequence[int] = (64, 64), activation=torch.nn.ReLU):
        super().__init__()
        self.candidates, self.slots_end = int(candidates), int(candidates) * SLOT_FEATURES
        self.around_end = int(features) - self.candidates
        inputs = SLOT_FEATURES + self.around_end - self.slots_end
        if inputs <= SLOT_FEATURES:
            raise ValueError(f"features is {features}, expected those of a row of {candidates} slots with masks")
        layers = _layers(inputs, hidden, activation)
        self.net = torch.nn.Sequential(*layers, torch.nn.Linear(hidden[-1] if hidden else inputs, 1))

    def forward(self, rows):
        """[..., features] -> [..., candidates]"""
        slots = rows[..., : self.slots_end].unflatten(-1, (self.candidates, SLOT_FEATURES))
        around = rows[..., self.slots_end : self.around_end].unsqueeze(-2)
        around = around.expand(*around.shape[:-2], self.candidates, around.shape[-1])
        scores = self.net(torch.cat([slots, around], dim=-1)).squeeze(-1)
        return scores.masked_fill(rows[..., self.around_end :] == 0, MASKED)


class SlotCritic(torch.nn.Module):
    """What a state is worth, from the whole row: [..., features] -> [...]. last: False leaves out the last layer, for
    whoever has one of their own: [..., features] -> [..., width]."""

    def __init__(self, features: int, hidden: Sequence[int] = (64,), activation=torch.nn.Tanh, last: bool = True):
        super().__init__()
        layers = _layers(int(features), hidden, activation)
        if last:
            layers += [torch.nn.Linear(hidden[-1] if hidden else int(features), 1), torch.nn.Flatten(-2)]
        self.net = torch.nn.Sequential(*layers)

    def forward(self, rows):
        return self.net(rows)


def chooser(scorer: Callable) -> Callable[[Mapping, Mapping], np.ndarray]:
    """The best slot of each row by a network of rows, as swipegym.evaluate takes a policy."""

    @torch.no_grad()
    def choose(observation, info):
        return scorer(torch.from_numpy(rows_of(observation, info))).argmax(dim=-1).numpy()

    return choose
