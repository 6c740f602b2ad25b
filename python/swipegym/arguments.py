"""What a number, a word or a path from outside may be, said once.

Each function gives the value as the engine takes it, or raises InputError that names the argument, what was got and
what was expected. Numbers of numpy are numbers; a bool, a text or None is none.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Mapping
from numbers import Integral, Real

import numpy as np

from . import _core

RANGES = _core.RANGES  # those of the program's options
MOST = 2**31 - 1  # of what the engine counts in 32 bits
LARGEST_SEED = RANGES["seed"][1]
MOST_SESSIONS = RANGES["sessions"][1]
MOST_THREADS = 1024
TERMS = _core.REWARD_TERMS  # those of settings and of the option --reward


def refused(name: str, value, expected: str) -> _core.InputError:
    shown = repr(value)
    return _core.InputError(f"{name} is {shown if len(shown) <= 80 else shown[:77] + '...'}, expected {expected}")


def whole(name: str, value, low: int = 0, high: int | None = MOST) -> int:
    expected = f"a whole number from {low}" + ("" if high is None else f" to {high}")
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Integral):
        raise refused(name, value, expected)
    number = int(value)
    if number < low or (high is not None and number > high):
        raise refused(name, number, expected)
    return number


def whole_numbers(name: str, values, shape: tuple[int, ...], dtype: type = np.int32) -> np.ndarray:
    """An array as the engine reads it. Refuses another shape, fractions, bools and what is no number."""
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise _core.InputError(f"{name}: got dtype {array.dtype}, expected whole numbers")
    if array.shape != shape:
        raise _core.InputError(f"{name}: got shape {array.shape}, expected {shape}")
    limits = np.iinfo(dtype)
    if array.size and (array.min() < limits.min or array.max() > limits.max):
        wrong = array.min() if array.min() < limits.min else array.max()
        raise refused(f"one of {name}", int(wrong), f"whole numbers from {limits.min} to {limits.max}")
    return np.ascontiguousarray(array, dtype)


def numbers(name: str, values, shape: tuple[int, ...]) -> np.ndarray:
    """Finite numbers, as float64."""
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise _core.InputError(f"{name}: got dtype {array.dtype}, expected numbers")
    if array.shape != shape:
        raise _core.InputError(f"{name}: got shape {array.shape}, expected {shape}")
    if not np.isfinite(array).all():
        raise _core.InputError(f"{name}: holds {array[~np.isfinite(array)][0]}, expected finite numbers")
    return np.ascontiguousarray(array, np.float64)


def flags(name: str, values, shape: tuple[int, ...]) -> np.ndarray:
    """0, 1 or bools, as int8."""
    array = np.asarray(values)
    if array.dtype.kind not in "biu" or array.shape != shape or not ((array == 0) | (array == 1)).all():
        raise _core.InputError(f"{name}: got {array.dtype} {array.shape}, expected 0 or 1, {shape}")
    return np.ascontiguousarray(array, np.int8)


def ranged(name: str, value) -> int:
    """One of those that the program has as an option too."""
    return whole(name, value, *RANGES[name])


def seed(name: str, value) -> int:
    return whole(name, value, *RANGES["seed"])


def real(name: str, value, low: float, high: float) -> float:
    expected = f"a number from {low:g} to {high:g}"
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise refused(name, value, expected)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not low <= number <= high:  # nor is NaN
        raise refused(name, value, expected)
    return number


def word(name: str, value, known: Collection[str]) -> str:
    if not isinstance(value, str) or value not in known:
        raise refused(name, value, "one of " + ", ".join(known))
    return str(value)


def flag(name: str, value) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise refused(name, value, "True or False")
    return bool(value)


def path(name: str, value) -> str:
    """A name or a file's path, as text; bytes that are no UTF-8 are kept as the system's own functions keep them."""
    if not isinstance(value, (str, bytes, os.PathLike)):
        raise refused(name, value, "a path or a name")
    text = os.fsdecode(value)
    try:
        named = os.fsencode(text)
    except UnicodeEncodeError:
        named = b""
    if not named or b"\0" in named:
        raise refused(name, text, "a path or a name")
    return text


def weights(name: str, terms) -> dict[str, float]:
    """A weighted sum of what a step earns."""
    if not isinstance(terms, Mapping):
        raise refused(name, terms, "a mapping from terms to weights")
    known = {name: name for name in TERMS} | {column: column.removeprefix("is_") for column in _core.SIGNAL_NAMES}
    out: dict[str, float] = {}
    for term, weight in terms.items():
        if not isinstance(term, str) or term not in known:
            raise refused(f"a term of {name}", term, "one of " + ", ".join(TERMS))
        if known[term] in out:
            raise refused(f"a term of {name}", term, "each term once, and the mapping has it by two names")
        out[known[term]] = real(f"{name}[{term!r}]", weight, *RANGES["weight"])
    return out


def epsilon(value) -> float:
    return real("epsilon", value, *RANGES["epsilon"])


def temperature(value) -> float | None:
    """None: the policy's own. 0: the best."""
    if value is None:
        return None
    low, high = RANGES["temperature"]
    number = real("temperature", value, 0.0, high)
    if 0.0 < number < low:
        raise refused("temperature", value, f"0, or a number from {low:g} to {high:g}")
    return number


def threads(value) -> int:
    return whole("threads", value, 0, MOST_THREADS)
