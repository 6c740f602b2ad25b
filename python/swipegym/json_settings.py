"""Settings of Python as the JSON that the program reads."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping

import numpy as np

from . import _core, arguments
from .policies import Policy
from .simulators import file_of

KINDS = "numbers, texts, paths, bools, lists and mappings from texts to these"
DEEPEST = 64  # levels, as in a file


def as_json(name: str, value) -> str:
    """The JSON text of a setting. Raises InputError that names the part that JSON has no word for."""
    return json.dumps(_plain(name, value, 0))


def _plain(name: str, value, depth: int):
    if depth > DEEPEST:
        raise _core.InputError(f"{name}: lists and mappings are nested deeper than {DEEPEST} levels")
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, Policy) and not value.has_file:
        raise _core.InputError(f"{name}: a function has no file, and settings name one")
    value = file_of(value.spec if isinstance(value, Policy) else value)
    if isinstance(value, (bytes, os.PathLike)):
        value = os.fsdecode(value)
    if isinstance(value, Mapping):
        if wrong := [key for key in value if not isinstance(key, str)]:
            raise arguments.refused(f"a key of {name}", wrong[0], "a text")
        return {key: _plain(f"{name}[{key!r}]", item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(f"{name}[{i}]", item, depth + 1) for i, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise arguments.refused(name, value, "a finite number")
    if isinstance(value, str):
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            raise arguments.refused(name, value, "text that UTF-8 can hold")
        return value
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        raise _core.InputError(f"{name}: a whole number beyond 64 bits")
    if isinstance(value, (bool, int, float)):
        return value
    raise arguments.refused(name, value, KINDS)
