"""What an environment is made of, shared by the lone and the vectorised one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from gymnasium import spaces

from . import _core, arguments
from .simulators import CLOCKS, load_simulator
from .sources import CandidateSource, asked_source, is_own_source

REWARD_KINDS = ("drawn", "expected")
MOST_IN_A_SLATE = 1000


@dataclass(frozen=True)
class Settings:
    """The arguments of gym.make and gym.make_vec.

    simulator: None for the one in the package, a file of `swipegym fit`, or a Simulator.
    candidates: videos offered a step, the actions.
    source: where they come from: 'random', 'popularity', 'top', 'sample', a policy file that retrieves them, or an object
        or function of one's own, see CandidateSource; 'full' for the whole catalogue, where an action is the index of a
        video.
    slate: videos chosen a step, watched in order until the user leaves; an action is so many different slots.
    history_length: videos of history in the observation, 1 to 200.
    max_steps: a session is truncated after so many.
    reward: weights a second watched ('watch_s'), a watch ratio ('watch_ratio', clipped to 5), each signal ('like' or, as
        in SIGNAL_NAMES, 'is_like'), a user who leaves and is back within a day ('return_day'), an hour until then
        ('gap_h').
    costs: any number of further such sums, columns of info["cost"].
    rewards: 'drawn', the reward of what the user did, or 'expected', what the user model expects of the video in the
        state it is shown in: the same mean without the noise of one play. The answers that move the state, info and
        costs are drawn all the same, and so are terms of a return to the app.
    invalid_action: 'raise' for a masked slot, or 'redraw' it.
    clock: 'dense' or 'log', see load_simulator; a Simulator has one already.
    threads: 0 for all cores. Never changes a result.

    Raises InputError that names the argument for what is of another kind, not finite or out of range.
    """

    simulator: _core.Simulator | str | os.PathLike | None = None
    candidates: int = 10
    source: str | CandidateSource = "random"
    slate: int = 1
    history_length: int = 50
    max_steps: int = 100
    reward: Mapping[str, float] = field(default_factory=lambda: {"watch_s": 1.0})
    costs: Sequence[Mapping[str, float]] = ()
    rewards: str = "drawn"
    invalid_action: str = "raise"
    clock: str = "dense"
    threads: int = 0

    def __post_init__(self):
        if isinstance(self.costs, (Mapping, str)) or not isinstance(self.costs, Iterable):
            raise arguments.refused("costs", self.costs, "a list of mappings from terms to weights")
        checked = {
            "candidates": arguments.ranged("candidates", self.candidates),
            "source": self.source if is_own_source(self.source) else arguments.path("source", self.source),
            "slate": arguments.whole("slate", self.slate, 1, MOST_IN_A_SLATE),
            "history_length": arguments.ranged("history_length", self.history_length),
            "max_steps": arguments.ranged("max_steps", self.max_steps),
            "reward": arguments.weights("reward", self.reward),
            "costs": tuple(arguments.weights(f"costs[{i}]", cost) for i, cost in enumerate(self.costs)),
            "rewards": arguments.word("rewards", self.rewards, REWARD_KINDS),
            "invalid_action": arguments.word("invalid_action", self.invalid_action, ("raise", "redraw")),
            "clock": arguments.word("clock", self.clock, CLOCKS),
            "threads": arguments.threads(self.threads),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)  # frozen for everybody else

    def loaded(self) -> _core.Simulator:
        return load_simulator(self.simulator, self.clock)

    @property
    def source_name(self) -> str:
        """A name or a file; of an own source the name of its class or function."""
        return self.source if isinstance(self.source, str) else asked_source(self.source)[2]

    def native(self) -> _core.World:
        own, draws, name = (None, 0, self.source) if isinstance(self.source, str) else asked_source(self.source)
        return _core.World(
            source=name,
            own_source=own,
            own_draws=draws,
            candidates=self.candidates,
            slate=self.slate,
            history_length=self.history_length,
            max_steps=self.max_steps,
            clock=self.clock,
            reward=self.reward,
            costs=list(self.costs),
        )

    def engine(self, simulator: _core.Simulator, num_envs: int, autoreset_mode: str) -> _core.VectorEnv:
        # Sessions in a simulator that loaded() gave.
        return _core.VectorEnv(
            simulator,
            self.native(),
            num_envs=num_envs,
            autoreset_mode=autoreset_mode,
            invalid_action=self.invalid_action,
            rewards=self.rewards,
            threads=self.threads,
        )

    @property
    def offers_all(self) -> bool:
        return isinstance(self.source, str) and self.source == "full"

    def action_space(self, num_videos: int) -> spaces.Discrete | spaces.MultiDiscrete:
        """Of one session: a slot, or with source 'full' a video, or a slate of them."""
        choices = num_videos if self.offers_all else self.candidates
        return spaces.Discrete(choices) if self.slate == 1 else spaces.MultiDiscrete([choices] * self.slate)

    def action_shape(self) -> tuple[int, ...]:
        return () if self.slate == 1 else (self.slate,)

    def observation_space(self, num_videos: int) -> spaces.Dict:
        """Of one session. Shapes, units and null rules: docs/guide/python.md.

        Features are logarithms, shares and clipped means (docs/guide/environment.md), so that [-10, 10] holds them all;
        the minutes of a session, in half hours, and the hours since the last video have no such bound.
        candidate_features is a vector, as agents without a network of their own want it: reshape(candidates, 8) has a row a slot.
        """
        length, m = self.history_length, self.candidates
        offered = {
            "candidate": spaces.Box(0, num_videos - 1, (m,), np.int32),
            "candidate_features": spaces.Box(-10.0, 10.0, (m * _core.VIDEO_FEATURES,), np.float32),
        }
        return spaces.Dict(
            {
                "user_features": spaces.Box(-10.0, 10.0, (_core.USER_FEATURES,), np.float32),
                "history_video": spaces.Box(-1, num_videos - 1, (length,), np.int32),
                "history_ratio": spaces.Box(0.0, 5.0, (length,), np.float32),
                "history_signals": spaces.Box(0, 255, (length,), np.uint8),
                "context": spaces.Box(-1.0, 1e4, (_core.CONTEXT_FEATURES,), np.float32),
                "tab": spaces.Box(0, 255, (1,), np.uint8),
                "hours_since": spaces.Box(-1.0, 1e6, (1,), np.float32),
                **({} if self.offers_all else offered),
            }
        )


def exploration(epsilon: float = 0.0, temperature: float | None = None) -> _core.Exploration:
    """How a policy chooses. temperature: None for the policy's own, 0 for the best."""
    return _core.Exploration(arguments.epsilon(epsilon), arguments.temperature(temperature))
