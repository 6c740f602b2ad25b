"""How the simulator's answers compare with life on days that it was not fitted to."""

from __future__ import annotations

from pathlib import Path

from .. import charts
from ..blocks import Beside, Chart, Charts, Missing, Section, Table, Text
from ..fields import Fields
from ..figures import SIGNALS, count, day, fixed, number, percent
from ..inputs import Inputs, Result
from ..names import command, source
from . import exposures

REFERENCES = {
    "marginal": "what all views did",
    "tab_x_duration": "views of that tab and duration",
    "truth": "the truth itself",
}
SIDES = [charts.LIFE, charts.SIMULATED]
LEAST_POSITIVES = 20  # of a signal whose reliability is drawn


def section(inputs: Inputs) -> Section | None:
    results = inputs.of("fidelity")
    if not results:
        return None
    out = Section("fidelity", "Is the simulator faithful?", sources=[source(inputs, one.path) for one in results])
    for index, result in enumerate(results):
        _add(out, result, f"-{index + 1}" if index else "", source(inputs, result.path) if len(results) > 1 else "")
    return out


def missing(folder: Path) -> Missing:
    return Missing(
        "Is the simulator faithful?",
        [command("fidelity --simulator sim.h5 --data DATA --from YYYYMMDD --json", folder / "fidelity.json")],
    )


def _add(out: Section, result: Result, key: str, name: str):
    judged = Fields(result.path, result.content)
    days = f"{day(judged.count('from'))} to {day(judged.count('until'))} ({judged.text('log')} log)"
    lead = (
        f"{count(judged.count('rows'))} views of {count(judged.count('users'))} users on {days}. The simulator is "
        "asked "
        "about each view before it is told the answer."
    )
    if name:
        out.blocks.append(Text(f"{name}: {lead}"))
    else:
        out.lead = lead
    pit = _pit(judged, key)
    out.blocks.append(Beside([_predictors(judged), pit]) if pit else _predictors(judged))
    out.headline = out.headline or _headline(judged)
    _add_diagrams(out, judged, key)
    out.blocks.append(_signals(judged))
    exposures.add(out, judged, key)
    if "free_running" in judged:
        out.blocks.append(_free_running(judged.object("free_running")))


def _predictors(judged: Fields) -> Table:
    references = judged.object("references")
    told_by = [("the simulator", judged)]
    told_by += [(REFERENCES.get(name, name), references.object(name)) for name in references.names()]
    lines = [
        [name, *(fixed(one.number(figure), digits) for figure, digits in (("crps", 4), ("pit", 3), ("log_score", 3)))]
        for name, one in told_by
    ]
    note = (
        "Of the share of the video that is watched. CRPS: distance of the predicted distribution from what came, "
        "lower is "
        "better. Coverage error: how far a quantile's share is from what it says, 0 is calibrated. Log score: higher "
        "is "
        "better."
    )
    return Table(["told by", "CRPS", "coverage error", "log score"], lines, note=note)


def _share(fields: Fields, key: str) -> dict:
    inside = fields.object(key)
    return {name: inside.figure(name) for name in ("mean", "low", "high")}


def _headline(judged: Fields) -> str:
    references = judged.object("references")
    crps, reference = judged.number("crps"), None
    if "tab_x_duration" in references:
        reference = references.object("tab_x_duration").number("crps")
    if crps is None or not reference:
        return ""
    off = crps / reference - 1
    better = f"{percent(abs(off), 2)} {'better' if off < 0 else 'worse'}"
    return f"predicts watching {better} than tab and length alone (CRPS {fixed(crps, 3)})"


def _pit(judged: Fields, key: str) -> Charts | None:
    if "pit_histogram" not in judged:
        return None
    rows = [
        {"from": one.figure("from"), "to": one.figure("to"), **_share(one, "share")}
        for one in judged.objects("pit_histogram")
    ]
    if not rows:
        return None
    note = (
        "Level with the dashed line: calibrated. High at both ends: predictions are too narrow; high in the middle: "
        "too "
        "wide. Whiskers are 95 % intervals over users."
    )
    return Charts([Chart(f"pit{key}", "Where answers fall in their predictions", charts.pit(rows), note)], wide=True)


