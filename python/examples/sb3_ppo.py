"""Stable-Baselines3's PPO.

    pip install . stable-baselines3==2.9.2 torch==2.15.0
    python python/examples/sb3_ppo.py
"""

from __future__ import annotations

from common import Choose, Progress, main
from sb3_common import PPO_SETTINGS, Report, SlotPolicy, SlotVecEnv, chooser
from stable_baselines3 import PPO
from stable_baselines3.common.policies import ActorCriticPolicy


class SlotActorCriticPolicy(SlotPolicy, ActorCriticPolicy):
    pass


def train(seed: int, steps: int, progress: Progress) -> Choose:
    agent = PPO(
        SlotActorCriticPolicy,
        SlotVecEnv(64),
        **PPO_SETTINGS,
        seed=seed,
    )
    agent.learn(steps, callback=Report(progress, chooser(agent)))
    return chooser(agent)


if __name__ == "__main__":
    main("SB3 PPO", train, steps=20_000)
