"""Many sessions at once, stepped by the engine's own threads without the interpreter's lock."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from gymnasium import spaces
from gymnasium.error import ClosedEnvironmentError
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from . import _core
from .settings import Settings, whole_numbers


class ShortVideoVectorEnv(VectorEnv):
    """num_envs sessions; row i of reset(seed=s) is what a lone ShortVideoEnv shows after reset(seed=s + i).

    copy: True hands out arrays of their own. False is faster: two sets of arrays take turns, so what a step returned
        stays as it is during one further step and is overwritten by the one after.
    autoreset_mode: Gymnasium's three. In SAME_STEP the last observation of a session that ended is in
        info["final_obs"], with what belongs to it in info["final_info"]; both hold entries for all rows, those of
        info["_final_obs"] count.
    Other arguments: see Settings.
    """

    def __init__(
        self,
        num_envs: int = 1,
        *,
        copy: bool = True,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        **settings,
    ):
        if render_mode is not None:
            raise _core.InputError("a vector of sessions is not drawn: use gym.make with a render_mode")
        self.settings = Settings(**settings)
        self.num_envs = int(num_envs)
        self.render_mode = None
        mode = AutoresetMode(autoreset_mode)
        self.metadata = {"autoreset_mode": mode, "render_modes": []}
        self.simulator, self._engine = self.settings.make(self.num_envs, mode.value.replace("Mode", ""))
        self.single_observation_space = self.settings.observation_space(self.simulator.num_videos)
        self.single_action_space = spaces.Discrete(self.settings.candidates)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._mode, self._copy = mode, copy
        self._sets = [] if copy else [self._new_set() for _ in range(2)]
        self._all_rows = np.ones(self.num_envs, bool)
        self._now: tuple | None = None

    def reset(self, *, seed: int | Sequence[int | None] | None = None, options: dict | None = None):
        self._check_open()
        mask = (options or {}).get("reset_mask")
        seeds = self._seeds(seed)
        buffers, arrays = self._next_set()
        if mask is not None:
            mask = np.asarray(mask)
            if mask.shape != (self.num_envs,) or mask.dtype != np.bool_:
                raise _core.InputError(
                    f"options['reset_mask'] is {mask.dtype} {mask.shape}, expected bool ({self.num_envs},)"
                )
            mask = np.ascontiguousarray(mask).view(np.uint8)
        self._engine.reset(seeds, mask, buffers)
        self._now = (buffers, arrays)
        return dict(arrays["observation"]), self._information(arrays, self._all_rows)

    def step(self, actions):
        self._check_open()
        buffers, arrays = self._next_set()
        self._engine.step(whole_numbers(actions, (self.num_envs,)), buffers)
        self._now = (buffers, arrays)
        information = self._information(arrays, self._all_rows)
        if self._mode is AutoresetMode.SAME_STEP:
            over = arrays["terminated"] | arrays["truncated"]
            if over.any():
                information["final_obs"] = dict(arrays["final_observation"])
                information["_final_obs"] = over
                information["final_info"] = {**dict(arrays["final_information"]), **dict(arrays["shown"])}
                information["_final_info"] = over
        return (
            dict(arrays["observation"]),
            arrays["reward"],
            arrays["terminated"],
            arrays["truncated"],
            information,
        )

    def action_masks(self) -> np.ndarray:
        """[num_envs, candidates] bool: which slots may be chosen next."""
        if self._now is None:
            raise _core.InputError("action_masks before reset")
        return self._now[1]["information"]["action_mask"].astype(bool)

    def close_extras(self, **kwargs):
        self._now, self._sets = None, []

    def _new_set(self):
        buffers = _core.StepBuffers(self._engine)
        return buffers, buffers.arrays()

    def _next_set(self):
        if self._copy:
            return self._new_set()
        self._sets.reverse()
        return self._sets[0]

    def _seeds(self, seed) -> np.ndarray:
        if seed is None:
            return self.np_random.integers(2**63, size=self.num_envs, dtype=np.uint64)
        if isinstance(seed, (int, np.integer)):
            if seed < 0:
                raise _core.InputError(f"the seed is {seed}, expected at least 0")
            self._np_random, self._np_random_seed = np.random.default_rng(int(seed)), int(seed)
            return np.arange(self.num_envs, dtype=np.uint64) + np.uint64(seed)
        if len(seed) != self.num_envs:
            raise _core.InputError(f"{len(seed)} seeds for {self.num_envs} envs")
        drawn = self.np_random.integers(2**63, size=self.num_envs, dtype=np.uint64)
        return np.array([d if s is None else s for s, d in zip(seed, drawn)], np.uint64)

    def _information(self, arrays, rows) -> dict:
        out = {}
        for part in (arrays["information"], arrays["shown"]):
            for name, array in part.items():
                out[name] = array
                out["_" + name] = rows
        return out

    def _check_open(self):
        if self.closed:
            raise ClosedEnvironmentError("this environment is closed: make a new one")
