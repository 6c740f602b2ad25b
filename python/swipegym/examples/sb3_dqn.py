"""Stable-Baselines3's DQN.

    pip install 'swipegym[sb3]'
    python -m swipegym.examples.sb3_dqn
"""

from __future__ import annotations

from stable_baselines3 import DQN

from ..sb3 import DQN_SETTINGS, SlotQPolicy, SlotVecEnv, chooser
from .common import Choose, Progress, main
from .sb3_progress import Report


def train(seed: int, steps: int, progress: Progress) -> Choose:
    agent = DQN(SlotQPolicy, SlotVecEnv(64), **DQN_SETTINGS, seed=seed)
    agent.learn(steps, callback=Report(progress, chooser(agent)))
    return chooser(agent)


if __name__ == "__main__":
    main("SB3 DQN", train, steps=50_000)
