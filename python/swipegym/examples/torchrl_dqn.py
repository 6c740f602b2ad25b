"""TorchRL's Double DQN on the native vectorised environment.

    pip install 'swipegym[torch]' torchrl==0.14.1
    python -m swipegym.examples.torchrl_dqn
"""

from __future__ import annotations

import gymnasium as gym
import torch
from tensordict.nn import TensorDictSequential
from torchrl.collectors import Collector
from torchrl.data import LazyTensorStorage, TensorDictReplayBuffer
from torchrl.envs import GymWrapper
from torchrl.modules import EGreedyModule, QValueActor
from torchrl.objectives import DQNLoss, HardUpdate

import swipegym

from ..torch import SlotScorer, chooser
from ..wrappers import VectorRows
from .common import Choose, Progress, main

NUM_ENVS, FRAMES = 64, 256  # sessions, and their steps between updates


def train(seed: int, steps: int, progress: Progress) -> Choose:
    torch.manual_seed(seed)
    native = gym.make_vec(swipegym.ENV_ID, num_envs=NUM_ENVS, autoreset_mode="DISABLED", rewards="expected")
    env = GymWrapper(VectorRows(native), categorical_action_encoding=True)
    env.set_seed(seed)
    slots = env.action_spec_unbatched
    scorer = SlotScorer(env.observation_spec["observation"].shape[-1], native.single_action_space.n)
    actor = QValueActor(scorer, in_keys=["observation"], spec=slots)
    greedy = EGreedyModule(slots, eps_init=1.0, eps_end=0.05, annealing_num_steps=int(0.3 * steps))
    loss = DQNLoss(actor, loss_function="l2", delay_value=True, double_dqn=True, action_space=slots)
    loss.make_value_estimator(gamma=0.5)
    target, optimizer = HardUpdate(loss, value_network_update_interval=50), torch.optim.Adam(loss.parameters(), lr=1e-3)
    buffer = TensorDictReplayBuffer(storage=LazyTensorStorage(65_536), batch_size=512)
    explorer = TensorDictSequential(actor, greedy)
    for played in Collector(env, explorer, frames_per_batch=FRAMES, total_frames=steps):
        buffer.extend(played.reshape(-1))
        greedy.step(FRAMES)
        for _ in range(8):
            optimizer.zero_grad()
            loss(buffer.sample())["loss"].backward()
            optimizer.step()
            target.step()
        progress(len(buffer), chooser(scorer))
    return chooser(scorer)


if __name__ == "__main__":
    main("TorchRL DQN", train, steps=20_000)
