"""Stable-Baselines3's PPO.

    pip install 'swipegym[sb3]'
    python -m swipegym.examples.sb3_ppo
"""

from __future__ import annotations

from stable_baselines3 import PPO

from ..sb3 import PPO_SETTINGS, SlotPolicy, SlotVecEnv, chooser
from .common import Choose, Progress, main
from .sb3_progress import Report


def train(seed: int, steps: int, progress: Progress) -> Choose:
    agent = PPO(SlotPolicy, SlotVecEnv(64), **PPO_SETTINGS, seed=seed)
    agent.learn(steps, callback=Report(progress, chooser(agent)))
    return chooser(agent)


if __name__ == "__main__":
    main("SB3 PPO", train, steps=20_000)
