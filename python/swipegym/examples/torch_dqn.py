"""Double DQN in one file of PyTorch, as CleanRL writes them, on the vectorised environment.

    pip install 'swipegym[torch]'
    python -m swipegym.examples.torch_dqn
"""

from __future__ import annotations

import copy

import gymnasium as gym
import numpy as np
import torch

import swipegym

from ..torch import SlotScorer, chooser
from ..wrappers import VectorRows
from .common import Choose, Progress, main

NUM_ENVS, CAPACITY, BATCH = 64, 65_536, 512
DISCOUNT, LEARNING_RATE, TARGET_EVERY, UPDATES = 0.5, 1e-3, 100, 2


def train(seed: int, steps: int, progress: Progress) -> Choose:
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    envs = VectorRows(gym.make_vec(swipegym.ENV_ID, num_envs=NUM_ENVS, autoreset_mode="SAME_STEP", rewards="expected"))
    rows, info = envs.reset(seed=seed)
    features, candidates = rows.shape[1], envs.single_action_space.n

    network = SlotScorer(features, candidates)
    target = copy.deepcopy(network)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    stored = {
        "rows": np.zeros((CAPACITY, features), np.float32),
        "actions": np.zeros(CAPACITY, np.int64),
        "rewards": np.zeros(CAPACITY, np.float32),
        "next_rows": np.zeros((CAPACITY, features), np.float32),
        "terminated": np.zeros(CAPACITY, np.float32),
    }

    @torch.no_grad()
    def best(rows):
        return network(torch.from_numpy(rows)).argmax(dim=1).numpy()

    def update(batch):
        with torch.no_grad():
            chosen = network(batch["next_rows"]).argmax(1, keepdim=True)  # the network knows the masks, from the rows
            next_values = target(batch["next_rows"]).gather(1, chosen).squeeze(1)
            goal = batch["rewards"] + DISCOUNT * (1 - batch["terminated"]) * next_values
        values = network(batch["rows"]).gather(1, batch["actions"][:, None]).squeeze(1)
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(values, goal).backward()
        optimizer.step()

    updates = 0
    for step in range(0, steps, NUM_ENVS):
        epsilon = max(0.05, 1 - step / (0.3 * steps))
        drawn = np.where(info["action_mask"], random.random((NUM_ENVS, candidates)), -1).argmax(axis=1)
        actions = np.where(random.random(NUM_ENVS) < epsilon, drawn, best(rows))
        next_rows, rewards, terminated, truncated, info = envs.step(actions)

        # Where a session ended, the row is already the next one's; the last of the old one is beside it.
        last_rows = next_rows
        if "final_obs" in info:
            last_rows = np.where(info["_final_obs"][:, None], info["final_obs"], next_rows)
        at = (step + np.arange(NUM_ENVS)) % CAPACITY
        for array, values in zip(stored.values(), (rows, actions, rewards, last_rows, terminated)):
            array[at] = values
        rows = next_rows

        if step >= 20 * NUM_ENVS:
            for _ in range(UPDATES):
                drawn = random.integers(min(step + NUM_ENVS, CAPACITY), size=BATCH)
                update({name: torch.from_numpy(array[drawn]) for name, array in stored.items()})
                updates += 1
                if updates % TARGET_EVERY == 0:
                    target.load_state_dict(network.state_dict())
        progress(step + NUM_ENVS, chooser(network))
    return chooser(network)


if __name__ == "__main__":
    main("PyTorch DQN", train, steps=20_000)
