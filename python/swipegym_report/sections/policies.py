"""Policies on the same sessions, with intervals."""

from __future__ import annotations

from pathlib import Path

from .. import charts
from ..blocks import Chart, Charts, Missing, Section, Table, Text
from ..fields import Fields
from ..figures import capital, count, interval
from ..inputs import Inputs, Result
from ..names import command
from .by_result import section_by_result

METRICS = {  # title, format of its axis, factor of its table
    "reward": ("return a session", charts.PLAIN),
    "watch_s_per_session": ("seconds watched a session", charts.PLAIN),
    "depth": ("videos a session", charts.PLAIN),
    "watch_s_per_video": ("seconds watched a video", charts.PLAIN),
    "watch_ratio_per_video": ("share of a video watched", charts.SHARE),
    "watch_ratio_per_session": ("watch ratios a session, their sum", charts.PLAIN),
    "is_click": ("clicks a video", charts.SHARE),
    "long_view": ("long views a video", charts.SHARE),
    "is_like": ("likes a video", charts.SHARE),
    "is_profile_enter": ("visits of the profile a video", charts.SHARE),
    "is_follow": ("follows a video", charts.SHARE),
    "is_comment": ("comments a video", charts.SHARE),
    "is_forward": ("forwards a video", charts.SHARE),
    "is_hate": ("hates a video", charts.SHARE),
    "tag_entropy": ("entropy of a session’s tags (nats)", charts.PLAIN),
    "catalogue_share": ("of the catalogue shown", charts.SHARE),
    "author_gini": ("Gini of authors’ shows", charts.PLAIN),
    "returns_in_day": ("users back within a day", charts.SHARE),
    "gap_h": ("hours to the next visit", charts.PLAIN),
}
DRAWN = ("watch_s_per_session", "depth", "watch_s_per_video", "is_click", "long_view", "is_like", "tag_entropy")


def section(inputs: Inputs) -> Section | None:
    return section_by_result(inputs, "compare", "policies", "Policies compared", _add)


def missing(folder: Path) -> Missing:
    return Missing(
        "Policies compared",
        [
            command(
                "compare --simulator sim.h5 --judge truth --policies random,popularity,dqn.h5,oracle --json",
                folder / "compare.json",
            )
        ],
    )


def _add(out: Section, result: Result, key: str):
    compared = Fields(result.path, result.content)
    worlds = compared.objects("simulators")
    lead = (
        f"Every policy meets the same {count(compared.count('sessions') * compared.count('seeds'))} users and the "
        "same luck, "
        f"choosing among {count(compared.count('candidates'))} candidates ({compared.text('source')}). Whiskers are "
        "95 % intervals "
        "over training seeds and sessions."
    )
    if len(worlds) > 1:
        lead += (
            " Policies learned in the first world; the other judges them, since what is learned may be an error of "
            "the simulator."
        )
    out.lead = out.lead or lead
    names = _best_first(compared)
    first = [
        Chart(
            f"compare-reward{key}",
            "Return a session",
            charts.intervals(_rows(worlds, "reward"), "", charts.PLAIN, names, zero=True),
        ),
    ]
    share = _rows(worlds, None)
    if share:
        first.append(
            Chart(
                f"compare-share{key}",
                "On the way from random choice (0) to the one-step oracle (1)",
                charts.intervals(share, "", charts.PLAIN, names, line=0.0),
            )
        )
    key_of_worlds = charts.key_of([world.text("name") for world in worlds]) if len(worlds) > 1 else []
    out.blocks.append(Charts(first, wide=True, key=key_of_worlds))
    out.headline = out.headline or _headline(compared, names)
    for agreement in compared.objects("agreement"):
        out.blocks.append(Text(_agreement(worlds[0].text("name"), agreement)))
    others = []
    for metric in DRAWN:
        rows = _rows(worlds, metric)
        same_as_return = metric == "watch_s_per_session" and rows == _rows(worlds, "reward")
        if rows and not same_as_return:
            title, form = METRICS[metric]
            others.append(Chart(f"compare-{metric}{key}", capital(title), charts.intervals(rows, "", form, names)))
    if others:
        out.blocks.append(Charts(others, key=key_of_worlds))
    for world in worlds:
        out.blocks.append(_table(world, names))


def _best_first(compared: Fields) -> list[str]:
    figures = [
        (one.text("name"), one.object("metrics").interval("reward")["mean"]) for one in compared.objects("policies")
    ]
    return [name for name, _ in sorted(figures, key=lambda one: -(one[1] if one[1] is not None else float("-inf")))]


def _headline(compared: Fields, names: list[str]) -> str:
    rewards = {one.text("name"): one.object("metrics").interval("reward") for one in compared.objects("policies")}
    return f"{names[0]} first with {interval(rewards[names[0]])} a session" if names else ""


def _rows(worlds: list[Fields], metric: str | None) -> list[dict]:
    """A metric of every policy in every world; None is the share of the way to the oracle."""
    rows = []
    for world in worlds:
        for policy in world.objects("policies"):
            holder = policy if metric is None else policy.object("metrics")
            name = "normalised_score" if metric is None else metric
            if name in holder:
                figure = holder.interval(name)
                if None not in figure.values():
                    rows.append({"name": policy.text("name"), "what": world.text("name"), **figure})
    return rows


def _agreement(first: str, agreement: Fields) -> str:
    return (
        f"The orders of policies in {first} and in {agreement.text('judge')} agree by Kendall’s τ "
        f"{interval(agreement.interval('kendall_tau'))}. "
        f"By {first} one would take {agreement.text('choice')}; best in {agreement.text('judge')} is "
        f"{agreement.text('best')}. The choice gives away "
        f"{interval(agreement.interval('regret'), 100)} % of what the best one gains over random choice."
    )


def _table(world: Fields, names: list[str]) -> Table:
    policies = {policy.text("name"): policy for policy in world.objects("policies")}
    metrics = [name for name in METRICS if any(name in policy.object("metrics") for policy in policies.values())]
    lines = []
    for name in names:
        if name not in policies:
            continue
        policy = policies[name]
        cells = [name, interval(policy.interval("normalised_score"))]
        for metric in metrics:
            figures = policy.object("metrics")
            scale = 100.0 if METRICS[metric][1] == charts.SHARE else 1.0
            cells.append(interval(figures.interval(metric), scale) if metric in figures else "–")
        lines.append(cells)
    head = [
        "policy",
        "random 0, oracle 1",
        *(METRICS[metric][0] + (" (%)" if METRICS[metric][1] == charts.SHARE else "") for metric in metrics),
    ]
    return Table(head, lines, title=f"All figures in {world.text('name')}", folded=True)
