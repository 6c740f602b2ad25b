"""What the examples share: a fair evaluation, and its command line."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping

import numpy as np
import torch

import swipegym

TEST_SEED = 20_000  # of the evaluation; training starts from 1, 2, ... and never plays its sessions
CURVE_SESSIONS = 1000  # a point of a learning curve: the first of the evaluation's sessions

Choose = Callable[[Mapping[str, np.ndarray], Mapping], np.ndarray]  # (observation, info) -> a slot a row


def evaluate(choose: Choose | str, sessions: int) -> swipegym.Evaluation:
    """The same fresh sessions for every caller. choose: a function, or the name of a policy of the package."""
    return swipegym.evaluate(choose, sessions=sessions, seed=TEST_SEED)


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

    random, oracle = (evaluate(name, options.sessions) for name in ("random", "oracle"))
    print(f"{'random':28} {random}")
    print(f"{'one-step oracle':28} {oracle}")
    runs = []
    for seed in range(1, options.seeds + 1):
        progress = Progress(options.curve, CURVE_SESSIONS)
        choose = train(seed, options.steps, progress)
        seconds = progress.stop()
        result = evaluate(choose, options.sessions)
        low, high = result.interval(versus=random)
        print(f"{f'{name}, seed {seed}':28} {result}, {low:+.1f} to {high:+.1f} beside random")
        share = (result.mean - random.mean) / (oracle.mean - random.mean)
        print(f"{'':28} {share:.2f} of the way from random to the one-step oracle")
        print(f"{'':28} trained in {seconds[0]:.0f} s, {seconds[1]:.0f} s of processor time", flush=True)
        progress.curve.append(
            {"steps": options.steps, "seconds": seconds, "mean": float(result.reward[:CURVE_SESSIONS].mean())}
        )
        runs.append({"seconds": seconds, "curve": progress.curve, "returns": result.reward.tolist()})
    if options.json:
        with open(options.json + ".part", "w") as file:
            out = {"name": name, "steps": options.steps, "random": random.reward.tolist(), "runs": runs}
            out["oracle"] = oracle.reward.tolist()
            json.dump({**out, "curve_sessions": CURVE_SESSIONS}, file)
        os.replace(options.json + ".part", options.json)
