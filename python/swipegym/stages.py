"""Compositions of stages (docs/guide/staged.md) as mappings, in which functions of Python stand where stages do."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from . import _core, arguments
from .functions import draws_of, flags_of, is_function, name_of, order_of, scores_of
from .sources import asked_source, is_own_source

LISTS = ("retrieve", "filter", "prune", "order")  # of stages; one that stands alone is a list of one
SCORES = ("prune", "score")


def composed(spec: Mapping, simulator: _core.Simulator) -> _core.Policy:
    """The policy of a composition. Raises InputError for what no composition may say."""
    if "retrieve" not in spec:
        raise arguments.refused("policy", dict(spec), 'a composition of stages, which has "retrieve"')
    stages = _core.Stages(simulator)
    numbers = iter(range(1_000_000))

    def named(given: Any, kind: str) -> str:
        name = name_of(given)
        word = f"{name}:{next(numbers)}"
        if kind == "retrieve":
            ask, draws, _ = asked_source(given, f"videos of {name}")
            stages.retriever(word, ask, name, draws)
        elif kind == "filter":
            stages.filter(word, flags_of(given, f"flags of {name}"), name, draws_of(given))
        elif kind == "order":
            stages.orderer(word, order_of(given, f"slots of {name}"), name, draws_of(given))
        else:
            stages.scorer(word, scores_of(given), name)
        return word

    def stage(given: Any, kind: str) -> Any:
        own = is_own_source if kind == "retrieve" else is_function
        if own(given):
            return {"use": named(given, kind)}
        if isinstance(given, Mapping) and own(given.get("use")):
            return {**given, "use": named(given["use"], kind)}
        return given

    out = dict(spec)
    for kind in LISTS:
        if kind in out:
            given = out[kind]
            given = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given]
            out[kind] = [stage(one, kind) for one in given]
    if "score" in out:
        out["score"] = stage(out["score"], "score")
    return stages.compose(_text(out), "stages")


def _text(spec: dict) -> str:
    def word(value: Any):
        if isinstance(value, os.PathLike):
            return os.fspath(value)
        if hasattr(value, "item"):  # a number of numpy
            return value.item()
        raise arguments.refused("a value of the composition", value, "what JSON has a word for, or a function in the place of a stage")

    try:
        return json.dumps(spec, default=word, allow_nan=False)
    except (ValueError, TypeError) as error:
        if isinstance(error, _core.InputError):
            raise
        raise _core.InputError(f"the composition is no JSON: {error}") from None
