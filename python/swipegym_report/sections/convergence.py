"""What becomes of agents as the number of videos to choose among grows."""

from __future__ import annotations

from pathlib import Path

from .. import charts
from ..blocks import Chart, Charts, Missing, Section, Table
from ..fields import Fields
from ..figures import capital, count, interval, number, percent, plural
from ..inputs import Inputs, Result
from ..names import command
from .by_result import section_by_result


def section(inputs: Inputs) -> Section | None:
    lead = (
        "The same agent among ever more videos, held against random choice (0) and the one-step oracle (1). Whiskers "
        "are 95 % intervals over training seeds; dashed lines do not learn."
    )
    return section_by_result(inputs, "converge", "convergence", "As the action space grows", _add, lead)


def missing(folder: Path) -> Missing:
    return Missing(
        "As the action space grows",
        [
            command("converge --simulator sim.h5 --sizes 10,100,all --seeds 3 --out", folder / "converge")
            + " --json "
            + command("", folder / "converge.json").split(" ", 2)[2]
        ],
    )


def _add(out: Section, result: Result, key: str):
    study = Fields(result.path, result.content)
    agents, baselines = study.objects("rows"), study.objects("baselines")
    drawn = []
    names = list(dict.fromkeys([*(one.text("agent") for one in agents), *(one.text("policy") for one in baselines)]))
    for figure, title, form in (
        ("normalised", "share of the way", charts.PLAIN),
        ("reward", "reward a session", charts.PLAIN),
    ):
        rows = _rows(agents, "agent", figure, True) + _rows(baselines, "policy", figure, False)
        if rows:
            drawn.append(Chart(f"converge-{figure}{key}", capital(title), charts.by_size(rows, names, form)))
    if drawn:
        out.blocks.append(Charts(drawn, wide=True, key=charts.key_of(names)))
    sizes = {one.count("size") for one in agents}
    out.headline = out.headline or f"{plural(len(sizes), 'size')}, up to {count(max(sizes, default=0))} videos"
    lines = [
        [
            count(one.count("size")),
            one.text("agent"),
            interval(one.interval("normalised")),
            interval(one.interval("reward")),
            count(round(one.figure("steps_to_80"))) if one.count("reached_80") else "–",
            f"{one.count('diverged')} diverged" if one.count("diverged") else "yes" if one.flag("converged") else "no",
            percent(one.number("tried"), 2),
            number(one.number("steps_per_s")),
        ]
        for one in agents
    ]
    out.blocks.append(
        Table(
            [
                "videos",
                "agent",
                "random 0, oracle 1",
                "reward a session",
                "steps to .8",
                "converged",
                "pairs tried",
                "steps/s",
            ],
            lines,
            folded=True,
            title="All figures",
        )
    )
    slopes = [
        [one.text("agent"), one.text("figure"), interval(one.interval("slope"))] for one in study.objects("slopes")
    ]
    if slopes:
        out.blocks.append(
            Table(
                ["agent", "figure", "slope"],
                slopes,
                folded=True,
                title="Growth with the number of videos",
                note="Slopes of the logarithm over the logarithm of the number of videos: 1 doubles where videos "
                "double.",
            )
        )


def _rows(lines: list[Fields], who: str, figure: str, learns: bool) -> list[dict]:
    rows = []
    for one in lines:
        value = one.interval(figure)
        if None not in value.values() and one.count("size") > 0:
            rows.append({"name": one.text(who), "size": one.count("size"), "learns": learns, **value})
    return rows
