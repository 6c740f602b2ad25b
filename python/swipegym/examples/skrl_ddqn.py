"""skrl's Double DQN on the native vectorised environment.

    pip install 'swipegym[torch]' skrl==2.1.1
    python -m swipegym.examples.skrl_ddqn
"""

from __future__ import annotations

import gymnasium as gym
from skrl.agents.torch.ddqn import DDQN, DDQN_CFG
from skrl.envs.wrappers.torch import wrap_env
from skrl.memories.torch import RandomMemory
from skrl.models.torch import DeterministicMixin, Model
from skrl.trainers.torch import SequentialTrainer
from skrl.utils import set_seed

import swipegym

from ..torch import SlotScorer, chooser
from ..wrappers import VectorRows
from .common import Choose, Progress, main

NUM_ENVS = 64


class QNetwork(DeterministicMixin, Model):
    def __init__(self, env):
        Model.__init__(self, observation_space=env.observation_space, action_space=env.action_space, device="cpu")
        DeterministicMixin.__init__(self)
        self.scorer = SlotScorer(self.num_observations, self.num_actions)

    def compute(self, inputs, role=""):
        return self.scorer(inputs["observations"]), {}


def train(seed: int, steps: int, progress: Progress) -> Choose:
    set_seed(seed)
    native = gym.make_vec(swipegym.ENV_ID, num_envs=NUM_ENVS, autoreset_mode="SAME_STEP", rewards="expected")
    env = wrap_env(VectorRows(native), verbose=False)
    models = {"q_network": QNetwork(env), "target_q_network": QNetwork(env)}
    rounds = steps // NUM_ENVS
    cfg = DDQN_CFG(
        learning_rate=1e-3,
        batch_size=512,
        gradient_steps=2,
        discount_factor=0.5,
        polyak=1.0,
        target_update_interval=50,
        learning_starts=20,
        exploration_scheduler=lambda step, steps: max(0.05, 1 - step / (0.3 * rounds)),
    )
    cfg.experiment.write_interval = cfg.experiment.checkpoint_interval = 0
    memory = RandomMemory(memory_size=1024, num_envs=NUM_ENVS, device="cpu")
    spaces = {"observation_space": env.observation_space, "action_space": env.action_space}
    agent = DDQN(models=models, memory=memory, cfg=cfg, device="cpu", **spaces)
    trainer = {"timesteps": rounds, "headless": True, "disable_progressbar": True, "close_environment_at_exit": False}
    SequentialTrainer(cfg=trainer, env=env, agents=agent).train()
    return chooser(models["q_network"].scorer)


if __name__ == "__main__":
    main("skrl DDQN", train, steps=20_000)
