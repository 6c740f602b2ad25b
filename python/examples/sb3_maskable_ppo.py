"""sb3-contrib's MaskablePPO, with the mask of what may be chosen.

    pip install . sb3-contrib==2.9.2 stable-baselines3==2.9.2 torch==2.15.0
    python python/examples/sb3_maskable_ppo.py

The default source offers only what the session has not seen, so that every slot may be chosen; train(..., source="top")
is a catalogue of ten videos in which each one that was watched is masked.
"""

from __future__ import annotations

from common import Choose, Progress, main
from sb3_common import PPO_SETTINGS, Report, SlotPolicy, SlotVecEnv
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy


class SlotMaskablePolicy(SlotPolicy, MaskableActorCriticPolicy):
    pass


def train(seed: int, steps: int, progress: Progress, **settings) -> Choose:
    agent = MaskablePPO(
        SlotMaskablePolicy,
        SlotVecEnv(64, **settings),
        **PPO_SETTINGS,
        seed=seed,
    )

    def choose(rows, masks):
        return agent.predict(rows, deterministic=True, action_masks=masks)[0]

    agent.learn(steps, callback=Report(progress, choose))
    return choose


if __name__ == "__main__":
    main("MaskablePPO", train, steps=20_000)
