"""One session at a time."""

from __future__ import annotations

import gymnasium
import numpy as np
from gymnasium.error import ClosedEnvironmentError, ResetNeeded

from . import _core, arguments
from .rendering import SessionPage, TerminalView, require_pictures
from .seeding import first_seed, placed_seed, reset_seed, seed_word, seed_words
from .settings import Settings
from .snapshots import copied, go_on, put_back, sessions_of
from .starts import checked_options, given_starts
from .timing import TimeLimited


class ShortVideoEnv(TimeLimited, gymnasium.Env):
    """A user opens the app, is shown one video after the other, and leaves at some point.

    An action is a slot of the candidate set in the observation. The reward is the seconds watched unless `reward` says
    otherwise; `terminated` means that the user left, `truncated` that max_steps were taken. See Settings for the
    arguments and docs/guide/python.md for every entry of observation and info.
    """

    metadata = {"render_modes": ["ansi", "human", "rgb_array"], "render_fps": 2}

    def __init__(self, render_mode: str | None = None, **settings):
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise _core.InputError(f"render_mode is '{render_mode}', expected one of {self.metadata['render_modes']}")
        if render_mode == "rgb_array":
            require_pictures()
        self.settings = Settings(**settings)
        self.render_mode = render_mode
        self.simulator = self.settings.loaded()
        self._make_engine()
        self.observation_space = self.settings.observation_space(self.simulator.num_videos)
        self.action_space = self.settings.action_space(self.simulator.num_videos)
        self._page: SessionPage | None = None
        self._terminal = TerminalView(self.metadata["render_fps"])
        self._running = self._begun = self._closed = False
        self._seed, self._placed = 0, 0  # the last seed, and sessions begun for a user, time or tab since

    def _make_engine(self):
        self._engine = self.settings.engine(self.simulator, 1, "Disabled")
        self._buffers = _core.StepBuffers(self._engine)
        self._arrays = self._buffers.arrays()
        # The one row of each array, as every step copies it: [1] of numbers stay as they are.
        self._seen = [(name, array[0].copy) for name, array in self._arrays["observation"].items()]
        self._reward, self._terminated, self._truncated = (
            self._arrays[name] for name in ("reward", "terminated", "truncated")
        )
        self._chooses_one = self.settings.slate == 1
        told = {**self._arrays["information"], **self._arrays["shown"]}
        self._told = [(name, array.item if array.ndim == 1 else array[0].copy) for name, array in told.items()]

    def reset(self, *, seed: int | None = None, options: dict | None = None):
        """With a seed, session 0 of that seed; without one, the session behind the last one, over or not. The first
        reset without a seed draws one, which is in np_random_seed.

        options: whose session begins ("user", the index as in info), when ("time_ms", since 1970) and where ("tab").
        What is not said is drawn as always; time and tab of a user that is said, from the user's own logged starts.
        """
        self._check_open()
        starts = None if options is None else given_starts(checked_options(options), 1)
        if seed is not None:
            seed = reset_seed("seed", seed)
            super().reset(seed=seed)
        elif not self._begun:
            seed = first_seed(self)
        if seed is not None:
            self._seed, self._placed = seed, 0
        if starts is None:
            self._engine.reset_one(None if seed is None else seed_word(seed), self._buffers)
        else:
            if seed is None:
                self._placed += 1
                seed = placed_seed(self._seed, self._placed)
            self._engine.reset_at(seed_words([seed]), *starts.values(), np.ones(1, bool), self._buffers)
        self._running = self._begun = True
        if self.render_mode is not None:
            self._page = SessionPage(self.simulator, int(self._arrays["information"]["user"][0]))
        if self.render_mode == "human":
            self._terminal.begin()
            self.render()
        return self._observation(), self._information()

    def step(self, action):
        self._check_open()
        if not self._running:
            raise ResetNeeded("step before reset, or after the session's end: call reset first")
        # Nearly always a plain number, for which the general way would take as long as a part of the engine's step.
        if type(action) in (int, np.int64) and self._chooses_one and 0 <= action <= arguments.MOST:
            self._engine.step_one(int(action), self._buffers)
        else:
            actions = arguments.whole_numbers("actions", action, self.settings.action_shape())
            self._engine.step(actions[None], self._buffers)
        terminated, truncated = self._terminated.item(), self._truncated.item()
        self._running = not (terminated or truncated)
        information = self._information()
        if self._page is not None:
            self._page.add(information, terminated, truncated)
        if self.render_mode == "human":
            self.render()
        return self._observation(), self._reward.item(), terminated, truncated, information

    def action_masks(self) -> np.ndarray:
        """[candidates] bool: which slots may be chosen, as sb3-contrib's MaskablePPO asks for it; [videos] with source
        'full'."""
        self._check_open()
        if not self._begun:
            raise ResetNeeded("action_masks before reset: there is no session to choose for")
        if self.settings.offers_all:
            return self._engine.may_show()[0].astype(bool)
        return self._arrays["information"]["action_mask"][0].astype(bool)

    def render(self):
        self._check_open()
        if self.render_mode is None:
            gymnasium.logger.warn("render() without a render_mode: give one to gym.make")
            return None
        if self._page is None:
            raise ResetNeeded("render before reset: there is no session to show")
        if self.render_mode == "rgb_array":
            return self._page.image()
        if self.render_mode == "ansi":
            return self._page.text()
        self._terminal.show(self._page)
        return None

    def close(self):
        self._closed = True

    def __getstate__(self) -> dict:
        made = ("_engine", "_buffers", "_arrays", "_seen", "_told", "_reward", "_terminated", "_truncated")
        state = {name: value for name, value in self.__dict__.items() if name not in made}
        if self._begun and not self._closed:
            state["_sessions"], state["_shown"] = sessions_of(self._engine), copied(self._arrays)
        return state

    def __setstate__(self, state: dict):
        sessions, shown = state.pop("_sessions", None), state.pop("_shown", None)
        self.__dict__.update(state)
        self._make_engine()
        if sessions is not None:
            go_on(self._engine, sessions)
            put_back(self._arrays, shown)

    def _check_open(self):
        if self._closed:
            raise ClosedEnvironmentError("this environment is closed: make a new one")

    def _observation(self) -> dict[str, np.ndarray]:
        return {name: copy() for name, copy in self._seen}

    def _information(self) -> dict:
        return {name: value() for name, value in self._told}
