"""Objects in memory that a command takes where it takes files: for them stand words that the engine looks up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import _core, arguments
from .functions import is_function, name_of
from .policies import Policy
from .sources import asked_source, is_own_source

SIMULATORS = ("simulator", "judge")


class Brought:
    """By their words: simulators; sources, (function, draws); policies, functions of a simulator that make them for it."""

    def __init__(self):
        self.simulators: dict[str, _core.Simulator] = {}
        self.sources: dict[str, tuple] = {}
        self.policies: dict[str, Callable[[_core.Simulator], _core.Policy]] = {}

    def words(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options of `compare`, with words for what has no file."""
        out = dict(options)
        for option in SIMULATORS:
            given = out.get(option)
            if isinstance(given, _core.Simulator) and given.path is None:
                out[option] = self._simulator(given)
        if is_own_source(out.get("source")):
            *asked, out["source"] = asked_source(out["source"])
            self.sources[out["source"]] = tuple(asked)
        if "policies" in out:
            out["policies"] = self._policies(out["policies"])
        return out

    def _simulator(self, given: _core.Simulator) -> str:
        kind, *how = given._made_by
        name = name_of(how[1]) if kind == "call" else kind
        while self.simulators.get(name, given) is not given:
            name += "+"
        self.simulators[name] = given
        return name

    def _policies(self, given: Any) -> Any:
        if _in_memory(given):
            given = [given]
        if isinstance(given, Mapping):
            return {name: self._policy(item, name) if _in_memory(item) else item for name, item in given.items()}
        if isinstance(given, (list, tuple)):
            return [f"{_name(one)}={self._policy(one, _name(one))}" if _in_memory(one) else one for one in given]
        return given

    def _policy(self, given: Any, name: Any) -> str:
        if not isinstance(name, str) or not name or "=" in name:
            raise arguments.refused("a name of policies", name, "a text without '='")
        word = f"python:{len(self.policies)}"
        self.policies[word] = lambda simulator: Policy.of(given, simulator).native
        return word


def _in_memory(given: Any) -> bool:
    if isinstance(given, Policy):
        return not given.has_file
    return is_function(given) or isinstance(given, Mapping) and "retrieve" in given


def _name(given: Any) -> str:
    spec = given.spec if isinstance(given, Policy) else given
    return "stages" if isinstance(spec, Mapping) else name_of(spec)
