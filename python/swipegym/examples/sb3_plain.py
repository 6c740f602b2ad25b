"""Stable-Baselines3's PPO with its own MultiInputPolicy and its own settings, behind PlainSlots.

    pip install 'swipegym[sb3]'
    python -m swipegym.examples.sb3_plain

A lone environment and a network of no special shape: slower by far than sb3_ppo, for whoever wants nothing of swipegym
but the environment.
"""

from __future__ import annotations

import gymnasium as gym
from stable_baselines3 import PPO

import swipegym

from ..sb3 import chooser
from ..wrappers import PlainSlots, behind_plain_slots
from .common import Choose, Progress, main
from .sb3_progress import Report


def train(seed: int, steps: int, progress: Progress) -> Choose:
    agent = PPO("MultiInputPolicy", PlainSlots(gym.make(swipegym.ENV_ID)), seed=seed, device="cpu")
    choose = behind_plain_slots(chooser(agent))
    agent.learn(steps, callback=Report(progress, choose))
    return choose


if __name__ == "__main__":
    main("SB3 PPO, plain", train, steps=100_000)
