"""sb3-contrib's MaskablePPO, with the mask of what may be chosen.

    pip install 'swipegym[sb3]' sb3-contrib==2.9.2
    python -m swipegym.examples.sb3_maskable_ppo

The default source offers only what the session has not seen, so that every slot may be chosen; train(..., source="top")
is a catalogue of ten videos in which each one that was watched is masked.
"""

from __future__ import annotations

from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy

from ..sb3 import PPO_SETTINGS, SlotActorCritic, SlotVecEnv
from ..wrappers import rows_of
from .common import Choose, Progress, main
from .sb3_progress import Report


class SlotMaskablePolicy(SlotActorCritic, MaskableActorCriticPolicy):
    pass


def train(seed: int, steps: int, progress: Progress, **settings) -> Choose:
    agent = MaskablePPO(SlotMaskablePolicy, SlotVecEnv(64, **settings), **PPO_SETTINGS, seed=seed)

    def choose(observation, info):
        masks = info["action_mask"].astype(bool)
        return agent.predict(rows_of(observation, info), deterministic=True, action_masks=masks)[0]

    agent.learn(steps, callback=Report(progress, choose))
    return choose


if __name__ == "__main__":
    main("MaskablePPO", train, steps=20_000)
