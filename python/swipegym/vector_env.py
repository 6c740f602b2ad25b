"""Many sessions at once, stepped by the engine's own threads without the interpreter's lock."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import gymnasium
import numpy as np
from gymnasium.error import ClosedEnvironmentError
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from . import _core, arguments
from .env import ShortVideoEnv
from .rendering import VectorPages, require_pictures
from .seeding import RowSeeds, drawn_seeds, placed_seed, row_seeds, seed_words
from .settings import Settings
from .snapshots import copied, go_on, put_back, sessions_of
from .starts import checked_options, given_starts
from .timing import TimeLimited


class ShortVideoVectorEnv(TimeLimited, VectorEnv):
    """num_envs sessions; row i of reset(seed=s) is what a lone ShortVideoEnv shows after reset(seed=s + i).

    copy: True hands out arrays of their own. False is faster: two sets of arrays take turns, so what a step returned
        stays as it is during one further step and is overwritten by the one after.
    autoreset_mode: Gymnasium's three. In SAME_STEP the last observation of a session that ended is in
        info["final_obs"], with what belongs to it in info["final_info"]; both hold entries for all rows, those of
        info["_final_obs"] count.
    render_mode: 'ansi' or 'rgb_array': render() has a text or a picture a row.
    max_episode_steps: what Gymnasium calls max_steps; the smaller one counts.
    Other arguments: see Settings.
    """

    RENDER_MODES = ("ansi", "rgb_array")

    def __init__(
        self,
        num_envs: int = 1,
        *,
        copy: bool = True,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        max_episode_steps: int | None = None,
        **settings,
    ):
        if render_mode is not None:
            arguments.word("render_mode", render_mode, self.RENDER_MODES)
        if render_mode == "rgb_array":
            require_pictures()
        self.settings = Settings(**settings)
        if max_episode_steps is not None:
            steps = arguments.ranged("max_steps", max_episode_steps)
            self.settings = dataclasses.replace(self.settings, max_steps=min(steps, self.settings.max_steps))
        self.num_envs = arguments.ranged("num_envs", num_envs)
        self.render_mode = render_mode
        self.autoreset_mode = _mode(autoreset_mode)
        copy = arguments.flag("copy", copy)
        self.metadata = {
            "autoreset_mode": self.autoreset_mode,
            "render_modes": list(self.RENDER_MODES),
            "render_fps": ShortVideoEnv.metadata["render_fps"],
        }
        self.simulator = self.settings.loaded()
        self.single_observation_space = self.settings.observation_space(self.simulator.num_videos)
        self.single_action_space = self.settings.action_space(self.simulator.num_videos)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._copy = copy
        self._make_engine()
        self._pages = None if render_mode is None else VectorPages(self.simulator, self.num_envs)
        self._row_seeds: RowSeeds = drawn_seeds(self.num_envs)
        self._placed = np.zeros(self.num_envs, int)  # sessions begun for a user, time or tab since a row's seed

    def _make_engine(self):
        mode = self.autoreset_mode.value.replace("Mode", "")
        self._engine = self.settings.engine(self.simulator, self.num_envs, mode)
        self._sets = [] if self._copy else [self._new_set() for _ in range(2)]
        self._all_rows = np.ones(self.num_envs, bool)
        self._all_rows.flags.writeable = False  # every info has it
        self._now: tuple | None = None

    def reset(self, *, seed: int | Sequence[int | None] | np.ndarray | None = None, options: Mapping | None = None):
        """Rows with a seed begin session 0 of it, those without one the session behind their last, over or not; at the
        first reset they are given seeds, which are in np_random_seed. options["reset_mask"], [num_envs] bool: only
        these rows; the others go on, and info's entries whose names begin with _ are false for them. Options "user",
        "time_ms" and "tab" as of ShortVideoEnv.reset: a number for all rows, or [num_envs] of them."""
        self._check_open()
        options = checked_options(options, ("reset_mask",))
        starts = given_starts(options, self.num_envs)
        mask = self._reset_mask(options)
        seeds = row_seeds(seed, self.num_envs)
        given = (
            np.array([one is not None for one in seeds]) if isinstance(seeds, list) else np.ones(self.num_envs, bool)
        )
        if self._now is None and not given.all():
            seeds = [new if one is None else one for one, new in zip(seeds, self._row_seeds)]
            given[:] = True
        buffers, arrays = self._next_set()
        if starts is None:
            self._engine.reset(seed_words(seeds), given, mask, buffers)
        else:
            self._engine.reset_at(self._placed_words(seeds, given, mask), *starts.values(), mask, buffers)
        self._now = (buffers, arrays)
        self._placed[given & mask] = 0
        if given.all() and mask.all():
            self._row_seeds = seeds
        elif given.any():
            self._row_seeds = list(self._row_seeds)
            for row in np.flatnonzero(given & mask):
                self._row_seeds[row] = seeds[row]
        if given.any():
            super().reset(seed=int(seeds[np.argmax(given)]))
        if self._pages is not None:
            self._pages.begin(arrays["information"]["user"], mask)
        return dict(arrays["observation"]), _marked((arrays["information"], arrays["shown"]), mask)

    @property
    def np_random_seed(self) -> tuple[int, ...]:
        """A seed a row, as of Gymnasium's SyncVectorEnv: reset(seed=...) of them repeats the run."""
        return tuple(map(int, self._row_seeds))

    def step(self, actions):
        self._check_open()
        buffers, arrays = self._next_set()
        shape = (self.num_envs, *self.settings.action_shape())
        self._engine.step(arguments.whole_numbers("actions", actions, shape), buffers)
        self._now = (buffers, arrays)
        information = _marked((arrays["information"], arrays["shown"]), self._all_rows)
        if self._pages is not None:
            self._pages.add(arrays, self.autoreset_mode is AutoresetMode.SAME_STEP)
        if self.autoreset_mode is AutoresetMode.SAME_STEP:
            over = arrays["terminated"] | arrays["truncated"]
            if over.any():
                information["final_obs"] = dict(arrays["final_observation"])
                information["_final_obs"] = over
                information["final_info"] = _marked((arrays["final_information"], arrays["shown"]), over)
                information["_final_info"] = over
                for name, array in arrays["shown"].items():  # the rows' next session has shown nothing yet
                    information[name] = array.copy()
                    information[name][over] = -1 if name in ("video", "gap_h") else 0
        return (
            dict(arrays["observation"]),
            arrays["reward"],
            arrays["terminated"],
            arrays["truncated"],
            information,
        )

    def action_masks(self) -> np.ndarray:
        """[num_envs, candidates] bool: which slots may be chosen next; [num_envs, videos] with source 'full'."""
        self._check_open()
        if self._now is None:
            raise _core.InputError("action_masks before reset")
        if self.settings.offers_all:
            return self._engine.may_show().astype(bool)
        return self._now[1]["information"]["action_mask"].astype(bool)

    def expected_rewards(self) -> np.ndarray:
        """[num_envs, candidates] float32: what the user model expects each slot to earn if it is shown next, by the
        weights of `reward`. For oracles and judges: an agent that looks here knows the simulator."""
        self._check_open()
        if self._now is None:
            raise _core.InputError("expected_rewards before reset")
        if self.settings.offers_all:
            raise _core.InputError("expected_rewards: source 'full' has no slots to expect something of")
        return self._engine.expected_rewards()

    def render(self) -> tuple | None:
        """A text or a picture a row, as render_mode says."""
        self._check_open()
        if self._pages is None:
            gymnasium.logger.warn("render() without a render_mode: give one to gym.make_vec")
            return None
        if self._now is None:
            raise _core.InputError("render before reset")
        return self._pages.images() if self.render_mode == "rgb_array" else self._pages.texts()

    def call(self, name: str, *args, **kwargs) -> tuple:
        """What each row has under that name, called where it can be, as of Gymnasium's SyncVectorEnv: action_masks,
        render and np_random_seed of the row, or what all rows share (simulator, settings, spec, spaces, metadata,
        render_mode)."""
        if name in ("action_masks", "render"):
            rows = getattr(self, name)(*args, **kwargs)
            return (None,) * self.num_envs if rows is None else tuple(rows)
        if name == "np_random_seed":
            return self.np_random_seed
        if name not in ("simulator", "settings", "spec", "observation_space", "action_space", "metadata", "render_mode"):
            raise AttributeError(f"no row has a '{name}' of its own")
        return (getattr(self, "single_" + name if name.endswith("_space") else name),) * self.num_envs

    def get_attr(self, name: str) -> tuple:
        """As call, without arguments."""
        return self.call(name)

    def close_extras(self, **kwargs):
        self._now, self._sets = None, []

    def __getstate__(self) -> dict:
        left = ("_engine", "_sets", "_now", "_all_rows")
        state = {name: value for name, value in self.__dict__.items() if name not in left}
        if self._now is not None:
            state["_sessions"], state["_shown"] = sessions_of(self._engine), copied(self._now[1])
        return state

    def __setstate__(self, state: dict):
        sessions, shown = state.pop("_sessions", None), state.pop("_shown", None)
        self.__dict__.update(state)
        self._make_engine()
        if sessions is not None:
            go_on(self._engine, sessions)
            self._now = self._next_set()
            put_back(self._now[1], shown)

    def _new_set(self):
        buffers = _core.StepBuffers(self._engine)
        return buffers, buffers.arrays()

    def _next_set(self):
        if self._copy:
            return self._new_set()
        self._sets.reverse()
        return self._sets[0]

    def _placed_words(self, seeds: RowSeeds, given: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Seeds of sessions that begin for a user, time or tab: those given, or the row's next such one."""
        self._placed[mask & ~given] += 1
        return seed_words(
            [
                seed if seed is not None or not mask[row] else placed_seed(self._row_seeds[row], self._placed[row])
                for row, seed in enumerate(seeds)
            ]
        )

    def _reset_mask(self, options: Mapping) -> np.ndarray:
        mask = options.get("reset_mask")
        if mask is None:
            return self._all_rows
        mask = np.asarray(mask)
        if mask.shape != (self.num_envs,) or mask.dtype != np.bool_:
            raise _core.InputError(
                f"options['reset_mask'] is {mask.dtype} {mask.shape}, expected bool ({self.num_envs},)"
            )
        if not mask.any():
            raise _core.InputError("options['reset_mask'] names no row: leave the reset out")
        return np.array(mask)

    def _check_open(self):
        if self.closed:
            raise ClosedEnvironmentError("this environment is closed: make a new one")


def _marked(parts: Sequence[Mapping[str, np.ndarray]], rows: np.ndarray) -> dict[str, np.ndarray]:
    """An info: each entry with the rows that it is of, as Gymnasium has them."""
    out = {}
    for part in parts:
        for name, array in part.items():
            out[name], out["_" + name] = array, rows
    return out


def _mode(given: AutoresetMode | str) -> AutoresetMode:
    """A mode, its name or its value."""
    if isinstance(given, AutoresetMode):
        return given
    for mode in AutoresetMode:
        if given in (mode.name, mode.value):
            return mode
    raise arguments.refused("autoreset_mode", given, "one of " + ", ".join(mode.name for mode in AutoresetMode))
