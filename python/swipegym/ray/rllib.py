"""The environment under a name that RLlib's EnvRunners can make it by."""

from __future__ import annotations

import os
from collections.abc import Mapping

import gymnasium

from ..log_schema import need
from .sent_files import world

KEYS = ("candidate_features", "context", "user_features")


def register_env(name: str = "swipegym") -> str:
    """Makes the environment known to RLlib, its observations as one vector of float32; returns the name.

        config.environment(register_env(), env_config={"simulator": "sim.h5", "candidates": 10})

    env_config: the arguments of gym.make, and `keys`, the entries of the observation to keep (by default
    candidate_features, context and user_features), which stand in the order of the alphabet. A file must be there on
    every machine that runs an EnvRunner; each process loads it once.
    """
    need("ray.tune.registry", "RLlib", "ray[rllib]").register_env(name, flat_env)
    return name


def flat_env(config: Mapping) -> gymnasium.Env:
    """See register_env."""
    arguments = {"threads": 1, **config}
    keys = list(arguments.pop("keys", KEYS))
    simulator = arguments.get("simulator")
    if simulator is None or isinstance(simulator, (str, os.PathLike)):
        path = None if simulator is None else os.path.abspath(simulator)
        arguments["simulator"] = world(path, arguments.pop("clock", "dense"))
    env = gymnasium.make("swipegym/ShortVideo-v0", disable_env_checker=True, **arguments)
    return gymnasium.wrappers.FlattenObservation(gymnasium.wrappers.FilterObservation(env, keys))
