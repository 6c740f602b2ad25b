"""The sections of the page, in its order; each is made of what it finds among the inputs, or says what it lacks."""

from __future__ import annotations

from ..blocks import Missing, Section
from ..inputs import Inputs
from . import convergence, data, fidelity, learning, policies, season, sessions

ALL = (data, fidelity, learning, policies, sessions, convergence, season)


def build(inputs: Inputs) -> tuple[list[Section], list[Missing]]:
    found: list[Section] = []
    missing: list[Missing] = []
    for part in ALL:
        section = part.section(inputs)
        if section is None:
            missing.append(part.missing(inputs.folder))
        else:
            found.append(section)
    return found, missing
