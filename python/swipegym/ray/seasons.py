"""Seasons of a platform, each world of each policy a task of a cluster."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from .. import _core, arguments, commands
from .. import platform as seasons
from ..formats.files import alone_in, whole_file
from ..log_schema import need
from ..simulators import DEFAULT_SIMULATOR
from .sent_files import SentFile, SentFolder, send, send_release, unpacked
from .shares import RETRIES, ProgressLine, in_order, started, window

NOT_SENT = ("logs", "data", "threads", "json")  # options of the command that a cluster's call does not take


def platform(
    policies: Sequence[str | os.PathLike] | Mapping[str, str | os.PathLike] = ("uniform", "thompson"),
    *,
    seeds: int = 3,
    seed: int = 1,
    simulator: str | os.PathLike | None = None,
    split: str | os.PathLike | None = None,
    out: str | os.PathLike | None = None,
    settings: Mapping | None = None,
    cpus_per_task: int = 1,
    quiet: bool = False,
    **options,
) -> seasons.Season:
    """What swipegym.platform.run gives, the same bytes in `out`; its worlds are played on the cluster.

    policies: words as the command takes them (rules, files, NAME=FILE), or a mapping from names to rules and files. A
        composition takes the .h5 files along that it names and that lie beside or below it.
    simulator: None for the one in the package, a file of `swipegym fit`, or the folder of a synthetic release.
    out: the folder of the seasons, on the machine that calls. What is there is not played again, so the same call goes
        on after the process that calls has died. None: a temporary one.
    settings, options: as swipegym.platform.run takes them; not logs, which workers cannot put beside the seasons.
    cpus_per_task: threads that work at a season.

    Starts Ray on this machine where no cluster runs. Raises InputError for what cannot be sent before any work is handed
    out, and with the program's words for what a worker refuses.
    """
    seeds = arguments.whole("seeds", seeds, 1, 10_000)
    seed = arguments.seed("seed", seed)
    cpus_per_task = arguments.whole("cpus_per_task", cpus_per_task, 1, arguments.MOST_THREADS)
    for name in NOT_SENT:
        if options.get(name):
            raise arguments.refused(name, options[name], "nothing: play them in one process by swipegym.platform.run")
    if settings is not None and "config" in options:
        raise arguments.refused("config", options["config"], "nothing beside settings, which are one too")
    named = _named(policies)
    config = json.dumps(settings) if settings is not None else None
    if "config" in options:
        config = Path(arguments.path("config", options.pop("config"))).read_text()
    ray = started()
    simulator = DEFAULT_SIMULATOR if simulator is None else simulator
    world = send_release(ray, simulator, "simulator")
    other = send(ray, split, "split")
    sent = {name: send(ray, policy, f"policy '{name}'") for name, policy in named.items()}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(out) if out is not None else Path(folder) / "season"
        missing = [
            (name, number)
            for number in range(seed, seed + seeds)
            for name in named
            if not _result(work, name, number).exists()
        ]
        task = ray.remote(num_cpus=cpus_per_task, max_retries=RETRIES)(_play_season)
        tasks = (
            task.remote(name, sent[name], other, world, number, cpus_per_task, config, options)
            for name, number in missing
        )
        progress = ProgressLine("seasons", len(missing), quiet)
        with alone_in(_runs(work), wait=False):
            played = in_order(ray, tasks, window(ray, cpus_per_task))
            for done, ((name, number), result) in enumerate(zip(missing, played), 1):
                with whole_file(_result(work, name, number)) as temporary:
                    temporary.write_bytes(result)
                progress.show(done)
        if config is not None:
            options = {**options, "config": Path(folder) / "settings.json"}
            options["config"].write_text(config)
        words = [name if policy == name else f"{name}={os.fspath(policy)}" for name, policy in named.items()]
        return seasons.run(
            simulator, out=work, policies=words, seeds=seeds, seed=seed, split=split, **{**options, "quiet": quiet}
        )


def _named(policies) -> dict[str, str | os.PathLike]:
    """From the table's names to rules and files."""
    if isinstance(policies, (str, bytes, os.PathLike)):
        raise arguments.refused("policies", policies, "a list of policies, or a mapping from names to them")
    if isinstance(policies, Mapping):
        named = dict(policies)
    else:
        pairs = [_name_of(policy) for policy in policies]
        named = dict(pairs)
        if len(named) != len(pairs):
            raise _core.InputError(f"two policies have one name: {', '.join(name for name, _ in pairs)}")
    if not named:
        raise _core.InputError("no policies to play seasons by")
    for name in named:
        if not isinstance(name, str) or not name or set(name) & set("/="):
            raise arguments.refused("a policy's name", name, "a text without / and =")
    return named


def _name_of(policy) -> tuple[str, str]:
    word = arguments.path("a policy", policy)
    if not Path(word).exists() and "=" in word:
        name, _, word = word.partition("=")
        return name, word
    return (Path(word).stem if Path(word).suffix in (".h5", ".json") else word), word


def _runs(work: Path) -> Path:
    """The folder of results, which is there from now on."""
    runs = work / "runs"
    try:
        runs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _core.InputError(f"{runs}: {error.strerror}; name another folder for the seasons") from None
    return runs


def _result(work: Path, name: str, seed: int) -> Path:
    return work / "runs" / f"{name}-s{seed}.json"


# What workers run.


def _play_season(
    name: str,
    policy: SentFile | SentFolder | str,
    split: SentFile | SentFolder | str | None,
    simulator: SentFile | SentFolder,
    seed: int,
    threads: int,
    config: str | None,
    options: dict,
) -> bytes:
    """The file of the season's result."""
    ray = need("ray", "a cluster")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "season"
        if config is not None:
            options = {**options, "config": Path(folder) / "settings.json"}
            options["config"].write_text(config)
        commands.run(
            "platform",
            simulator=unpacked(ray, simulator),
            policies=[f"{name}={unpacked(ray, policy)}"],
            split=unpacked(ray, split),
            seeds=1,
            seed=seed,
            threads=threads,
            out=work,
            **{**options, "quiet": True},
        )
        return _result(work, name, seed).read_bytes()
