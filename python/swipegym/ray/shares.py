"""Shares of work under way on a cluster, a bounded number at a time, their results in order."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator

from ..log_schema import need

RETRIES = 10  # of a share whose worker died


def started():
    """Ray, connected to the cluster that RAY_ADDRESS or `ray start` names, or begun on this machine."""
    ray = need("ray", "a cluster")
    if not ray.is_initialized():
        ray.init(logging_level="ERROR")
    return ray


def window(ray, cpus_per_task: int) -> int:
    """Shares under way: two for each that can run at once, so that no worker waits for the driver."""
    return max(2, 2 * int(ray.cluster_resources().get("CPU", 1)) // cpus_per_task)


def in_order(ray, tasks: Iterable, size: int) -> Iterator:
    """What the tasks return, in their order; `size` of them are under way, and cancelled when the caller stops.

    tasks: references; a task that returns several things is a list of them, of which the last is waited for and given
    beside the references to the others.
    """
    under_way: deque = deque()
    try:
        for task in tasks:
            under_way.append(task)
            if len(under_way) == size:
                yield _result(ray, under_way.popleft())
        while under_way:
            yield _result(ray, under_way.popleft())
    finally:
        for task in under_way:
            ray.cancel(task[-1] if isinstance(task, list) else task)


class ProgressLine:
    """How far the work is, on a terminal's last line."""

    def __init__(self, what: str, wanted: int, quiet: bool):
        self.what, self.wanted = what, wanted
        self.quiet = quiet or not sys.stderr.isatty()
        self.begun = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.begun

    def show(self, done: int) -> None:
        if self.quiet:
            return
        end = "\n" if done >= self.wanted else ""
        rate = done / max(self.seconds, 1e-9)
        line = f"\r{done:,} of {self.wanted:,} {self.what}, {rate:,.0f} a second\x1b[K"
        print(line, end=end, file=sys.stderr, flush=True)


def _result(ray, task):
    return (*task[:-1], ray.get(task[-1])) if isinstance(task, list) else ray.get(task)
