"""RLlib's PPO, its environment runner stepping the native vectorised environment.

    pip install 'swipegym[torch]' 'ray[rllib]==2.60.0'
    python -m swipegym.examples.rllib_ppo
"""

from __future__ import annotations

import gymnasium as gym
import ray
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis import ValueFunctionAPI
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.core.rl_module.torch import TorchRLModule
from ray.tune.registry import register_env

import swipegym

from ..torch import SlotCritic, SlotScorer, chooser
from ..wrappers import VectorRows
from .common import Choose, Progress, main

BATCH = 2_048


class QuietRows(VectorRows):
    """Without info: RLlib would take it apart session by session."""

    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed, options=options)[0], {}

    def step(self, actions):
        return *super().step(actions)[:4], {}


class SlotModule(TorchRLModule, ValueFunctionAPI):
    def setup(self):
        features = self.observation_space.shape[0]
        self.actor = SlotScorer(features, int(self.action_space.n))
        self.critic = SlotCritic(features)

    def _forward(self, batch, **kwargs):
        return {Columns.ACTION_DIST_INPUTS: self.actor(batch[Columns.OBS])}

    def compute_values(self, batch, embeddings=None):
        return self.critic(batch[Columns.OBS])


def train(seed: int, steps: int, progress: Progress) -> Choose:
    def make_envs(context):
        return QuietRows(gym.make_vec(swipegym.ENV_ID, num_envs=context["num_envs"], rewards="expected"))

    register_env("short-video", make_envs)
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, ignore_reinit_error=True)
    algorithm = (
        PPOConfig()
        .environment("short-video")
        .env_runners(
            num_env_runners=0, num_envs_per_env_runner=64, gym_env_vectorize_mode=gym.VectorizeMode.VECTOR_ENTRY_POINT
        )
        .learners(num_learners=0)
        .training(
            lr=1e-3,
            gamma=0.5,
            train_batch_size_per_learner=BATCH,
            minibatch_size=512,
            num_epochs=8,
            entropy_coeff=0.01,
            vf_clip_param=float("inf"),
        )
        .rl_module(rl_module_spec=RLModuleSpec(module_class=SlotModule))
        .debugging(seed=seed, log_level="ERROR")
        .build_algo()
    )
    choose = chooser(algorithm.get_module().actor)
    for step in range(0, steps, BATCH):
        algorithm.train()
        progress(step + BATCH, choose)
    algorithm.stop()
    return choose


if __name__ == "__main__":
    main("RLlib PPO", train, steps=20_000)
