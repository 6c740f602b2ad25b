"""Boosted trees that choose videos: LightGBM on the steps of a simulator, as a rival and a quick first policy.

    from swipegym import boosted

    trees = boosted.train("sim.h5", steps=400_000)
    trees.save("trees.json")
    swipegym.evaluate(boosted.load("trees.json", "sim.h5"), simulator="sim.h5")

Trees learn the next reward of a slot, as a contextual bandit does: what a choice does to the rest of the session is not in
it. `python -m swipegym.boosted --help` is the same as a command. Needs LightGBM: pip install 'swipegym[boosted]'.
"""

from .settings import PARAMETERS, TreeSettings
from .training import train
from .trees import Trees, load

__all__ = ["PARAMETERS", "TreeSettings", "Trees", "load", "train"]
