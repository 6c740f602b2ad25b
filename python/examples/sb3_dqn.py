"""Stable-Baselines3's DQN.

    pip install . stable-baselines3==2.9.2 torch==2.15.0
    python python/examples/sb3_dqn.py
"""

from __future__ import annotations

from common import SECONDS, Choose, Progress, SlotScorer, main
from sb3_common import Report, SlotVecEnv, chooser
from stable_baselines3 import DQN
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork


# SB3's loss is Huber's, which is linear beyond an error of 1: in units of 20 s the few long watches, which are most of
# what can be gained, would hardly count. With a hundredth of the reward and of the values it is the squared error.
SMALLER = 100.0


class SlotQNetwork(QNetwork):
    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.q_net = SlotScorer(self.features_dim, int(self.action_space.n))

    def forward(self, obs):
        return super().forward(obs) / SMALLER


class SlotDQNPolicy(DQNPolicy):
    def make_q_net(self):
        return SlotQNetwork(**self._update_features_extractor(self.net_args, features_extractor=None)).to(self.device)


def train(seed: int, steps: int, progress: Progress) -> Choose:
    agent = DQN(
        SlotDQNPolicy,
        SlotVecEnv(64, seconds=SMALLER * SECONDS),
        learning_rate=1e-3,
        buffer_size=65_536,
        learning_starts=1_280,
        batch_size=512,
        gamma=0.8,
        train_freq=1,  # of all 64 sessions at once
        gradient_steps=2,
        target_update_interval=3_200,  # steps of all sessions together
        exploration_fraction=0.3,
        device="cpu",
        seed=seed,
    )
    agent.learn(steps, callback=Report(progress, chooser(agent)))
    return chooser(agent)


if __name__ == "__main__":
    main("SB3 DQN", train, steps=20_000)
