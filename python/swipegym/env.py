"""One session at a time."""

from __future__ import annotations

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.error import ClosedEnvironmentError, ResetNeeded

from . import _core
from .rendering import SessionPage
from .settings import Settings, whole_numbers


class ShortVideoEnv(gymnasium.Env):
    """A user opens the app, is shown one video after the other, and leaves at some point.

    An action is a slot of the candidate set in the observation. The reward is the seconds watched unless `reward` says
    otherwise; `terminated` means that the user left, `truncated` that max_steps were taken. See Settings for the
    arguments and docs/python.md for every entry of observation and info.
    """

    metadata = {"render_modes": ["ansi", "human", "rgb_array"], "render_fps": 2}

    def __init__(self, render_mode: str | None = None, **settings):
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise _core.InputError(f"render_mode is '{render_mode}', expected one of {self.metadata['render_modes']}")
        self.settings = Settings(**settings)
        self.render_mode = render_mode
        # In this mode a step beyond the end begins the user's next episode, as it does in a row of the vector env.
        self.simulator, self._engine = self.settings.make(1, "NextStep")
        self._buffers = _core.StepBuffers(self._engine)
        self._arrays = self._buffers.arrays()
        self.observation_space = self.settings.observation_space(self.simulator.num_videos)
        self.action_space = spaces.Discrete(self.settings.candidates)
        self._page: SessionPage | None = None
        self._running = self._over = self._closed = False

    def reset(self, *, seed: int | None = None, options: dict | None = None):
        self._check_open()
        super().reset(seed=seed)
        if seed is None and self._over:
            self._engine.step(np.zeros(1, np.int32), self._buffers)
        else:
            start = self.np_random.integers(2**63) if seed is None else seed
            self._engine.reset(np.array([start], np.uint64), None, self._buffers)
        self._running, self._over = True, False
        self._page = SessionPage(self.simulator, int(self._arrays["information"]["user"][0]))
        if self.render_mode == "human":
            self.render()
        return self._observation(), self._information()

    def step(self, action):
        self._check_open()
        if not self._running:
            raise ResetNeeded("step before reset, or after the session's end: call reset first")
        self._engine.step(whole_numbers(action, ()).reshape(1), self._buffers)
        terminated, truncated = bool(self._arrays["terminated"][0]), bool(self._arrays["truncated"][0])
        self._over = terminated or truncated
        self._running = not self._over
        information = self._information()
        self._page.add(information, terminated, truncated)
        if self.render_mode == "human":
            self.render()
        return self._observation(), float(self._arrays["reward"][0]), terminated, truncated, information

    def action_masks(self) -> np.ndarray:
        """[candidates] bool: which slots may be chosen, as sb3-contrib's MaskablePPO asks for it."""
        return self._arrays["information"]["action_mask"][0].astype(bool)

    def render(self):
        if self.render_mode is None:
            gymnasium.logger.warn("render() without a render_mode: give one to gym.make")
            return None
        if self._page is None:
            raise ResetNeeded("render before reset: there is no session to show")
        if self.render_mode == "rgb_array":
            return self._page.image()
        text = self._page.text()
        if self.render_mode == "ansi":
            return text
        print(text)
        return None

    def close(self):
        self._closed = True

    def _check_open(self):
        if self._closed:
            raise ClosedEnvironmentError("this environment is closed: make a new one")

    def _observation(self) -> dict[str, np.ndarray]:
        return {name: array[0].copy() for name, array in self._arrays["observation"].items()}

    def _information(self) -> dict:
        now, shown = self._arrays["information"], self._arrays["shown"]
        return {
            "user": int(now["user"][0]),
            "action_mask": now["action_mask"][0].copy(),
            "cost": shown["cost"][0].copy(),
            "video": int(shown["video"][0, 0]),
            "watch_s": float(shown["watch_s"][0, 0]),
            "watch_ratio": float(shown["watch_ratio"][0, 0]),
            "signals": int(shown["signals"][0, 0]),
            "gap_h": float(shown["gap_h"][0]),
        }
