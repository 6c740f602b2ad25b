"""People who swipe through short videos, simulated: a Gymnasium environment fitted from KuaiRand's watch logs.

    import gymnasium as gym
    import swipegym

    env = gym.make("swipegym/ShortVideo-v0")
    envs = gym.make_vec("swipegym/ShortVideo-v0", num_envs=1024)

Without arguments both step in a small simulator that comes with the package; `simulator="sim.h5"` names one of
`swipegym fit`.
"""

import gymnasium

from . import commands, platform, training_log
from ._core import SIGNAL_NAMES, InputError, Simulator, SystemError, __version__
from .config_files import config_file, config_names
from .encoder import Encoder
from .env import ShortVideoEnv
from .evaluation import Evaluation, evaluate
from .log import Log
from .logs import generate, read_log
from .policies import Policy
from .simulators import default_simulator, load_simulator
from .sources import CandidateSource
from .user_models import UserModel, simulator_of
from .vector_env import ShortVideoVectorEnv

__all__ = [
    "SIGNAL_NAMES",
    "CandidateSource",
    "Encoder",
    "Evaluation",
    "InputError",
    "Log",
    "Policy",
    "ShortVideoEnv",
    "ShortVideoVectorEnv",
    "Simulator",
    "SystemError",
    "UserModel",
    "__version__",
    "commands",
    "config_file",
    "config_names",
    "default_simulator",
    "evaluate",
    "generate",
    "load_simulator",
    "platform",
    "read_log",
    "simulator_of",
    "training_log",
]

ENV_ID = "swipegym/ShortVideo-v0"
if ENV_ID not in gymnasium.registry:
    gymnasium.register(
        ENV_ID,
        entry_point="swipegym.env:ShortVideoEnv",
        vector_entry_point="swipegym.vector_env:ShortVideoVectorEnv",
    )

PLATFORM_ID = "swipegym/Platform-v0"
if PLATFORM_ID not in gymnasium.registry:
    gymnasium.register(PLATFORM_ID, entry_point="swipegym.platform:PlatformEnv")
