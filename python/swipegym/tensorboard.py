"""Trainings in TensorBoard, by PyPI's tensorboardX (`pip install 'swipegym[tensorboard]'`): from the logs that `--log DIR`
keeps,

    python -m swipegym.tensorboard runs            # an event file beside each progress.jsonl in runs and below
    python -m swipegym.tensorboard runs --follow   # and goes on while trainings do
    tensorboard --logdir runs

or from Python as a training goes:

    commands.train_dqn(simulator="sim.h5", out="dqn.h5", on_round=tensorboard.Writer("runs/dqn"))
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from . import _core, arguments, training_log

SUFFIX = ".progress"  # of the event files that are made of a log, and replaced with it
EVERY_S = 1.0


class Writer:
    """Writes lines of a curve into an event file of a folder, a scalar a figure; it stands wherever `on_round` does. The first
    column is the step. Figures that are not defined are left out."""

    def __init__(self, folder: str | os.PathLike, *, suffix: str = ""):
        try:
            import tensorboardX
        except ImportError:
            raise ImportError("swipegym.tensorboard needs tensorboardX: pip install 'swipegym[tensorboard]'") from None
        self.folder = Path(arguments.path("folder", folder))
        self._writer = tensorboardX.SummaryWriter(str(self.folder), filename_suffix=suffix)

    def __call__(self, line: Mapping[str, float | None], time_s: float | None = None) -> None:
        """time_s: when it was, seconds since 1970; now when absent."""
        (_, step), *figures = line.items()
        for name, figure in figures:
            if figure is not None:
                self._writer.add_scalar(name, figure, step, walltime=time_s)
        self._writer.flush()

    def describe(self, head: Mapping) -> None:
        """Which training it is, as text: the first line of a log."""
        text = json.dumps(head, indent=2)
        self._writer.add_text("training", "".join(f"    {line}\n" for line in text.splitlines()))

    def close(self) -> None:
        self._writer.close()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_) -> None:
        self.close()


class _Mirror:
    """The event file beside a log, which holds what the log does. A resumed training's begins anew, as its log does."""

    def __init__(self, path: Path):
        self.path = path
        self._reader = training_log.Reader(path)
        self._writer: Writer | None = None

    def update(self) -> int:
        """Writes what the log got since the last call. Returns the lines."""
        count = 0
        for begins, line in self._reader.new_lines():
            if begins or self._writer is None:
                self._begin()
            self._writer(line, self._time_of(line))
            count += 1
        return count

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def _begin(self) -> None:
        self.close()
        for earlier in self.path.parent.glob(f"events.out.tfevents.*{SUFFIX}"):
            earlier.unlink()
        self._writer = Writer(self.path.parent, suffix=SUFFIX)
        self._writer.describe(self._reader.head)

    def _time_of(self, line: Mapping) -> float | None:
        elapsed_s = line.get("elapsed_s")
        try:
            started = datetime.fromisoformat(self._reader.head["started"].replace("Z", "+00:00")).timestamp()
        except (KeyError, ValueError, AttributeError):
            return None
        earlier_s = self._reader.head.get("seconds_before", 0.0)
        return None if elapsed_s is None or not isinstance(earlier_s, (int, float)) else started + elapsed_s - earlier_s


def mirror(folders: list[str | os.PathLike], *, follow: bool = False) -> dict[Path, int]:
    """Writes the event files of all logs in these folders and below. Returns the lines of each. `follow`: goes on until it is
    interrupted, with logs that appear later too. Raises InputError for what is no log, and where there is none."""
    mirrors: dict[Path, _Mirror] = {}
    lines: dict[Path, int] = {}
    try:
        while True:
            for path in (path for folder in folders for path in training_log.find(folder)):
                path = path.resolve()  # one log may be met by two names
                if path not in mirrors:
                    mirrors[path], lines[path] = _Mirror(path), 0
                lines[path] += mirrors[path].update()
            if not follow:
                break
            time.sleep(EVERY_S)
    finally:
        for each in mirrors.values():
            each.close()
    if not mirrors:
        raise _core.InputError(
            f"{', '.join(map(str, folders))}: no {training_log.NAME} there; 'swipegym train ... --log DIR' writes one"
        )
    return lines


def main(words: list[str] | None = None) -> int:
    """The command line. Returns the exit code: 0, or 2 for bad input."""
    parser = argparse.ArgumentParser(
        prog="python -m swipegym.tensorboard", description="Makes TensorBoard's event files of trainings' logs, beside them."
    )
    parser.add_argument("folders", nargs="+", metavar="DIR", help="of --log, or with such below")
    parser.add_argument("--follow", action="store_true", help="go on while trainings do, until Ctrl-C")
    given = parser.parse_args(words)
    try:
        if given.follow:
            print(f"following the logs in {', '.join(given.folders)}; Ctrl-C ends", file=sys.stderr)
        for path, count in mirror(given.folders, follow=given.follow).items():
            print(f"{path}: {count} lines")
    except KeyboardInterrupt:
        pass
    except (_core.InputError, ImportError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
