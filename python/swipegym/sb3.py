"""Stable-Baselines3 on the native engine, with a network for slots:

    from swipegym.sb3 import PPO, PPO_SETTINGS, SlotPolicy, SlotVecEnv, chooser

    agent = PPO(SlotPolicy, SlotVecEnv(64), **PPO_SETTINGS).learn(20_000)
    print(swipegym.evaluate(chooser(agent)))

DQN takes SlotQPolicy and DQN_SETTINGS in the same way; both classes are SB3's own. The policies also learn from SB3's own environments of
gym.make("swipegym/ShortVideo-v0"), more slowly. Needs Stable-Baselines3: pip install 'swipegym[sb3]'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import gymnasium
import numpy as np

from .log_schema import need

need("stable_baselines3", "swipegym.sb3", "'swipegym[sb3]'")

import torch  # noqa: E402
from stable_baselines3 import DQN, PPO  # noqa: E402, F401, at hand where the settings are
from stable_baselines3.common.policies import ActorCriticPolicy  # noqa: E402
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor  # noqa: E402
from stable_baselines3.common.vec_env import VecEnv  # noqa: E402
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork  # noqa: E402

from .torch import SlotCritic, SlotScorer  # noqa: E402
from .vector_env import ShortVideoVectorEnv  # noqa: E402
from .wrappers import AROUND, SECONDS, SLOT_FEATURES, VectorRows, rows_of  # noqa: E402

__all__ = [
    "DQN_SETTINGS",
    "PPO_SETTINGS",
    "SlotActorCritic",
    "SlotExtractor",
    "SlotPolicy",
    "SlotQPolicy",
    "SlotVecEnv",
    "chooser",
]

PPO_SETTINGS = {
    "learning_rate": 1e-3,
    "n_steps": 32,
    "batch_size": 512,
    "n_epochs": 8,
    "gamma": 0.5,
    "ent_coef": 0.01,
    "device": "cpu",
}
DQN_SETTINGS = {
    "learning_rate": 1e-3,
    "buffer_size": 65_536,
    "learning_starts": 1_280,
    "batch_size": 512,
    "gamma": 0.5,
    "train_freq": 1,  # of all sessions at once
    "gradient_steps": 2,
    "target_update_interval": 3_200,  # steps of all sessions together
    "exploration_fraction": 0.3,
    "device": "cpu",
}


class SlotVecEnv(VecEnv):
    """The native vectorised environment behind SB3's interface, far faster than a DummyVecEnv of lone ones.

    num_envs: sessions side by side; PPO_SETTINGS and DQN_SETTINGS are for 64.
    seconds: rewards are in units of so many; what SB3 logs of episodes is in seconds.
    settings: of gym.make_vec. A slot that may not be chosen is drawn again ("redraw") where nothing else is said:
        policies here never choose one, but DQN explores without a look at the mask.

    Observations are rows of numbers (swipegym.wrappers.rows_of). A reward is what the user model expects of the video
    shown, without the noise of one play, where settings do not say rewards="drawn". Features are of order one already:
    VecNormalize(norm_obs=True) would make another number of the mask, which the policies read as 0 or not.
    """

    def __init__(self, num_envs: int = 64, seconds: float = SECONDS, **settings):
        settings = {"rewards": "expected", "invalid_action": "redraw", **settings}
        # SB3's own mode: a session that ended is followed in the same step.
        self.envs = VectorRows(ShortVideoVectorEnv(num_envs, autoreset_mode="SAME_STEP", **settings), seconds)
        super().__init__(num_envs, self.envs.single_observation_space, self.envs.single_action_space)
        self.returns, self.lengths = np.zeros(num_envs), np.zeros(num_envs, int)

    def reset(self):
        first = self._seeds[0]  # SB3 seeds env i with seed + i, which is what the vectorised one does itself
        rows, _ = self.envs.reset(seed=None if first is None else int(first))
        self._reset_seeds()
        self.returns[:], self.lengths[:] = 0, 0
        return rows

    def step_async(self, actions):
        self.actions = actions

    def step_wait(self):
        rows, rewards, terminated, truncated, info = self.envs.step(self.actions)
        self.returns += rewards * self.envs.seconds
        self.lengths += 1
        infos = [{} for _ in range(self.num_envs)]
        over = terminated | truncated
        for i in np.flatnonzero(over):
            infos[i]["terminal_observation"] = info["final_obs"][i]
            infos[i]["TimeLimit.truncated"] = bool(truncated[i] and not terminated[i])
            infos[i]["episode"] = {"r": self.returns[i], "l": self.lengths[i]}
        self.returns[over], self.lengths[over] = 0, 0
        return rows, rewards.astype(np.float32), over, infos

    def close(self):
        self.envs.close()

    def get_images(self):
        return self.envs.render() or [None] * self.num_envs

    def get_attr(self, attr_name, indices=None):
        if attr_name == "action_masks":  # MaskablePPO asks whether there are any
            return [self.envs.unwrapped.action_masks] * self.num_envs
        values = self.envs.unwrapped.get_attr(attr_name)
        return [values[i] for i in self._get_indices(indices)]

    def set_attr(self, attr_name, value, indices=None):
        raise NotImplementedError("settings are arguments of SlotVecEnv")

    def env_method(self, method_name, *method_args, indices=None, **method_kwargs):
        results = self.envs.unwrapped.call(method_name, *method_args, **method_kwargs)
        return [results[i] for i in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class, indices=None):
        return [False for _ in self._get_indices(indices)]


class SlotExtractor(BaseFeaturesExtractor):
    """Rows, of rows or of the environment's own dicts (whose slots may all be chosen: what a dict does not say, the mask,
    is in info, where SB3 does not look)."""

    def __init__(self, observation_space: gymnasium.Space):
        rows = isinstance(observation_space, gymnasium.spaces.Box)
        keys = ("candidate_features", *AROUND)
        size = observation_space.shape[0] if rows else sum(observation_space[key].shape[0] for key in keys)
        self.slots = 0 if rows else observation_space["candidate_features"].shape[0] // SLOT_FEATURES
        self.keys = keys
        super().__init__(observation_space, size + self.slots)

    def forward(self, observations):
        if self.slots == 0:
            return observations
        parts = [observations[key] for key in self.keys]
        return torch.cat([*parts, parts[0].new_ones(parts[0].shape[0], self.slots)], dim=1)


def _set_threads(threads: int | None) -> None:
    # More than one thread gains nothing with networks this small, and threads that wait for each other busily cost a
    # machine with other work 5 to 25 times the processor time.
    if threads is not None:
        torch.set_num_threads(threads)


class SlotActorCritic:
    """Mixin of an actor-critic policy of SB3 or sb3-contrib: the logits are a SlotScorer's, the critic sees the row.

    net_arch: hidden layers, a list or {"pi": [...], "vf": [...]}; by default [64, 64] and [64].
    torch_threads: what torch.set_num_threads is told, for the whole process; None leaves it as it is.
    """

    def __init__(self, *args, net_arch=None, features_extractor_class=SlotExtractor, torch_threads=1, **kwargs):
        _set_threads(torch_threads)
        arch = {"pi": [64, 64], "vf": [64]} if net_arch is None else net_arch
        super().__init__(*args, net_arch=arch, features_extractor_class=features_extractor_class, **kwargs)

    def _build(self, lr_schedule):
        super()._build(lr_schedule)
        arch = self.net_arch if isinstance(self.net_arch, dict) else {"pi": self.net_arch, "vf": self.net_arch}
        self.mlp_extractor = _ActorAndCritic(self.features_dim, int(self.action_space.n), arch).to(self.device)
        self.action_net = torch.nn.Identity()
        self.value_net = torch.nn.Linear(self.mlp_extractor.latent_dim_vf, 1).to(self.device)
        self.optimizer = self.optimizer_class(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)


class SlotPolicy(SlotActorCritic, ActorCriticPolicy):
    """For PPO and A2C: see SlotActorCritic."""


class _ActorAndCritic(torch.nn.Module):
    # What SB3 calls an mlp_extractor.
    def __init__(self, features: int, candidates: int, arch: Mapping):
        super().__init__()
        self.latent_dim_pi, self.latent_dim_vf = candidates, arch["vf"][-1] if arch["vf"] else features
        self.forward_actor = SlotScorer(features, candidates, arch["pi"])
        self.forward_critic = SlotCritic(features, arch["vf"], last=False)

    def forward(self, rows):
        return self.forward_actor(rows), self.forward_critic(rows)


class _SlotQNetwork(QNetwork):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.q_net = SlotScorer(self.features_dim, int(self.action_space.n), self.net_arch, self.activation_fn)


class SlotQPolicy(DQNPolicy):
    """For DQN: Q-values of a SlotScorer. net_arch: its hidden layers, by default [64, 64]; torch_threads: see SlotActorCritic."""

    def __init__(self, *args, features_extractor_class=SlotExtractor, torch_threads=1, **kwargs):
        _set_threads(torch_threads)
        super().__init__(*args, features_extractor_class=features_extractor_class, **kwargs)

    def make_q_net(self):
        arguments = self._update_features_extractor(self.net_args, features_extractor=None)
        return _SlotQNetwork(**arguments).to(self.device)


def chooser(agent) -> Callable[[Mapping, Mapping], np.ndarray]:
    """The best slot of each row by an SB3 agent, as swipegym.evaluate takes a policy: of one that learned from rows or
    from dicts. One that learned behind PlainSlots: swipegym.wrappers.behind_plain_slots(chooser(agent))."""
    space = agent.observation_space
    keys = None if isinstance(space, gymnasium.spaces.Box) else list(space)

    def choose(observation, info):
        seen = rows_of(observation, info) if keys is None else {key: observation[key] for key in keys}
        return agent.predict(seen, deterministic=True)[0]

    return choose
