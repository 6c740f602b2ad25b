"""The command line of swipegym.boosted."""

from __future__ import annotations

import argparse
import json
import sys
import time

from .. import _core, arguments
from ..evaluation import evaluate
from ..formats.files import require_apart
from ..simulators import load_simulator
from .settings import DEFAULTS, TreeSettings
from .training import train
from .trees import Trees

EVERY_S = 2.0


def main(words: list[str] | None = None) -> int:
    """The command line. Returns the exit code: 0, or 2 for bad input."""
    options = argparse.ArgumentParser(prog="python -m swipegym.boosted", description="Trains boosted trees in a simulator.")
    options.add_argument("--simulator", help="a file of `swipegym fit` (the package's own)")
    options.add_argument("--out", required=True, help="the file of trees to write")
    known = TreeSettings()
    for name in ("steps", "columns", "rewards", "rounds", "epsilon", "trees", "seed"):
        default = getattr(known, name)
        options.add_argument(f"--{name}", type=type(default), default=default, help="(%(default)s)")
    options.add_argument("--candidates", type=int, default=10, help="videos offered a step (%(default)s)")
    options.add_argument("--parameters", default="{}", help="LightGBM's settings as JSON, such as '{\"num_leaves\": 63}'")
    options.add_argument("--sessions", type=int, default=1000, help="fresh ones to evaluate in, 0 for none (%(default)s)")
    options.add_argument("--threads", type=int, default=0, help="0 for all cores")
    given = vars(options.parse_args(words))
    out, sessions, spec = given.pop("out"), given.pop("sessions"), given.pop("parameters")
    try:
        try:
            parameters = {**DEFAULTS, **json.loads(spec)}
        except (ValueError, TypeError):
            raise arguments.refused("--parameters", spec, "a JSON object of LightGBM's settings") from None
        simulator = load_simulator(given.pop("simulator"))
        require_apart(out, "simulator", simulator.path)  # before anything is played
        trees = train(simulator, parameters=parameters, progress=Told(), **given)
        trees.save(out)
        if sessions:
            _report(trees, simulator, sessions, given["candidates"], given["threads"])
    except (_core.InputError, _core.SystemError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


class Told:
    """A line of progress on stderr every two seconds: one that is written anew on a terminal, else one below the other."""

    def __init__(self):
        self.last, self.end = time.monotonic(), "\r" if sys.stderr.isatty() else "\n"

    def __call__(self, stage: str, share: float) -> None:
        if time.monotonic() - self.last < EVERY_S:
            return
        self.last = time.monotonic()
        print(f"{stage:8}{100 * share:3.0f} %", end=self.end, file=sys.stderr, flush=True)


def _report(trees: Trees, simulator: _core.Simulator, sessions: int, candidates: int, threads: int) -> None:
    about = {"sessions": sessions, "simulator": simulator, "candidates": candidates, "threads": threads}
    random = evaluate("random", **about)
    ours = evaluate(lambda observation, info: trees(observation, info, threads=threads), **about)
    low, high = ours.interval(versus=random)
    print(f"random  {random}")
    print(f"trees   {ours}, {low:+.2f} to {high:+.2f} beside random")


if __name__ == "__main__":
    sys.exit(main())
