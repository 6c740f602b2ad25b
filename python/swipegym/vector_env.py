"""Many sessions at once, stepped by the engine's own threads without the interpreter's lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from gymnasium import spaces
from gymnasium.error import ClosedEnvironmentError
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from . import _core, arguments
from .seeding import RowSeeds, drawn_seeds, row_seeds, seed_words
from .settings import NotCopied, Settings


class ShortVideoVectorEnv(NotCopied, VectorEnv):
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
        self.num_envs = arguments.ranged("num_envs", num_envs)
        self.render_mode = None
        mode = _mode(autoreset_mode)
        copy = arguments.flag("copy", copy)
        self.metadata = {"autoreset_mode": mode, "render_modes": []}
        self.simulator, self._engine = self.settings.make(self.num_envs, mode.value.replace("Mode", ""))
        self.single_observation_space = self.settings.observation_space(self.simulator.num_videos)
        self.single_action_space = spaces.Discrete(self.settings.candidates)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._mode, self._copy = mode, copy
        self._sets = [] if copy else [self._new_set() for _ in range(2)]
        self._all_rows = np.ones(self.num_envs, bool)
        self._all_rows.flags.writeable = False  # every info has it
        self._now: tuple | None = None
        self._row_seeds: RowSeeds = drawn_seeds(self.num_envs)

    def reset(self, *, seed: int | Sequence[int | None] | np.ndarray | None = None, options: Mapping | None = None):
        """Rows with a seed begin session 0 of it, those without one the session behind their last, over or not; at the
        first reset they are given seeds, which are in np_random_seed. options["reset_mask"], [num_envs] bool: only
        these rows; the others go on, and info's entries whose names begin with _ are false for them."""
        self._check_open()
        mask = self._reset_mask(options)
        seeds = row_seeds(seed, self.num_envs)
        given = (
            np.array([one is not None for one in seeds]) if isinstance(seeds, list) else np.ones(self.num_envs, bool)
        )
        if self._now is None and not given.all():
            seeds = [new if one is None else one for one, new in zip(seeds, self._row_seeds)]
            given[:] = True
        buffers, arrays = self._next_set()
        self._engine.reset(seed_words(seeds), given, mask, buffers)
        self._now = (buffers, arrays)
        if given.all() and mask.all():
            self._row_seeds = seeds
        elif given.any():
            self._row_seeds = list(self._row_seeds)
            for row in np.flatnonzero(given & mask):
                self._row_seeds[row] = seeds[row]
        if given.any():
            super().reset(seed=int(seeds[np.argmax(given)]))
        return dict(arrays["observation"]), _marked((arrays["information"], arrays["shown"]), mask)

    @property
    def np_random_seed(self) -> tuple[int, ...]:
        """A seed a row, as of Gymnasium's SyncVectorEnv: reset(seed=...) of them repeats the run."""
        return tuple(map(int, self._row_seeds))

    def step(self, actions):
        self._check_open()
        buffers, arrays = self._next_set()
        self._engine.step(arguments.whole_numbers("actions", actions, (self.num_envs,)), buffers)
        self._now = (buffers, arrays)
        information = _marked((arrays["information"], arrays["shown"]), self._all_rows)
        if self._mode is AutoresetMode.SAME_STEP:
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
        """[num_envs, candidates] bool: which slots may be chosen next."""
        self._check_open()
        if self._now is None:
            raise _core.InputError("action_masks before reset")
        return self._now[1]["information"]["action_mask"].astype(bool)

    def expected_rewards(self) -> np.ndarray:
        """[num_envs, candidates] float32: what the user model expects each slot to earn if it is shown next, by the
        weights of `reward`. For oracles and judges: an agent that looks here knows the simulator."""
        self._check_open()
        if self._now is None:
            raise _core.InputError("expected_rewards before reset")
        return self._engine.expected_rewards()

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

    def _reset_mask(self, options: Mapping | None) -> np.ndarray:
        if not isinstance(options, (Mapping, type(None))):
            raise arguments.refused("options", options, "a mapping, or None")
        mask = None if options is None else options.get("reset_mask")
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
