"""The log that the simulator was fitted to."""

from __future__ import annotations

from pathlib import Path

from .. import charts
from ..blocks import Beside, Chart, Charts, Missing, Section, Table, Text
from ..fields import Fields
from ..figures import SIGNALS, count, day, number, percent
from ..inputs import Inputs, Result
from ..names import command, source

DISTRIBUTIONS = (
    ("rows_per_user", "views a user"),
    ("rows_per_video", "views a video"),
    ("session_rows", "views a session"),
    ("session_minutes", "minutes a session"),
)


def section(inputs: Inputs) -> Section | None:
    results = inputs.of("data stats")
    if not results:
        return None
    out = Section("data", "The log", sources=[source(inputs, one.path) for one in results])
    for result in results:
        _add(out, result)
    return out


def missing(folder: Path) -> Missing:
    return Missing("The log", [command("data stats DATA --json", folder / "data.json")])


def _add(out: Section, result: Result):
    log = Fields(result.path, result.content)
    standard, random = log.object("standard"), log.object("random")
    logs = [("chosen by the platform", standard)]
    if random.count("rows"):
        logs.append(("drawn at random", random))
    out.lead = (
        f"{count(log.count('rows'))} views of {count(log.count('videos'))} videos by {count(log.count('users'))} "
        "users, "
        f"{day(log.count('first_date'))} to {day(log.count('last_date'))}."
    )
    rows = []
    for name, one in logs:
        signals = one.object("signal")
        rows += [
            {"signal": title, "log": name, "rate": signals.figure(key)}
            for key, title in SIGNALS.items()
            if signals.figure(key) > 0
        ]
    if rows:
        text = "How often a shown video gets each signal. " + (
            "Videos that the platform chose are liked more than videos drawn at random: that is its doing, and why the "
            "two are told apart."
            if len(logs) > 1
            else ""
        )
        out.blocks.append(Text(text))
        drawn = Charts(
            [Chart("rates", "Signals", charts.rates(rows))], wide=True, key=charts.key_of([name for name, _ in logs])
        )
        out.blocks.append(Beside([drawn, _exposures(logs)]))
    else:
        out.blocks.append(_exposures(logs))
    out.headline = out.headline or f"{count(log.count('rows'))} views of {count(log.count('users'))} users"
    out.blocks.append(_spread(log, logs))


def _exposures(logs: list[tuple[str, Fields]]) -> Table:
    def of(one: Fields, what: str, quantile: str) -> str:
        return number(one.object(what).number(quantile))

    lines = [["views", *(count(one.count("rows")) for _, one in logs)]]
    for what, title, unit in (("duration_s", "length", " s"), ("play_s", "watched", " s")):
        lines.append(
            [f"{title}: median, mean", *(f"{of(one, what, 'p50')}, {of(one, what, 'mean')}{unit}" for _, one in logs)]
        )
    ratios = [one.object("watch_ratio") for _, one in logs]
    shares = [f"{percent(one.number('p50'), 2)}, {percent(one.number('mean'), 2)}" for one in ratios]
    lines.append(["share of the video watched: median, mean", *shares])
    lines.append(["watched to the end", *(percent(one.number("complete")) for _, one in logs)])
    lines.append(["not watched at all", *(percent(one.number("zero_play")) for _, one in logs)])
    return Table(["exposures", *(name for name, _ in logs)], lines)


def _spread(log: Fields, logs) -> Table:
    lines = []
    for key, title in DISTRIBUTIONS:
        if key in log:
            one = log.object(key)
            lines.append([title, *(number(one.number(name)) for name in ("mean", "p10", "p50", "p90", "max"))])
    note = (
        f"{percent(log.number('next_day_return'))} of the users of a day are back on the next one. The fifth of the "
        "videos "
        f"shown most often has {percent(log.number('top_fifth'))} of the views."
    )
    return Table(
        ["", "mean", "10 %", "median", "90 %", "most"], lines, note=note, folded=True, title="How views spread"
    )
