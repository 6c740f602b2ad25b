"""Stable-Baselines3's DQN.

    pip install '.[sb3]'
    python python/examples/sb3_dqn.py
"""

from __future__ import annotations

from common import Choose, Progress, main
from sb3_progress import Report
from stable_baselines3 import DQN

from swipegym.sb3 import DQN_SETTINGS, SlotQPolicy, SlotVecEnv, chooser


def train(seed: int, steps: int, progress: Progress) -> Choose:
    agent = DQN(SlotQPolicy, SlotVecEnv(64), **DQN_SETTINGS, seed=seed)
    agent.learn(steps, callback=Report(progress, chooser(agent)))
    return chooser(agent)


if __name__ == "__main__":
    main("SB3 DQN", train, steps=50_000)
