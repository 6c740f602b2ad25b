"""skrl's Double DQN:  pip install 'swipegym[torch]' skrl==2.1.1 && python -m swipegym.examples.skrl_ddqn"""

import gymnasium as gym
from skrl.agents.torch.ddqn import DDQN, DDQN_CFG
from skrl.envs.wrappers.torch import wrap_env
from skrl.memories.torch import RandomMemory
from skrl.models.torch import DeterministicMixin, Model
from skrl.trainers.torch import SequentialTrainer
from skrl.utils import set_seed

from ..torch import SlotScorer, chooser
from ..wrappers import VectorRows
from .common import main


class QNetwork(DeterministicMixin, Model):
    def __init__(self, spaces):
        Model.__init__(self, **spaces, device="cpu")
        DeterministicMixin.__init__(self)
        self.scorer = SlotScorer(self.num_observations, self.num_actions)

    def compute(self, inputs, role=""):
        return self.scorer(inputs["observations"]), {}


def train(seed, steps, progress):
    set_seed(seed)
    native = gym.make_vec("swipegym/ShortVideo-v0", num_envs=64, autoreset_mode="SAME_STEP", rewards="expected")
    env, rounds = wrap_env(VectorRows(native), verbose=False), steps // 64
    spaces = {"observation_space": env.observation_space, "action_space": env.action_space}
    models = {"q_network": QNetwork(spaces), "target_q_network": QNetwork(spaces)}
    cfg = DDQN_CFG(learning_rate=1e-3, batch_size=512, gradient_steps=2, discount_factor=0.5, polyak=1.0)
    cfg.target_update_interval, cfg.learning_starts = 50, 20
    cfg.exploration_scheduler = lambda step, steps: max(0.05, 1 - step / (0.3 * rounds))
    cfg.experiment.write_interval = cfg.experiment.checkpoint_interval = 0
    agent = DDQN(models=models, memory=RandomMemory(memory_size=1024, num_envs=64), cfg=cfg, device="cpu", **spaces)
    trainer = {"timesteps": rounds, "headless": True, "disable_progressbar": True, "close_environment_at_exit": False}
    SequentialTrainer(cfg=trainer, env=env, agents=agent).train()
    return chooser(models["q_network"].scorer)


if __name__ == "__main__":
    main("skrl DDQN", train, steps=20_000)
