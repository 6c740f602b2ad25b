"""TorchRL's Double DQN:  pip install 'swipegym[torch]' torchrl==0.14.1 && python -m swipegym.examples.torchrl_dqn"""

import gymnasium as gym
import torch
from tensordict.nn import TensorDictSequential
from torchrl.collectors import Collector
from torchrl.data import LazyTensorStorage, TensorDictReplayBuffer
from torchrl.envs import GymWrapper
from torchrl.modules import EGreedyModule, QValueActor
from torchrl.objectives import DQNLoss, HardUpdate

from ..torch import SlotScorer, chooser
from ..wrappers import VectorRows
from .common import main


def train(seed, steps, progress):
    torch.manual_seed(seed)
    native = gym.make_vec("swipegym/ShortVideo-v0", num_envs=64, autoreset_mode="DISABLED", rewards="expected")
    env = GymWrapper(VectorRows(native), categorical_action_encoding=True)
    env.set_seed(seed)
    slots, features = env.action_spec_unbatched, env.observation_spec["observation"].shape[-1]
    scorer = SlotScorer(features, slots.n)
    actor = QValueActor(scorer, in_keys=["observation"], spec=slots)
    greedy = EGreedyModule(slots, eps_init=1.0, eps_end=0.05, annealing_num_steps=int(0.3 * steps))
    loss = DQNLoss(actor, loss_function="l2", delay_value=True, double_dqn=True, action_space=slots)
    loss.make_value_estimator(gamma=0.5)
    target, optimizer = HardUpdate(loss, value_network_update_interval=50), torch.optim.Adam(loss.parameters(), lr=1e-3)
    buffer = TensorDictReplayBuffer(storage=LazyTensorStorage(65_536), batch_size=512)
    for played in Collector(env, TensorDictSequential(actor, greedy), frames_per_batch=256, total_frames=steps):
        buffer.extend(played.reshape(-1)), greedy.step(256)
        for _ in range(8):
            optimizer.zero_grad(), loss(buffer.sample())["loss"].backward(), optimizer.step(), target.step()
        progress(len(buffer), chooser(scorer))
    return chooser(scorer)


if __name__ == "__main__":
    main("TorchRL DQN", train, steps=20_000)
