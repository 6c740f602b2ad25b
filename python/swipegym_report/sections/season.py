"""A season of a platform, policy by policy."""

from __future__ import annotations

from pathlib import Path

from .. import charts
from ..blocks import Chart, Charts, Missing, Section, Table
from ..fields import Fields
from ..figures import capital, interval, plural
from ..inputs import Inputs, Result
from ..names import command
from .by_result import section_by_result

MOST_DAYS = 400  # of a curve; more are thinned
MEASURES = {
    "seconds": ("seconds watched a user-day", charts.PLAIN),
    "visitors": ("users who came", charts.SHARE),
    "clicks": ("clicks a video shown", charts.SHARE),
    "returns": ("sessions followed by another within a day", charts.SHARE),
    "regret": ("click appeal below the best on offer", charts.PLAIN),
    "uploads": ("uploads a day", charts.SHORT),
    "creators": ("active creators", charts.SHORT),
    "newcomers": ("newcomers active after 30 days", charts.SHARE),
    "gini": ("Gini of creators’ views", charts.PLAIN),
    "discovery": ("best tenth of uploads shown 50 times", charts.SHARE),
    "appeal": ("click appeal of new uploads", charts.PLAIN),
    "fresh": ("shows to videos with fewer than 10", charts.SHARE),
    "entropy": ("entropy of a user’s week (nats)", charts.PLAIN),
    "drift": ("shift of true tastes since the start", charts.PLAIN),
}
BY_DAY = ("seconds", "clicks", "uploads", "creators", "gini", "appeal")
OVER_WORLDS = ("seconds", "clicks", "uploads", "creators", "gini", "discovery")


def section(inputs: Inputs) -> Section | None:
    lead = (
        "Creators answer what they get: they upload more or give up. Every policy meets the same worlds; whiskers "
        "are 95 % intervals over worlds."
    )

    def add(out: Section, result: Result, key: str):
        _add(out, inputs, result, key)

    return section_by_result(inputs, "platform", "season", "A season of the platform", add, lead)


def missing(folder: Path) -> Missing:
    return Missing(
        "A season of the platform",
        [command("platform --simulator sim.h5 --days 30 --burn-in 10 --users 500 --out", folder / "season")],
    )


def _add(out: Section, inputs: Inputs, result: Result, key: str):
    policies = Fields(result.path, result.content).objects("policies")
    names = [policy.text("policy") for policy in policies]
    out.headline = out.headline or f"{plural(len(names), 'policy', 'policies')} on the same platform"
    figures = []
    for measure in OVER_WORLDS:
        rows = []
        for name, policy in zip(names, policies):
            one = policy.object("measures")
            value = one.object(measure).interval("figure") if measure in one else {"mean": None}
            if None not in value.values():
                rows.append({"name": name, "what": "worlds", **value})
        if rows:
            title, form = MEASURES[measure]
            figures.append(Chart(f"season-{measure}{key}", capital(title), charts.intervals(rows, "", form, names)))
    if figures:
        out.blocks.append(Charts(figures, title="Over the season"))
    drawn = []
    for measure in BY_DAY:
        days = inputs.days.get(result.path, [])
        every = -(-len(days) // (MOST_DAYS * max(1, len(names))))
        rows = [
            {"name": row["policy"], "x": row["day"], "y": row[measure]}
            for row in days
            if measure in row and row["day"] % every == 0
        ]
        if rows:
            title, form = MEASURES[measure]
            drawn.append(Chart(f"days-{measure}{key}", capital(title), charts.curves(rows, names, "day", form)))
    if drawn:
        out.blocks.append(Charts(drawn, title="Day by day", text="Means over worlds.", key=charts.key_of(names)))
    lines = []
    shown = [measure for measure in MEASURES if all(measure in policy.object("measures") for policy in policies)]
    for name, policy in zip(names, policies):
        one = policy.object("measures")
        lines.append(
            [
                name,
                *(
                    interval(
                        one.object(measure).interval("figure"), 100.0 if MEASURES[measure][1] == charts.SHARE else 1.0
                    )
                    for measure in shown
                ),
            ]
        )
    head = [
        "policy",
        *(MEASURES[measure][0] + (" (%)" if MEASURES[measure][1] == charts.SHARE else "") for measure in shown),
    ]
    out.blocks.append(Table(head, lines, folded=True, title="All figures"))
