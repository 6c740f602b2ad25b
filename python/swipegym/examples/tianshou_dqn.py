"""Tianshou's Double DQN on lone environments side by side.

    pip install 'swipegym[torch]' tianshou==2.0.1
    python -m swipegym.examples.tianshou_dqn
"""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import torch
from tianshou.algorithm.modelfree.dqn import DQN, DiscreteQLearningPolicy
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Collector, VectorReplayBuffer
from tianshou.env import DummyVectorEnv
from tianshou.utils.torch_utils import policy_within_training_step

import swipegym

from ..torch import SlotScorer, chooser
from ..wrappers import Rows
from .common import Choose, Progress, main

NUM_ENVS, STEPS = 16, 256  # steps of all sessions between updates


class Network(torch.nn.Module):
    def __init__(self, env):
        super().__init__()
        self.scorer = SlotScorer(env.observation_space.shape[0], env.action_space.n)

    def forward(self, obs, state=None, info=None):
        return self.scorer(torch.as_tensor(obs)), state


def train(seed: int, steps: int, progress: Progress) -> Choose:
    torch.manual_seed(seed)
    np.random.seed(seed)  # Tianshou explores by it
    envs = DummyVectorEnv([lambda: Rows(gym.make(swipegym.ENV_ID, rewards="expected", threads=1))] * NUM_ENVS)
    envs.seed(seed)
    network = Network(Rows(gym.make(swipegym.ENV_ID)))
    policy = DiscreteQLearningPolicy(model=network, action_space=envs.action_space[0], eps_training=1.0)
    agent = DQN(policy=policy, optim=AdamOptimizerFactory(lr=1e-3), gamma=0.5, target_update_freq=50)
    collector = Collector(agent, envs, VectorReplayBuffer(65_536, NUM_ENVS))
    collector.reset()
    for step in range(0, steps, STEPS):
        policy.set_eps_training(max(0.05, 1 - step / (0.3 * steps)))
        with policy_within_training_step(policy):
            collector.collect(n_step=STEPS)
            for _ in range(8):
                agent.update(buffer=collector.buffer, sample_size=512)
        progress(step + STEPS, chooser(network.scorer))
    return chooser(network.scorer)


if __name__ == "__main__":
    main("Tianshou DQN", train, steps=20_000)
