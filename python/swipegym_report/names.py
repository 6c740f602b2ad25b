"""Files as the page names them, and command lines that name them."""

from __future__ import annotations

import shlex
from pathlib import Path

from .inputs import Inputs


def source(inputs: Inputs, path: Path) -> str:
    return path.relative_to(inputs.folder).as_posix()


def command(words: str, *paths: Path) -> str:
    """swipegym WORDS PATH ..., as a shell reads it."""
    return " ".join(["swipegym", words, *(shlex.quote(str(path)) for path in paths)])


def distinct(names: list[str]) -> list[str]:
    """The same names with numbers behind those that come again, so that each is told from the others."""
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return out
