"""Every command of the `swipegym` program as a function: swipegym.commands.fit, .compare, .train, ...

    from swipegym import commands

    commands.fit(data="KuaiRand-Pure/data", until=20220504, out="sim.h5")
    table = commands.compare(simulator="sim.h5", policies=["random", "oracle"], sessions=2000)
    print(table)  # as the program prints it
    table["policies"]  # unrounded

Arguments are the program's options with _ for -: lists are joined by commas, those of their items kept by \\, True
stands for a flag, None is left out. `compare` also takes what has no file: functions, compositions with functions in
them, sources of one's own, and simulators of a Python user model; a function's row has its name, or that of
{"mine": function}. What trains takes `on_round` too, a function that is given each line of the training's curve as a dict as
it comes, and may raise to end the training: its checkpoint stays, for resume=True. Settings may be mappings, which nothing
writes to a file:

    commands.train_dqn(simulator="sim.h5", out="dqn.h5", config={"env_steps": 100_000, "network": {"width": 32}})
    commands.train_dqn(simulator="sim.h5", out="dqn.h5", config="mine.json", set={"network.width": 32})
    settings = commands.train_dqn(set={"rewards": "drawn"}, print_config=True)  # all of them, as a mapping
    commands.train_dqn(simulator="sim.h5", out="dqn.h5", on_round=lambda line: print(line["env_steps"], line["mean_return"]))

`help(commands.fit)` is its help page. Failures are InputError or SystemError with the program's words; Ctrl-C is a
KeyboardInterrupt, and half-written outputs are gone.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from . import _core
from .arguments import refused
from .brought import Brought
from .functions import is_function
from .json_settings import as_json
from .policies import Policy
from .simulators import file_of


class Result(dict):
    """What a command found, unrounded; `text` is what the program prints. Empty for commands without figures."""

    def __init__(self, text: str, figures: dict):
        super().__init__(figures)
        self.text = text

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text or dict.__repr__(self)


def run(name: str, *positional, on_round: Callable[[dict], object] | None = None, **options) -> Result:
    """Runs a command: run("data synth", preset="tiny", out="synthetic")."""
    if "clock" not in options and any(isinstance(value, _core.Simulator) and value.clock == "log" for value in options.values()):
        options["clock"] = "log"  # the file says nothing of it
    config, typed = _taken_config(options), _typed(options.pop("set", None))
    brought = Brought()
    if name == "compare":
        options = brought.words(options)
    words = [*name.split(), *map(_word, positional), *typed]
    for option, value in options.items():
        words += _words("--" + option.rstrip("_").replace("_", "-"), value)
    on_line = _listener(on_round)
    if "--print-config" in words:
        text = _run(words, brought, config, on_line)
        return Result(text, json.loads(text))
    if "--json" in words:
        path = Path(words[words.index("--json") + 1])
        before = _stamp(path)
        text = _run(words, brought, config, on_line)
        return Result(text, {} if _stamp(path) == before else _figures(path))
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "figures.json"
        text = _run([*words, "--json", str(figures)], brought, config, on_line)
        return Result(text, _figures(figures))


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes where a file is written anew."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def _figures(path: Path) -> dict:
    """None of a command that had nothing to do, as of a training that is finished."""
    return json.loads(path.read_text()) if path.exists() else {}


def _run(words: list[str], brought: Brought, config: str, on_line: Callable[[str], None] | None) -> str:
    return _core.run_words(words, brought.simulators, brought.sources, brought.policies, config, on_line)


def report(folder, out=None) -> Path:
    """One page of a run, with charts, made of what commands left in a folder (json=, log=); DIR/report.html, or `out`.

    Returns where it is. InputError for a damaged file and a folder without figures. Needs `pip install 'swipegym[report]'`.
    """
    swipegym_report = _report_package()
    try:
        return swipegym_report.page.write_report(folder, out)
    except swipegym_report.ReportError as error:
        raise _core.InputError(str(error)) from error


def main() -> int:
    """The program, for the command line."""
    words = sys.argv[1:]
    if words == ["help", "report"]:
        words = ["report", "--help"]
    if words[:1] == ["report"]:
        from swipegym_report.command import main as report_main

        return report_main(words[1:])
    return _core.run_program(words)


def _report_package():
    try:
        import swipegym_report.page
    except ImportError as error:
        raise _core.InputError(f"the page of a run is drawn by Altair ({error}): pip install 'swipegym[report]'") from error
    return swipegym_report


def _listener(on_round):
    if on_round is None:
        return None
    if not callable(on_round):
        raise refused("on_round", on_round, "a function of a dict")
    return lambda line: on_round(json.loads(line))


def _taken_config(options: dict) -> str:
    """The JSON text of `config` where that is a mapping, which is taken out of the options; empty where it is not."""
    config = options.get("config")
    if config is not None and not isinstance(config, (str, bytes, os.PathLike, Mapping)):
        raise refused("config", config, "a mapping of settings, or the path of a file of them")
    return as_json("config", options.pop("config")) if isinstance(config, Mapping) else ""


def _typed(settings) -> list[str]:
    """The options of `set`: a mapping from dotted keys to values, or one text "KEY=JSON" or several."""
    if settings is None:
        return []
    if isinstance(settings, Mapping):
        settings = [f"{key}={as_json(f'set[{key!r}]', value)}" for key, value in settings.items()]
    elif isinstance(settings, str):
        settings = [settings]
    if not isinstance(settings, (list, tuple)) or not all(isinstance(each, str) for each in settings):
        raise refused("set", settings, "a mapping from keys to values, as in {'network.width': 32}")
    return [word for each in settings for word in ("--set", each)]


def _words(option: str, value) -> list[str]:
    if value is None or isinstance(value, (bool, np.bool_)) and not value:
        return []
    if isinstance(value, (bool, np.bool_)):
        return [option]
    if isinstance(value, dict):
        value = [f"{key}={_word(item)}" for key, item in value.items()]
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        value = ",".join(_word(item).replace("\\", "\\\\").replace(",", "\\,") for item in value)
    return [option, _word(value)]


def _word(value) -> str:
    """A path, given as text, bytes, a Path, or what was loaded from it; anything else as str writes it."""
    if not value.has_file if isinstance(value, Policy) else is_function(value):
        raise _core.InputError("a function has no file, and this command reads one: compare, evaluate and generate take it")
    value = value.spec if isinstance(value, Policy) else file_of(value)
    return os.fsdecode(value) if isinstance(value, (bytes, os.PathLike)) else str(value)


def __getattr__(name: str):
    command = name.replace("_", " ")
    known = {word.replace("-", " "): word for word in _core.command_names()}
    if command not in known:
        raise AttributeError(f"no command '{name}'; there are {', '.join(sorted(__dir__()))}")

    def function(*positional, **options) -> Result:
        return run(known[command], *positional, **options)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = _core.run_words([*known[command].split(), "--help"])
    return function


def __dir__() -> list[str]:
    return ["run", "main", "report", *(word.replace(" ", "_").replace("-", "_") for word in _core.command_names())]
