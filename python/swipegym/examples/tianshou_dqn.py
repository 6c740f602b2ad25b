"""Tianshou's Double DQN:  pip install 'swipegym[torch]' tianshou==2.0.1 && python -m swipegym.examples.tianshou_dqn"""

import gymnasium as gym
import numpy as np
import torch
from tianshou.algorithm.modelfree.dqn import DQN, DiscreteQLearningPolicy
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Collector, VectorReplayBuffer
from tianshou.env import DummyVectorEnv
from tianshou.utils.torch_utils import policy_within_training_step

from ..torch import SlotScorer, chooser
from ..wrappers import Rows
from .common import main


class Network(SlotScorer):
    def forward(self, obs, state=None, info=None):
        return super().forward(torch.as_tensor(obs)), state


def train(seed, steps, progress):
    torch.manual_seed(seed), np.random.seed(seed)  # Tianshou explores by numpy's
    make = lambda: Rows(gym.make("swipegym/ShortVideo-v0", rewards="expected", threads=1))  # noqa: E731
    lone, envs = make(), DummyVectorEnv([make] * 16)
    envs.seed(seed)
    network = Network(lone.observation_space.shape[0], lone.action_space.n)
    policy = DiscreteQLearningPolicy(model=network, action_space=lone.action_space, eps_training=1.0)
    agent = DQN(policy=policy, optim=AdamOptimizerFactory(lr=1e-3), gamma=0.5, target_update_freq=50)
    collector = Collector(agent, envs, VectorReplayBuffer(65_536, 16))
    collector.reset()
    for step in range(0, steps, 256):
        policy.set_eps_training(max(0.05, 1 - step / (0.3 * steps)))
        with policy_within_training_step(policy):
            collector.collect(n_step=256)
            for _ in range(8):
                agent.update(buffer=collector.buffer, sample_size=512)
        progress(step + 256, choose := chooser(lambda rows: network(rows)[0]))
    return choose


if __name__ == "__main__":
    main("Tianshou DQN", train, steps=20_000)
