"""PFRL's Double DQN, choosing among the offered candidates.

    pip install . pfrl==0.4.0 torch==2.15.0
    python python/examples/pfrl_dqn.py
"""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pfrl
import torch
from common import SECONDS, Choose, Progress, SlotScorer, main, rows_of

import swipegym

NUM_ENVS = 32


def train(seed: int, steps: int, progress: Progress) -> Choose:
    pfrl.utils.set_random_seed(seed)
    envs = gym.make_vec(swipegym.ENV_ID, num_envs=NUM_ENVS, autoreset_mode=gym.vector.AutoresetMode.DISABLED)
    observation, _ = envs.reset(seed=seed)
    rows, candidates = rows_of(observation), int(envs.single_action_space.n)
    q_function = torch.nn.Sequential(
        SlotScorer(rows.shape[1], candidates), pfrl.q_functions.DiscreteActionValueHead()
    )
    agent = pfrl.agents.DoubleDQN(
        q_function,
        torch.optim.Adam(q_function.parameters(), lr=1e-3),
        pfrl.replay_buffers.ReplayBuffer(65_536),
        gamma=0.8,
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

    def choose(rows, masks):
        with agent.eval_mode():
            return np.asarray(agent.batch_act(list(rows)))

    for step in range(0, steps, NUM_ENVS):
        observation, rewards, terminated, truncated, _ = envs.step(np.asarray(agent.batch_act(list(rows))))
        # PFRL is shown the last observation of a session before the first one of the next.
        agent.batch_observe(list(rows_of(observation)), rewards / SECONDS, terminated, truncated)
        over = terminated | truncated
        if over.any():
            observation, _ = envs.reset(options={"reset_mask": over})
        rows = rows_of(observation)
        progress(step + NUM_ENVS, choose)
    return choose


if __name__ == "__main__":
    main("PFRL DQN", train, steps=20_000)
