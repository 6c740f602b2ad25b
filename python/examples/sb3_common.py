"""What the SB3 examples share: the vectorised environment as SB3 wants it, and a policy that scores slots."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import torch
from common import SECONDS, Choose, Progress, SlotScorer, rows_of
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv

import swipegym

PPO_SETTINGS = {
    "learning_rate": 1e-3,
    "n_steps": 32,
    "batch_size": 512,
    "n_epochs": 8,
    "gamma": 0.8,
    "ent_coef": 0.01,
    "device": "cpu",
}


class SlotVecEnv(VecEnv):
    """The native vectorised environment behind SB3's interface, far faster than a DummyVecEnv of lone ones.

    Observations are rows (see common.rows_of), rewards in units of `seconds`. Other arguments: of gym.make_vec.
    """

    def __init__(self, num_envs: int, seconds: float = SECONDS, **settings):
        self.seconds = seconds
        mode = gym.vector.AutoresetMode.SAME_STEP  # SB3's own: a session that ended is followed in the same step
        self.envs = gym.make_vec(swipegym.ENV_ID, num_envs=num_envs, autoreset_mode=mode, **settings)
        rows = rows_of(self.envs.reset(seed=0)[0])
        space = gym.spaces.Box(-np.inf, np.inf, rows.shape[1:], np.float32)
        super().__init__(num_envs, space, self.envs.single_action_space)
        self.returns, self.lengths = np.zeros(num_envs), np.zeros(num_envs, int)

    def reset(self):
        first = self._seeds[0]  # SB3 seeds env i with seed + i, which is what the vectorised one does itself
        observation, _ = self.envs.reset(seed=None if first is None else int(first))
        self._reset_seeds()
        self.returns[:], self.lengths[:] = 0, 0
        return rows_of(observation)

    def step_async(self, actions):
        self.actions = actions

    def step_wait(self):
        observation, rewards, terminated, truncated, info = self.envs.step(self.actions)
        self.returns += rewards
        self.lengths += 1
        infos = [{} for _ in range(self.num_envs)]
        over = terminated | truncated
        if over.any():
            last = rows_of(info["final_obs"])
            for i in np.flatnonzero(over):
                infos[i]["terminal_observation"] = last[i]
                infos[i]["TimeLimit.truncated"] = bool(truncated[i] and not terminated[i])
                infos[i]["episode"] = {"r": self.returns[i], "l": self.lengths[i]}  # in seconds watched, in SB3's log
            self.returns[over], self.lengths[over] = 0, 0
        return rows_of(observation), (rewards / self.seconds).astype(np.float32), over, infos

    def close(self):
        self.envs.close()

    def get_attr(self, attr_name, indices=None):
        if attr_name == "action_masks":  # MaskablePPO asks whether there are any
            return [self.envs.action_masks] * self.num_envs
        return [getattr(self.envs, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name, value, indices=None):
        raise NotImplementedError("settings are arguments of SlotVecEnv")

    def env_method(self, method_name, *args, indices=None, **kwargs):
        results = getattr(self.envs, method_name)(*args, **kwargs)
        return [results[i] for i in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class, indices=None):
        return [False for _ in self._get_indices(indices)]


class SlotPolicy:
    """Mixin of an actor-critic policy: the actor's logits are one SlotScorer, the critic looks at the whole row."""

    def _build(self, lr_schedule):
        super()._build(lr_schedule)
        self.mlp_extractor = ActorAndCritic(self.features_dim, int(self.action_space.n))
        self.action_net = torch.nn.Identity()
        self.value_net = torch.nn.Linear(self.mlp_extractor.latent_dim_vf, 1)
        self.optimizer = self.optimizer_class(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)


class ActorAndCritic(torch.nn.Module):
    """What SB3 calls an mlp_extractor."""

    def __init__(self, features: int, candidates: int, width: int = 64):
        super().__init__()
        self.latent_dim_pi, self.latent_dim_vf = candidates, width
        self.forward_actor = SlotScorer(features, candidates)
        self.forward_critic = torch.nn.Sequential(torch.nn.Linear(features, width), torch.nn.Tanh())

    def forward(self, rows):
        return self.forward_actor(rows), self.forward_critic(rows)


def chooser(agent) -> Choose:
    """The best slot by an SB3 agent that knows no masks."""
    return lambda rows, masks: agent.predict(rows, deterministic=True)[0]


class Report(BaseCallback):
    """Tells Progress about every step."""

    def __init__(self, progress: Progress, choose: Choose):
        super().__init__()
        self.progress, self.choose = progress, choose

    def _on_step(self) -> bool:
        self.progress(self.num_timesteps, self.choose)
        return True
