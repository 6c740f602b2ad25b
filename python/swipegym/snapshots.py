"""Environments in the middle of a session, copied and pickled: the engine's sessions as the bytes of a file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from . import _core


def sessions_of(engine: _core.VectorEnv) -> bytes:
    with tempfile.TemporaryDirectory(prefix="swipegym-") as folder:
        file = Path(folder) / "sessions.h5"
        engine.save(str(file))
        return file.read_bytes()


def go_on(engine: _core.VectorEnv, sessions: bytes) -> None:
    """Makes the engine what the one was that `sessions` are of, which had the same settings."""
    with tempfile.TemporaryDirectory(prefix="swipegym-") as folder:
        file = Path(folder) / "sessions.h5"
        file.write_bytes(sessions)
        engine.load(str(file))


def copied(arrays: dict) -> dict:
    """Arrays in nested dicts, of their own memory."""
    return {name: copied(value) if isinstance(value, dict) else value.copy() for name, value in arrays.items()}


def put_back(arrays: dict, values: dict) -> None:
    """Writes copied() arrays into those of a new engine's buffers."""
    for name, value in values.items():
        if isinstance(value, dict):
            put_back(arrays[name], value)
        else:
            np.copyto(arrays[name], value, casting="no")
