"""d3rlpy's Double DQN on a log of random choice, without a step of its own. d3rlpy pins a Gymnasium that is too old:

pip install 'swipegym[torch]' gym structlog dataclasses-json h5py scikit-learn click colorama && pip install --no-deps d3rlpy==2.8.1
python -m swipegym.examples.d3rlpy_dqn
"""

import dataclasses

import d3rlpy
import torch

from ..formats.d3rlpy import to_mdp_dataset
from ..formats.episodes import record
from ..torch import SlotScorer
from ..wrappers import rows_of
from .common import main


@dataclasses.dataclass
class Slots(d3rlpy.models.EncoderFactory):
    slots: int = 10

    def create(self, observation_shape):
        return SlotScorer(observation_shape[0], self.slots)

    @staticmethod
    def get_type():
        return "slots"


class AsTheyAre(d3rlpy.models.MeanQFunctionFactory):
    def create_discrete(self, encoder, hidden_size, action_size):
        function, forwarder = super().create_discrete(encoder, hidden_size, action_size)
        function._fc = torch.nn.Identity()  # a slot's score is its Q-value
        return function, forwarder


def train(seed, steps, progress):
    d3rlpy.seed(seed)
    dataset = to_mdp_dataset(record("random", sessions=steps // 5, seed=seed, rewards="expected"))
    networks = {"encoder_factory": Slots(), "q_func_factory": AsTheyAre(), "target_update_interval": 100}
    agent = d3rlpy.algos.DoubleDQNConfig(learning_rate=1e-3, batch_size=512, gamma=0.5, **networks).create(device="cpu")
    quiet = {"show_progress": False, "logger_adapter": d3rlpy.logging.NoopAdapterFactory()}
    agent.fit(dataset, n_steps=steps // 20, n_steps_per_epoch=steps // 20, **quiet)
    return lambda observation, info: agent.predict(rows_of(observation, info))


if __name__ == "__main__":
    main("d3rlpy DQN", train, steps=20_000)
