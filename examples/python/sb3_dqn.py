"""Stable-Baselines3's DQN on candidate sets.

    pip install swipegym stable-baselines3==2.9.2
    python examples/python/sb3_dqn.py
"""

import argparse

import gymnasium as gym
import swipegym  # registers the environment
from common import flat, returns_of, show
from stable_baselines3 import DQN
from stable_baselines3.common.utils import set_random_seed


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--steps", type=int, default=30_000)
    options.add_argument("--sessions", type=int, default=1_000, help="of the evaluation")
    options.add_argument("--seed", type=int, default=1)
    options = options.parse_args()
    set_random_seed(options.seed)
    env = gym.wrappers.TransformReward(flat(gym.make(swipegym.ENV_ID)), lambda seconds: seconds / 20)
    agent = DQN(
        "MlpPolicy",
        env,
        learning_rate=5e-4,
        buffer_size=50_000,
        learning_starts=1_000,
        batch_size=128,
        gamma=0.8,
        train_freq=4,
        target_update_interval=500,
        exploration_fraction=0.4,
        policy_kwargs={"net_arch": [128, 128]},
        seed=options.seed,
    )
    agent.learn(options.steps)
    show("SB3 DQN", returns_of(lambda rows, masks: agent.predict(rows, deterministic=True)[0], options.sessions))
    show("random", returns_of(None, options.sessions))


if __name__ == "__main__":
    main()
