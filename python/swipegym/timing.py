"""How long an episode may be, where Gymnasium's tools look for it."""

from __future__ import annotations

import copy

from gymnasium.envs.registration import EnvSpec


class TimeLimited:
    """Mixin: spec.max_episode_steps says settings.max_steps, or what Gymnasium was told beside it where that is less."""

    _spec: EnvSpec | None = None

    @property
    def spec(self) -> EnvSpec | None:
        return self._spec

    @spec.setter
    def spec(self, given: EnvSpec | None):
        if given is not None:
            given = copy.copy(given)  # its kwargs stay: they may hold what cannot be copied, a source of one's own
            steps = self.settings.max_steps
            given.max_episode_steps = min(given.max_episode_steps or steps, steps)
        self._spec = given
