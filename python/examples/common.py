"""What the examples share: observations as rows of numbers, a network that scores slots, and a fair evaluation."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping

import numpy as np
import torch

import swipegym

# Features only: what a video is called tells a network of numbers nothing. In Gymnasium's order, the alphabet's.
KEYS = ("candidate_features", "context", "user_features")
SLOT_FEATURES = 8
SECONDS = 20.0  # rewards are divided by it, so that values are near 1
TEST_SEED = 20_000  # of the evaluation; training starts from 1, 2, ... and never plays its sessions
CURVE_SESSIONS = 1000  # a point of a learning curve: the first of the evaluation's sessions

Rows = np.ndarray  # [rows, features] float32, see rows_of
Choose = Callable[[Rows, np.ndarray], np.ndarray]  # (rows, masks [rows, candidates] bool) -> a slot a row


def rows_of(observation: Mapping[str, np.ndarray]) -> Rows:
    """A batch of observations as [rows, features], the order that gym.wrappers.FlattenObservation has too."""
    return np.concatenate([observation[key] for key in KEYS], axis=1)


class SlotScorer(torch.nn.Module):
    """One number a slot: the same small network looks at each slot's features, beside the user's and the context.

    A network over the whole vector would have to learn what a duration means once for each of the slots.
    """

    def __init__(self, features: int, candidates: int, width: int = 64):
        super().__init__()
        self.candidates, self.split = candidates, candidates * SLOT_FEATURES
        self.net = torch.nn.Sequential(
            torch.nn.Linear(features - self.split + SLOT_FEATURES, width),
            torch.nn.ReLU(),
            torch.nn.Linear(width, width),
            torch.nn.ReLU(),
            torch.nn.Linear(width, 1),
        )

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """[rows, features] -> [rows, candidates]"""
        slots = rows[:, : self.split].reshape(-1, self.candidates, SLOT_FEATURES)
        around = rows[:, None, self.split :].expand(-1, self.candidates, -1)
        return self.net(torch.cat([slots, around], dim=2)).squeeze(2)


def evaluate(choose: Choose | str, sessions: int) -> swipegym.Evaluation:
    """The same fresh sessions for every caller. choose: a function, or the name of a policy of the package."""
    if isinstance(choose, str):
        return swipegym.evaluate(choose, sessions=sessions, seed=TEST_SEED)
    return swipegym.evaluate(
        lambda observation, info: choose(rows_of(observation), info["action_mask"].astype(bool)),
        sessions=sessions,
        seed=TEST_SEED,
    )


class Progress:
    """Called with (steps so far, choose) while a client trains: a point of the learning curve every `every` steps.

    Both clocks, wall and processor, count training alone: they stand still during evaluations.
    """

    def __init__(self, every: int, sessions: int):
        self.every, self.sessions, self.next, self.curve = every, sessions, 0, []
        self.seconds, self.started = np.zeros(2), self._now()

    def __call__(self, steps: int, choose: Choose) -> None:
        if steps < self.next or not self.every:
            return
        seconds = self.stop()
        mean = evaluate(choose, self.sessions).mean
        self.curve.append({"steps": steps, "seconds": seconds, "mean": mean})
        self.next = steps + self.every
        self.started = self._now()

    def stop(self) -> list[float]:
        """Seconds of training so far: [wall, processor]."""
        self.seconds += self._now() - self.started
        return self.seconds.tolist()

    @staticmethod
    def _now() -> np.ndarray:
        return np.array([time.perf_counter(), time.process_time()])


def main(name: str, train: Callable[[int, int, Progress], Choose], steps: int) -> None:
    """The command line of an example: trains once for each seed and prints what it came to beside random choice.

    train: (seed, steps, progress) -> choose.
    """
    options = argparse.ArgumentParser(description=f"{name} on {swipegym.ENV_ID}")
    options.add_argument("--steps", type=int, default=steps, help="of the environment, in all (%(default)s)")
    options.add_argument("--seeds", type=int, default=1, help="training runs (%(default)s)")
    options.add_argument("--sessions", type=int, default=4000, help="of the evaluation (%(default)s)")
    options.add_argument("--curve", type=int, default=0, metavar="N", help="also evaluate every N steps of training")
    options.add_argument("--json", help="write returns and learning curves to this file")
    options = options.parse_args()
    torch.set_num_threads(1)  # networks this small lose by more

    random = evaluate("random", options.sessions)
    print(f"{'random':28} {random}")
    runs = []
    for seed in range(1, options.seeds + 1):
        progress = Progress(options.curve, CURVE_SESSIONS)
        choose = train(seed, options.steps, progress)
        seconds = progress.stop()
        result = evaluate(choose, options.sessions)
        low, high = result.interval(versus=random)
        print(f"{f'{name}, seed {seed}':28} {result}, {low:+.1f} to {high:+.1f} beside random")
        print(f"{'':28} trained in {seconds[0]:.0f} s, {seconds[1]:.0f} s of processor time", flush=True)
        progress.curve.append(
            {"steps": options.steps, "seconds": seconds, "mean": float(result.reward[:CURVE_SESSIONS].mean())}
        )
        runs.append({"seconds": seconds, "curve": progress.curve, "returns": result.reward.tolist()})
    if options.json:
        with open(options.json + ".part", "w") as file:
            out = {"name": name, "steps": options.steps, "random": random.reward.tolist(), "runs": runs}
            json.dump({**out, "curve_sessions": CURVE_SESSIONS}, file)
        os.replace(options.json + ".part", options.json)
