"""Double DQN in one file of PyTorch, as CleanRL writes them, on the vectorised environment.

    pip install . torch==2.15.0
    python python/examples/torch_dqn.py
"""

from __future__ import annotations

import copy

import gymnasium as gym
import numpy as np
import torch
from common import SECONDS, Choose, Progress, SlotScorer, main, rows_of

import swipegym

NUM_ENVS, CAPACITY, BATCH = 64, 65_536, 512
DISCOUNT, LEARNING_RATE, TARGET_EVERY, UPDATES = 0.8, 1e-3, 100, 2


def train(seed: int, steps: int, progress: Progress) -> Choose:
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    envs = gym.make_vec(swipegym.ENV_ID, num_envs=NUM_ENVS, autoreset_mode=gym.vector.AutoresetMode.SAME_STEP)
    observation, info = envs.reset(seed=seed)
    rows, masks = rows_of(observation), info["action_mask"].astype(bool)
    features, candidates = rows.shape[1], masks.shape[1]

    network = SlotScorer(features, candidates)
    target = copy.deepcopy(network)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    stored = {
        "rows": np.zeros((CAPACITY, features), np.float32),
        "actions": np.zeros(CAPACITY, np.int64),
        "rewards": np.zeros(CAPACITY, np.float32),
        "next_rows": np.zeros((CAPACITY, features), np.float32),
        "next_masks": np.zeros((CAPACITY, candidates), bool),
        "terminated": np.zeros(CAPACITY, np.float32),
    }

    @torch.no_grad()
    def choose(rows, masks):
        return np.where(masks, network(torch.from_numpy(rows)).numpy(), -np.inf).argmax(axis=1)

    def update(batch):
        with torch.no_grad():
            allowed = torch.where(batch["next_masks"], network(batch["next_rows"]), -torch.inf)
            next_values = target(batch["next_rows"]).gather(1, allowed.argmax(1, keepdim=True)).squeeze(1)
            goal = batch["rewards"] + DISCOUNT * (1 - batch["terminated"]) * next_values
        values = network(batch["rows"]).gather(1, batch["actions"][:, None]).squeeze(1)
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(values, goal).backward()
        optimizer.step()

    updates = 0
    for step in range(0, steps, NUM_ENVS):
        epsilon = max(0.05, 1 - step / (0.3 * steps))
        drawn = np.where(masks, random.random(masks.shape), -1).argmax(axis=1)
        actions = np.where(random.random(NUM_ENVS) < epsilon, drawn, choose(rows, masks))
        observation, rewards, terminated, truncated, info = envs.step(actions)

        # Where a session ended, the observation is already the next one's; the last of the old one is beside it.
        next_rows, next_masks = rows_of(observation), info["action_mask"].astype(bool)
        last_rows, last_masks = next_rows.copy(), next_masks.copy()
        if "final_obs" in info:
            ended = info["_final_obs"]
            last_rows[ended] = rows_of(info["final_obs"])[ended]
            last_masks[ended] = info["final_info"]["action_mask"][ended].astype(bool)
        at = (step + np.arange(NUM_ENVS)) % CAPACITY
        new = (rows, actions, rewards / SECONDS, last_rows, last_masks, terminated)
        for array, values in zip(stored.values(), new):
            array[at] = values
        rows, masks = next_rows, next_masks

        if step >= 20 * NUM_ENVS:
            for _ in range(UPDATES):
                drawn = random.integers(min(step + NUM_ENVS, CAPACITY), size=BATCH)
                update({name: torch.from_numpy(array[drawn]) for name, array in stored.items()})
                updates += 1
                if updates % TARGET_EVERY == 0:
                    target.load_state_dict(network.state_dict())
        progress(step + NUM_ENVS, choose)
    return choose


if __name__ == "__main__":
    main("PyTorch DQN", train, steps=20_000)
