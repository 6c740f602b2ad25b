"""A section of one kind of result: what is told of each, with the file's name where there are several."""

from __future__ import annotations

from collections.abc import Callable

from ..blocks import Section, Text
from ..inputs import Inputs, Result
from ..names import source


def section_by_result(
    inputs: Inputs, kind: str, key: str, title: str, add: Callable[[Section, Result, str], None], lead: str = ""
) -> Section | None:
    """None without results of that command. add(section, result, suffix): the suffix tells charts of several results apart."""
    results = inputs.of(kind)
    if not results:
        return None
    out = Section(key, title, sources=[source(inputs, one.path) for one in results])
    out.lead = lead
    for index, result in enumerate(results):
        if len(results) > 1:
            out.blocks.append(Text(source(inputs, result.path)))
        add(out, result, f"-{index + 1}" if index else "")
    return out
