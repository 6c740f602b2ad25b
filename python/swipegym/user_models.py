"""Users of one's own: a Python object that answers videos, in the place of a fitted user model.

    class Patient:
        state_size = 1  # float32 numbers a session, zeros as it begins
        draws = 2  # uniform numbers in [0, 1) an answer may use: equal seeds give equal sessions

        def respond(self, shown, state, uniform):
            state[:, 0] += 1  # videos so far
            ratio = uniform[:, 0] * 60_000 / shown["duration_ms"]
            return {"watch_ratio": ratio, "leaves": uniform[:, 1] < 0.02 * state[:, 0]}

    envs = gym.make_vec("swipegym/ShortVideo-v0", num_envs=1024, simulator=swipegym.simulator_of(Patient()))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from . import _core, arguments
from .functions import draws_of
from .simulators import load_simulator

MOST_RATIO = 100.0
MOST_STATE = 10_000
ANSWERS = 64  # draws that an expectation is the mean of, where a model does not say its own
SIGNALS = len(_core.SIGNAL_NAMES)


class UserModel(Protocol):
    """What simulator_of takes. Only `respond` must be there.

    state_size: float32 numbers that a session carries, 0 to 10,000; 0 where it is left out.
    draws: uniform numbers that an answer may use, 0 to 1,000; 8 where it is left out.
    return_gap_h: hours until a user is back; 24 where it is left out.
    """

    state_size: int
    draws: int
    return_gap_h: float

    def respond(self, shown: Mapping[str, np.ndarray], state: np.ndarray, uniform: np.ndarray) -> Mapping:
        """Answers a chunk of up to 64 sessions and moves their states on, in place; row i from shown[...][i], state[i] and
        uniform[i] alone, or results would depend on who is in the same chunk. May be called from any thread.

        shown: user, video, time_ms, duration_ms, tab, int64 [rows] each, of the simulator's catalogue.
        state: [rows, state_size] float32. uniform: [rows, draws] float32 in [0, 1).
        Returns watch_ratio [rows], play time over duration, 0 to 100; leaves [rows], whether the session ends; and
        signals [rows], bits in the order of SIGNAL_NAMES, which may be left out.
        """
        ...

    def begin(self, user: int, time_ms: int, state: np.ndarray) -> None:
        """Fills [state_size], zeros, for a session that begins. May be left out."""
        ...

    def expect(self, shown: Mapping[str, np.ndarray], state: np.ndarray) -> Mapping:
        """What an answer is on average: watch_ratio and leaves [rows], signals [rows, 8] of probabilities, which may be
        left out. For oracles and expected rewards. Where it is left out, the mean of 64 answers."""
        ...


def simulator_of(model: UserModel, like: _core.Simulator | str | None = None) -> _core.Simulator:
    """A simulator whose users answer as the model says; who they are, the videos and the session starts are those of the
    simulator `like`, or of the default.

    It is asked for 64 sessions at a time with the interpreter's lock, and pickled with its model. Raises InputError, here
    and at the first answer that is of another shape, not finite or out of range.
    """
    respond = getattr(model, "respond", None)
    if not callable(respond):
        raise arguments.refused("model", model, "an object with a method respond")
    begin, expect = getattr(model, "begin", None), getattr(model, "expect", None)
    draws = draws_of(model, 8)
    like = load_simulator(like)
    made = _core.answered_by(
        like,
        arguments.whole("state_size", getattr(model, "state_size", 0), 0, MOST_STATE),
        draws,
        round(3.6e6 * arguments.real("return_gap_h", getattr(model, "return_gap_h", 24.0), 0.5, 1e5)),
        None if begin is None else (lambda user, time_ms, state: begin(user, time_ms, state[0])),
        lambda shown, state, uniform: _answers(respond(shown, state, uniform), state),
        (lambda shown, state: _expected(expect(shown, state), shown))
        if expect is not None
        else (lambda shown, state: _mean_answer(respond, draws, shown, state)),
    )
    made._made_by = ("call", simulator_of, model, like)
    return made


def _column(said, name: str, shape: tuple[int, ...], most: float) -> np.ndarray:
    if not isinstance(said, Mapping) or name not in said:
        raise _core.InputError(f"the user model's answer has no '{name}'")
    given = np.asarray(said[name])
    values = arguments.numbers(name, given.astype(np.uint8) if given.dtype == bool else given, shape)
    if values.size and not (values.min() >= 0 and values.max() <= most):
        wrong = values[(values < 0) | (values > most)][0]
        raise arguments.refused(f"{name} of the user model", float(wrong), f"a number from 0 to {most:g}")
    return values


def _answers(said, state: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows = (len(state),)
    ratio = _column(said, "watch_ratio", rows, MOST_RATIO).astype(np.float32)
    leaves = _column(said, "leaves", rows, 1).astype(np.uint8)
    signals = _column(said, "signals", rows, 255).astype(np.uint8) if "signals" in said else np.zeros(rows, np.uint8)
    if not np.isfinite(state).all():
        raise _core.InputError(f"the user model's state holds {state[~np.isfinite(state)][0]}, expected finite numbers")
    return ratio, leaves, signals


def _table(ratio, seconds, leaves, signals) -> np.ndarray:
    return np.concatenate([ratio[:, None], seconds[:, None], leaves[:, None], signals], axis=1, dtype=np.float32)


def _expected(said, shown) -> np.ndarray:
    rows = (len(shown["user"]),)
    ratio = _column(said, "watch_ratio", rows, MOST_RATIO)
    signals = _column(said, "signals", (*rows, SIGNALS), 1) if "signals" in said else np.zeros((*rows, SIGNALS))
    return _table(ratio, ratio * shown["duration_ms"] / 1000, _column(said, "leaves", rows, 1), signals)


def _mean_answer(respond: Callable, draws: int, shown: Mapping[str, np.ndarray], state: np.ndarray) -> np.ndarray:
    """As _expected, of a model that only draws: the same draws for every row."""
    rows = len(state)
    uniform = np.random.default_rng(0).random((ANSWERS, draws), np.float32)
    repeated = {name: np.repeat(values, ANSWERS) for name, values in shown.items()}
    states = np.repeat(state, ANSWERS, axis=0)
    ratio, leaves, signals = _answers(respond(repeated, states, np.tile(uniform, (rows, 1))), states)
    bits = signals[:, None] >> np.arange(SIGNALS, dtype=np.uint8) & 1
    mean = [values.reshape(rows, ANSWERS, -1).mean(axis=1) for values in (ratio, leaves, bits)]
    return _table(mean[0][:, 0], mean[0][:, 0] * shown["duration_ms"] / 1000, mean[1][:, 0], mean[2])
