"""Steps of a simulator, and trees fitted to their rewards."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import numpy as np

from .. import _core
from ..settings import Settings
from ..simulators import load_simulator
from ..vector_env import ShortVideoVectorEnv
from .settings import DEFAULTS, TreeSettings
from .trees import Columns, Trees, lightgbm

Progress = Callable[[str, float], None]
NUM_ENVS = 1024  # sessions under way in training; part of what a seed means


def train(
    simulator: _core.Simulator | str | os.PathLike | None = None,
    *,
    candidates: int = 10,
    source: str | os.PathLike = "random",
    history_length: int = 50,
    max_steps: int = 100,
    reward: Mapping[str, float] | None = None,
    threads: int = 0,
    progress: Progress = lambda stage, share: None,
    **settings,
) -> Trees:
    """Plays steps in a simulator, and fits trees to the rewards of what was shown.

    progress: called with what is under way ("playing", "trees") and the share of it that is done, as it goes.
    settings: those of TreeSettings (steps, columns, rewards, rounds, epsilon, trees, parameters, seed). Other arguments:
    see Settings. 400,000 rows of 223 columns take 400 MB.
    """
    how = TreeSettings(**settings)
    world = {
        "candidates": candidates,
        "source": source,
        "history_length": history_length,
        "max_steps": max_steps,
        "reward": {"watch_s": 1.0} if reward is None else reward,
    }
    play = Play(load_simulator(simulator), how, world, threads, progress)
    values, labels = [], []
    for part in range(how.rounds):
        steps = how.steps * (part + 1) // how.rounds - how.steps * part // how.rounds
        new_values, new_labels = play.steps(steps)
        values.append(new_values), labels.append(new_labels)
        play.policy = fit(values, np.concatenate(labels), play.columns, how, threads, play.about, progress)
    return play.policy


def fit(
    values: list[np.ndarray],
    labels: np.ndarray,
    columns: Columns,
    how: TreeSettings,
    threads: int,
    about: Mapping,
    progress: Progress = lambda stage, share: None,
) -> Trees:
    """Trees on rows that were played. values: blocks [rows, columns] float32; labels: [rows] of them all."""
    rows = dataset(values, labels, columns, threads)
    told = [lambda now: progress("trees", (now.iteration + 1) / now.end_iteration)]
    return Trees(lightgbm.train(native(how, threads), rows, how.trees, callbacks=told), columns, about)


def dataset(values: list[np.ndarray], labels: np.ndarray, columns: Columns, threads: int):
    """LightGBM's form of rows, which trainings with different settings may share."""
    return lightgbm.Dataset(
        values,
        labels,
        feature_name=list(columns.names),
        categorical_feature=columns.categories,
        params={"verbose": -1, "num_threads": threads, "force_col_wise": True, "feature_pre_filter": False},
    )


def native(how: TreeSettings, threads: int) -> dict:
    """LightGBM's settings of a training."""
    own = {
        "objective": "l2",
        "verbose": -1,
        "num_threads": threads,
        "seed": how.seed % 2**31,
        "deterministic": True,
        "force_col_wise": True,  # a histogram is summed by one thread, in the rows' order
    }
    return {**DEFAULTS, **how.parameters, **own}


class Play:
    """Steps in a simulator, one part after the other; `policy`, once there is one, makes most choices."""

    def __init__(
        self,
        simulator: _core.Simulator,
        how: TreeSettings,
        world: Mapping,
        threads: int,
        progress: Progress = lambda stage, share: None,
    ):
        checked = Settings(simulator=simulator, threads=threads, **world)  # names what is wrong before anything is played
        self.how, self.threads, self.policy, self.progress = how, checked.threads, None, progress
        self.columns = Columns(how.columns, simulator)
        self.envs = ShortVideoVectorEnv(
            NUM_ENVS, copy=False, autoreset_mode="SameStep", simulator=simulator, rewards=how.rewards, threads=threads, **world
        )
        sessions, choices = np.random.SeedSequence(how.seed).spawn(2)
        self.rng = np.random.default_rng(choices)
        self.observation, self.info = self.envs.reset(seed=sessions.generate_state(NUM_ENVS, np.uint64))
        named = {name: getattr(checked, name) for name in world}
        self.about = {"settings": how.figures(), "world": named, "simulator": simulator.fingerprint}

    def steps(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The columns of what was shown [count, columns] float32 and its rewards [count] float32."""
        values = np.empty((count, len(self.columns.names)), np.float32)
        labels = np.empty(count, np.float32)
        for first in range(0, count, NUM_ENVS):
            rows = min(NUM_ENVS, count - first)
            slots = self._choices()
            values[first : first + rows] = self.columns.of(self.observation, slots, self.threads)[:rows]
            self.observation, reward, _, _, self.info = self.envs.step(slots)
            labels[first : first + rows] = reward[:rows]
            self.progress("playing", (first + rows) / count)
        return values, labels

    def _choices(self) -> np.ndarray:
        mask = self.info["action_mask"].astype(bool)
        slots = np.where(mask, self.rng.random(mask.shape), -1.0).argmax(axis=1).astype(np.int32)
        if self.policy is not None:
            uniform = self.rng.random(len(slots)) < self.how.epsilon
            slots = np.where(uniform, slots, self.policy(self.observation, self.info, threads=self.threads))
        return slots.astype(np.int32)
