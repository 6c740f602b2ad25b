"""RLlib's PPO, its environment runner stepping the native vectorised environment.

    pip install . "ray[rllib]==2.60.0" torch==2.15.0
    python python/examples/rllib_ppo.py
"""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import ray
import torch
from common import KEYS, SECONDS, Choose, Progress, SlotScorer, main, rows_of
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis import ValueFunctionAPI
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.core.rl_module.torch import TorchRLModule
from ray.tune.registry import register_env

import swipegym

BATCH = 2_048


class Rows(gym.vector.VectorObservationWrapper):
    """Observations as rows, rewards in units of SECONDS, no info: RLlib would take it apart session by session."""

    def __init__(self, envs: gym.vector.VectorEnv):
        super().__init__(envs)
        features = sum(envs.single_observation_space[key].shape[0] for key in KEYS)
        self.single_observation_space = gym.spaces.Box(-np.inf, np.inf, (features,), np.float32)
        self.observation_space = gym.vector.utils.batch_space(self.single_observation_space, envs.num_envs)

    def observations(self, observations):
        return rows_of(observations)

    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed, options=options)[0], {}

    def step(self, actions):
        rows, rewards, terminated, truncated, _ = super().step(actions)
        return rows, rewards / SECONDS, terminated, truncated, {}


class SlotModule(TorchRLModule, ValueFunctionAPI):
    def setup(self):
        features = self.observation_space.shape[0]
        self.actor = SlotScorer(features, int(self.action_space.n))
        self.critic = torch.nn.Sequential(torch.nn.Linear(features, 64), torch.nn.Tanh(), torch.nn.Linear(64, 1))

    def _forward(self, batch, **kwargs):
        return {Columns.ACTION_DIST_INPUTS: self.actor(batch[Columns.OBS])}

    def compute_values(self, batch, embeddings=None):
        return self.critic(batch[Columns.OBS]).squeeze(-1)


def train(seed: int, steps: int, progress: Progress) -> Choose:
    register_env("short-video", lambda context: Rows(gym.make_vec(swipegym.ENV_ID, num_envs=context["num_envs"])))
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
            gamma=0.8,
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
    module = algorithm.get_module()

    @torch.no_grad()
    def choose(rows, masks):
        return module.actor(torch.from_numpy(rows)).argmax(dim=1).numpy()

    for step in range(0, steps, BATCH):
        algorithm.train()
        progress(step + BATCH, choose)
    algorithm.stop()
    return choose


if __name__ == "__main__":
    main("RLlib PPO", train, steps=20_000)
