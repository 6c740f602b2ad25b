"""The settings that come with the package: the defaults of every command, and those of published figures."""

from __future__ import annotations

import difflib
from pathlib import Path

from . import arguments
from ._core import InputError

_FOLDER = Path(__file__).with_name("configs")


def config_names() -> list[str]:
    """What config_file() knows: 'dqn', 'results/ceiling_dqn', 'search/mf', 'staged/popular', ..."""
    return sorted(path.relative_to(_FOLDER).with_suffix("").as_posix() for path in _FOLDER.rglob("*.json"))


def config_file(name: str) -> Path:
    """The file of the settings called so, to be read or given as `config`.

    swipegym.commands.train_dqn(simulator="sim.h5", out="dqn.h5", config=swipegym.config_file("results/ceiling_dqn"))

    Raises InputError that lists the names there are.
    """
    wanted = arguments.path("name", name).removesuffix(".json")
    names = config_names()
    if wanted not in names:
        near = difflib.get_close_matches(wanted, names, 1)
        guess = f", did you mean '{near[0]}'?" if near else ""
        raise InputError(f"no settings are called '{wanted}'{guess}; there are {', '.join(names)}")
    return _FOLDER / f"{wanted}.json"
