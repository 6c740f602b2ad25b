"""Observations for networks: rows of numbers, and slots in an order that a network of no special shape can learn from.

    from swipegym.wrappers import PlainSlots, Rows, VectorRows

    env = PlainSlots(gym.make("swipegym/ShortVideo-v0"))  # for Stable-Baselines3's MultiInputPolicy and the like
    envs = VectorRows(gym.make_vec("swipegym/ShortVideo-v0", num_envs=64))  # for swipegym.torch

Rewards come in units of `seconds`, so that values are near 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space

from . import _core, arguments

SLOT_FEATURES = _core.VIDEO_FEATURES
AROUND = ("context", "user_features")  # what is seen beside the slots; indices of videos tell a network nothing
SECONDS = 20.0


def rows_of(observation: Mapping[str, np.ndarray], info: Mapping[str, np.ndarray]) -> np.ndarray:
    """[rows, features] float32, of a lone environment [features]: the slots' features, eight each, context and user, and
    the mask of what may be chosen, 1 or 0 a slot."""
    parts = [observation["candidate_features"], *(observation[key] for key in AROUND), info["action_mask"]]
    return np.concatenate(parts, axis=-1, dtype=np.float32)


def row_space(space: spaces.Dict) -> spaces.Box:
    """Of rows_of() what a lone environment with this observation space returns."""
    _require_slots(space)
    parts = [space[key] for key in ("candidate_features", *AROUND)]
    slots = parts[0].shape[0] // SLOT_FEATURES
    low = np.concatenate([*(part.low for part in parts), np.zeros(slots, np.float32)])
    high = np.concatenate([*(part.high for part in parts), np.ones(slots, np.float32)])
    return spaces.Box(low, high, dtype=np.float32)


class Rows(gymnasium.Wrapper, gymnasium.utils.RecordConstructorArgs):
    """A lone environment whose observations are rows_of() and whose rewards are in units of `seconds`."""

    def __init__(self, env: gymnasium.Env, seconds: float = SECONDS):
        gymnasium.utils.RecordConstructorArgs.__init__(self, seconds=seconds)
        gymnasium.Wrapper.__init__(self, env)
        self.seconds = arguments.real("seconds", seconds, 1e-6, 1e6)
        self.observation_space = row_space(env.observation_space)

    def reset(self, *, seed=None, options=None):
        observation, info = self.env.reset(seed=seed, options=options)
        return rows_of(observation, info), info

    def step(self, action):
        observation, reward, terminated, truncated, info = self.env.step(action)
        return rows_of(observation, info), reward / self.seconds, terminated, truncated, info


class VectorRows(VectorWrapper):
    """The same of a vectorised environment, in every autoreset mode: info["final_obs"] are rows too."""

    def __init__(self, env: VectorEnv, seconds: float = SECONDS):
        super().__init__(env)
        self.seconds = arguments.real("seconds", seconds, 1e-6, 1e6)
        self.single_observation_space = row_space(env.single_observation_space)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)

    @property
    def autoreset_mode(self):
        """Where TorchRL looks for it; Gymnasium's vector wrappers do not pass it on."""
        return self.env.metadata["autoreset_mode"]

    def reset(self, *, seed=None, options=None):
        observation, info = self.env.reset(seed=seed, options=options)
        return rows_of(observation, info), info

    def step(self, actions):
        observation, reward, terminated, truncated, info = self.env.step(actions)
        if "final_obs" in info:
            info = {**info, "final_obs": rows_of(info["final_obs"], info["final_info"])}
        return rows_of(observation, info), reward / self.seconds, terminated, truncated, info


class PlainSlots(gymnasium.Wrapper, gymnasium.utils.RecordConstructorArgs):
    """A lone environment whose slots stand in the order of one of their features, so that an action means the same kind
    of video at every step; without that a network of no special shape has to find out what lies where each time.

    Observations hold features only: `candidate_features`, `context` and `user_features`. Actions and
    info["action_mask"] are of the ordered slots.

    by: which of a slot's eight features orders them, rising; 0 is the length.
    """

    def __init__(self, env: gymnasium.Env, by: int = 0, seconds: float = SECONDS):
        gymnasium.utils.RecordConstructorArgs.__init__(self, by=by, seconds=seconds)
        gymnasium.Wrapper.__init__(self, env)
        self.by = arguments.whole("by", by, 0, SLOT_FEATURES - 1)
        self.seconds = arguments.real("seconds", seconds, 1e-6, 1e6)
        _require_slots(env.observation_space)
        self.observation_space = spaces.Dict(
            {key: env.observation_space[key] for key in ("candidate_features", *AROUND)}
        )

    def reset(self, *, seed=None, options=None):
        return self._ordered(*self.env.reset(seed=seed, options=options))

    def step(self, action):
        slot = self._order[arguments.whole("action", action, 0, len(self._order) - 1)]
        observation, reward, terminated, truncated, info = self.env.step(int(slot))
        observation, info = self._ordered(observation, info)
        return observation, reward / self.seconds, terminated, truncated, info

    def action_masks(self) -> np.ndarray:
        return self._info["action_mask"].astype(bool)

    def _ordered(self, observation: dict, info: dict) -> tuple[dict, dict]:
        self._order = order_of(observation, self.by)
        seen, self._info = reordered(observation, info, self._order)
        return seen, self._info


def order_of(observation: Mapping[str, np.ndarray], by: int) -> np.ndarray:
    """[..., slots]: the slots in the order of a feature; equal ones as they stand."""
    return np.argsort(_slots(observation)[..., by], axis=-1, kind="stable")


def reordered(observation: Mapping, info: Mapping, order: np.ndarray) -> tuple[dict, dict]:
    """What PlainSlots shows of an observation, or of a batch of them."""
    slots = np.take_along_axis(_slots(observation), order[..., None], axis=-2)
    seen = {"candidate_features": slots.reshape(observation["candidate_features"].shape)}
    seen.update({key: observation[key] for key in AROUND})
    return seen, {**info, "action_mask": np.take_along_axis(np.asarray(info["action_mask"]), order, axis=-1)}


def behind_plain_slots(choose: Callable, by: int = 0) -> Callable[[Mapping, Mapping], np.ndarray]:
    """A policy of plain observations, learned behind PlainSlots, as one of those the environment shows: what
    swipegym.evaluate takes. choose: (observation, info) -> a slot a row of the ordered ones."""

    def choose_slots(observation, info):
        order = order_of(observation, by)
        places = np.asarray(choose(*reordered(observation, info, order)))
        return np.take_along_axis(order, places[:, None], axis=1)[:, 0]

    return choose_slots


def _require_slots(space: spaces.Dict) -> None:
    if not isinstance(space, spaces.Dict) or "candidate_features" not in space.spaces:
        raise _core.InputError("the observation has no slots: give an environment with a source of candidates, not wrapped")


def _slots(observation: Mapping[str, np.ndarray]) -> np.ndarray:
    features = observation["candidate_features"]
    return features.reshape(*features.shape[:-1], -1, SLOT_FEATURES)
