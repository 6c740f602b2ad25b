"""Functions of Python that the engine asks: what they are called, and their answers as it takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from . import _core, arguments

Choose = Callable[[Mapping[str, np.ndarray], Mapping], np.ndarray]
MOST_DRAWS = 1_000


def name_of(function: Any) -> str:
    """Its __name__, or that of its class; a lambda, which has none, is 'function'."""
    name = getattr(function, "__name__", type(function).__name__)
    return "function" if name == "<lambda>" else name


def is_function(given: Any) -> bool:
    """Whether it can be asked; a class cannot, an instance of it is meant."""
    return callable(given) and not isinstance(given, type)


def array_of(what: str, said: Any) -> np.ndarray:
    """An answer as an array. Raises InputError for lists whose lengths differ and the like."""
    try:
        return np.asarray(said)
    except (ValueError, TypeError) as error:
        raise _core.InputError(f"{what}: no array, {error}") from None


def draws_of(given: Any, fallback: int = 0) -> int:
    """Uniform numbers that a row of its answers may use."""
    return arguments.whole("draws", getattr(given, "draws", fallback), 0, MOST_DRAWS)


def scores_of(function: Choose) -> Callable[[dict, dict], np.ndarray]:
    """The function's answers as the engine takes them, [rows, candidates] float32: 1 for the slot it chose."""

    def scores(observation, info):
        shape = info["action_mask"].shape
        mask = info["action_mask"].copy()  # the function may write into its own
        answer = array_of("scores of the function", function(observation, info))
        if answer.ndim == 2:
            return np.ascontiguousarray(arguments.numbers("scores of the function", answer, shape), np.float32)
        slots = arguments.whole_numbers("slots of the function", answer, shape[:1])
        for wrong in slots[(slots < 0) | (slots >= shape[1])]:
            raise arguments.refused("a slot of the function", int(wrong), f"whole numbers from 0 to {shape[1] - 1}")
        rows = np.arange(len(slots))
        if not mask[rows, slots].all():
            raise _core.InputError("the function chose a slot that is masked: its video has been watched already")
        chosen = np.zeros(shape, np.float32)
        chosen[rows, slots] = 1.0
        return chosen

    return scores


def lists_of(function: Callable, what: str) -> Callable[[dict, dict, int, int], np.ndarray]:
    """Lists of videos as the engine takes them, [rows, any] int32, of a function of (observation, info, count)."""

    def lists(observation, info, count, videos):
        rows = len(info["user"])
        array = array_of(what, function(observation, info, count))
        if array.ndim != 2 or len(array) != rows:
            raise _core.InputError(f"{what}: got shape {array.shape}, expected a list of videos a row, ({rows}, any number)")
        if array.shape[1] == 0:  # which numpy takes for floats
            array = array.astype(np.int32)
        array = arguments.whole_numbers(what, array, array.shape)
        for wrong in array[(array < -1) | (array >= videos)]:
            raise arguments.refused(f"a video of {what}", int(wrong), f"0 to {videos - 1}, or -1 for none")
        ordered = np.sort(array, axis=1)
        for twice in ordered[:, 1:][(ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)]:
            raise _core.InputError(f"{what} list video {twice} twice in a row, expected different ones")
        return array

    return lists


def flags_of(function: Choose, what: str) -> Callable[[dict, dict], np.ndarray]:
    """[videos] uint8 of one request, of a function that returns [1, videos] of them."""

    def flags(observation, info):
        said = array_of(what, function(observation, info))
        return arguments.flags(what, said, info["action_mask"].shape)[0].astype(np.uint8)

    return flags


def order_of(function: Choose, what: str) -> Callable[[dict, dict], np.ndarray]:
    """[slots] int32 of one request, of a function that returns [1, slots] of them, at least info["slate"]."""

    def order(observation, info):
        videos = info["action_mask"].shape[1]
        least = min(info["slate"], videos)
        answer = array_of(what, function(observation, info))
        if answer.ndim != 2 or len(answer) != 1 or not least <= answer.shape[1] <= videos:
            raise _core.InputError(f"{what}: got shape {answer.shape}, expected slots in their order, (1, {least} to {videos})")
        slots = arguments.whole_numbers(what, answer, answer.shape)[0]
        for wrong in slots[(slots < 0) | (slots >= videos)]:
            raise arguments.refused(f"a slot of {what}", int(wrong), f"whole numbers from 0 to {videos - 1}")
        if len(np.unique(slots)) < len(slots):
            raise _core.InputError(f"{what} name a slot twice, expected different ones: {slots.tolist()[:20]}")
        return slots

    return order
