"""Logs, comparisons and seasons on a Ray cluster, the same bytes whatever the number of workers; the environment for RLlib.

    from swipegym import ray as cluster

    cluster.generate("log.parquet", sessions=1_000_000, policy="dqn.h5", simulator="sim.h5", epsilon=0.1)
    cluster.generate("log", sessions=1_000_000_000, simulator="sim.h5")  # a folder that workers write into
    cluster.compare(["random", "dqn.h5"], sessions=1_000_000, simulator="sim.h5")
    cluster.platform(["uniform", "thompson"], seeds=10, simulator="sim.h5", days=60, out="season")

Work is cut into shares that do not depend on the cluster: users of a log, sessions of a comparison, worlds of
a study of seasons. Ray hands them out
and makes a share again when its worker dies; results are put together in the order of the shares. Simulators and
policies are sent along, so that workers need the package but no files. docs/guide/scale.md walks through a cluster.
"""

from .comparison import compare
from .generation import Written, generate
from .rllib import register_env
from .seasons import platform

__all__ = ["Written", "compare", "generate", "platform", "register_env"]
