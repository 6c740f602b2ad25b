"""What reset(options=...) may say: whose session begins, when and in which tab."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from . import arguments

LAST_TIME_MS = 4_102_444_800_000  # the year 2100
OPTIONS = {"user": (0, arguments.MOST), "time_ms": (0, LAST_TIME_MS), "tab": (0, 255)}


def checked_options(options: Mapping | None, known: tuple[str, ...] = ()) -> Mapping:
    """The options, {} for None. Raises InputError for one that is neither of OPTIONS nor of `known`."""
    if options is None:
        return {}
    if not isinstance(options, Mapping):
        raise arguments.refused("options", options, "a mapping, or None")
    for name in options:
        if name not in OPTIONS and name not in known:
            raise arguments.refused("a key of options", name, "one of " + ", ".join([*known, *OPTIONS]))
    return options


def given_starts(options: Mapping, rows: int) -> dict[str, np.ndarray] | None:
    """user, time_ms and tab of every row, [rows] int64 with -1 where the seed decides; None where no option says any.

    An option is a number, for all rows, or [rows] of them."""
    if all(options.get(name) is None for name in OPTIONS):
        return None
    starts = {}
    for name, (low, high) in OPTIONS.items():
        value, what = options.get(name), f"options['{name}']"
        if value is None:
            starts[name] = np.full(rows, -1, np.int64)
        elif np.ndim(value) == 0:
            starts[name] = np.full(rows, arguments.whole(what, value, low, high), np.int64)
        else:
            values = arguments.whole_numbers(what, value, (rows,), np.int64)
            for wrong in values[(values < low) | (values > high)]:
                raise arguments.refused(f"one of {what}", int(wrong), f"whole numbers from {low} to {high}")
            starts[name] = values
    return starts