def _add_diagrams(out: Section, judged: Fields, key: str):
    if "ratio_by_duration" in judged:
        _add_ratios(out, judged, key)
    if "reliability" in judged:
        _add_reliability(out, judged, key)


def _add_ratios(out: Section, judged: Fields, key: str):
    drawn = []
    for group in judged.objects("ratio_by_duration"):
        title = f"{number(group.figure('from_s'), 2)} to {number(group.figure('to_s'), 2)} s"
        bins = group.objects("bins")
        rows = [
            {"bin": label, **_share(one, "real"), "drawn": one.figure("drawn")}
            for label, one in zip(_bin_labels([one.figure("from") for one in bins]), bins)
        ]
        if rows:
            drawn.append(
                Chart(
                    f"ratio-{len(drawn) + 1}{key}",
                    title,
                    charts.ratios(rows),
                    f"{count(group.count('rows'))} views",
                )
            )
    if drawn:
        out.blocks.append(
            Charts(
                drawn,
                title="How much is watched, by length of the video",
                text="Bars: views in life that ended so far into the video, with 95 % intervals over users. Dots: the "
                "simulator's draws for the same views.",
                key=charts.key_of(SIDES),
            )
        )


def _add_reliability(out: Section, judged: Fields, key: str):
    drawn = []
    reliability = judged.object("reliability")
    for name, title in SIGNALS.items():
        if name not in reliability:
            continue
        rows = [
            {"rows": one.count("rows"), "expected": one.figure("expected"), **_share(one, "rate")}
            for one in reliability.objects(name)
        ]
        if sum(row["rows"] * row["mean"] for row in rows) >= LEAST_POSITIVES:
            drawn.append(Chart(f"reliability-{name}{key}", title, charts.reliability(rows)))
    if drawn:
        out.blocks.append(
            Charts(
                drawn,
                title="Does what is promised come?",
                text="Views in the order of the promised probability, cut into ten groups. On the dashed line: as "
                f"promised. Signals with fewer than {LEAST_POSITIVES} cases are left out.",
            )
        )


def _bin_labels(edges: list[float]) -> list[str]:
    """In percent: "<2", "2–5", ..., ">200"."""
    ends = [f"{round(100 * edge)}" for edge in edges]
    between = [f"{low}–{high}" for low, high in zip(ends, ends[1:])]
    return [f"<{ends[1]}", *between[1:], f">{ends[-1]}"] if len(ends) > 1 else ["all"] * len(ends)


def _signals(judged: Fields) -> Table:
    signals = judged.object("signals")
    lines = []
    for name, title in SIGNALS.items():
        if name in signals:
            one = signals.object(name)
            lines.append(
                [
                    title,
                    percent(one.number("rate")),
                    percent(one.number("expected_rate")),
                    fixed(one.number("auc"), 3),
                    fixed(one.number("logloss"), 4),
                ]
            )
    return Table(
        ["signal", "in life", "promised", "AUC", "log loss"],
        lines,
        title="Signals",
        folded=True,
        note="AUC: the chance that a view with the signal was promised more than one without; .5 is a coin.",
    )


def _free_running(free: Fields) -> Table:
    metrics = free.object("metrics")
    titles = {"length": "views", "watch_s": "seconds watched", "mean_ratio": "mean share watched", "clicks": "clicks"}
    lines = []
    for name in metrics.names():
        one = metrics.object(name)
        lines.append(
            [
                titles.get(name, name),
                number(one.number("real")),
                number(one.number("simulated")),
                number(one.number("wasserstein")),
                number(one.number("floor")),
            ]
        )
    back = free.object("next_day_return")
    lines.append(["back the next day", percent(back.number("real")), percent(back.number("simulated")), "", ""])
    return Table(
        ["a session's", "in life", "simulated", "distance", "between halves of life"],
        lines,
        title="Left to itself",
        folded=True,
        note="Whole sessions drawn by the simulator beside those of the same users. Distance: Wasserstein’s, beside "
        "that of "
        "two random halves of the users in life.",
    )
