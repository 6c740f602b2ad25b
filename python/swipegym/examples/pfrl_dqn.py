"""PFRL's Double DQN, choosing among the offered candidates.

    pip install 'swipegym[torch]' pfrl==0.4.0
    python -m swipegym.examples.pfrl_dqn
"""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pfrl
import torch

import swipegym

from ..torch import SlotScorer
from ..wrappers import VectorRows, rows_of
from .common import Choose, Progress, main

NUM_ENVS = 32


def train(seed: int, steps: int, progress: Progress) -> Choose:
    pfrl.utils.set_random_seed(seed)
    envs = VectorRows(gym.make_vec(swipegym.ENV_ID, num_envs=NUM_ENVS, autoreset_mode="DISABLED", rewards="expected"))
    rows, _ = envs.reset(seed=seed)
    candidates = int(envs.single_action_space.n)
    q_function = torch.nn.Sequential(
        SlotScorer(rows.shape[1], candidates), pfrl.q_functions.DiscreteActionValueHead()
    )
    agent = pfrl.agents.DoubleDQN(
        q_function,
        torch.optim.Adam(q_function.parameters(), lr=1e-3),
        pfrl.replay_buffers.ReplayBuffer(65_536),
        gamma=0.5,
        explorer=pfrl.explorers.LinearDecayEpsilonGreedy(
            1.0, 0.05, int(0.3 * steps), lambda: np.random.randint(candidates)
        ),
        replay_start_size=1_280,
        minibatch_size=128,
        update_interval=16,
        target_update_interval=800,
        batch_accumulator="mean",
        clip_delta=False,
    )

    def choose(observation, info):
        with agent.eval_mode():
            return np.asarray(agent.batch_act(list(rows_of(observation, info))))

    for step in range(0, steps, NUM_ENVS):
        rows, rewards, terminated, truncated, _ = envs.step(np.asarray(agent.batch_act(list(rows))))
        # PFRL is shown the last observation of a session before the first one of the next.
        agent.batch_observe(list(rows), rewards, terminated, truncated)
        over = terminated | truncated
        if over.any():
            rows, _ = envs.reset(options={"reset_mask": over})
        progress(step + NUM_ENVS, choose)
    return choose


if __name__ == "__main__":
    main("PFRL DQN", train, steps=20_000)
