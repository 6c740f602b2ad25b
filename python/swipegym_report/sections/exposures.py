"""What random exposures say: what a choice causes, seen and foreseen."""

from __future__ import annotations

from .. import charts
from ..blocks import Chart, Charts, Section, Table, Text
from ..fields import Fields
from ..figures import SIGNALS, capital, count, fixed, interval, number, percent

STRATA = {  # what orders the exposures, in full and in short, and its unit
    "popularity": ("how often the platform showed the video", "views of the video", "views"),
    "item-mean": ("mean share watched of the video", "its mean ratio", "ratio"),
    "duration": ("length of the video", "its length", "s"),
    "activity": ("how much the user watched before", "views of the user", "views"),
    "expected": ("seconds the simulator expects", "seconds expected", "s"),
}
FIGURES = {  # that are drawn by quarter
    "watch_s": ("Seconds watched of random exposures", "seconds watched", charts.PLAIN),
    "is_click": ("Clicks on random exposures", "clicks a view", charts.SHARE),
}
EXCESS = (
    ("watch_s", "In seconds", "seconds", charts.SIGNED),
    ("is_click", "In clicks", "clicks a view", charts.SIGNED_SHARE),
)
POLICIES = {
    "random": "a random one",
    "popularity": "the most shown",
    "item-mean": "the highest ratio",
    "longest": "the longest",
    "shortest": "the shortest",
    "mean-seconds": "the most seconds",
}
SIDES = [charts.LIFE, charts.SIMULATED]


def add(out: Section, judged: Fields, key: str):
    """The parts of a fidelity's JSON that are about random exposures, those that are there."""
    if "choices" in judged:
        _add_choices(out, judged.object("choices"), key)
    if "random_policy" in judged:
        out.blocks.append(_random_policy(judged.object("random_policy")))


def _add_choices(out: Section, choices: Fields, key: str):
    out.blocks.append(
        Text(
            f"Random exposures tell what a choice causes, since nobody chose: {count(choices.count('rows'))} of "
            "them, of "
            f"{count(choices.count('users'))} users, in four groups of equal size by what was known before they were "
            "shown."
        )
    )
    strata = choices.object("strata")
    named = [(name, strata.object(name)) for name in strata.names()]
    for figure, (title, axis, form) in FIGURES.items():
        drawn = [chart for name, one in named for chart in _stratum(name, one, figure, axis, form, key)]
        if drawn:
            out.blocks.append(Charts(drawn, title=title, key=charts.key_of(SIDES)))
    _add_excess(out, named, key)
    _add_gains(out, choices, key)


def _stratum(name: str, stratum: Fields, figure: str, axis: str, form: str, key: str) -> list[Chart]:
    title, _, unit = STRATA.get(name, (name, name, ""))
    groups = stratum.objects("quarters")
    labels = _quarter_labels([group.figure("from") for group in groups], unit)
    rows = [
        {"quarter": label, "what": what, "value": group.object(side).number(figure)}
        for what, side in zip(SIDES, ("life", "simulated"))
        for label, group in zip(labels, groups)
    ]
    rows = [row for row in rows if row["value"] is not None]
    title = capital(title) + (f" ({unit})" if unit == "s" else "")
    return [Chart(f"stratum-{name}-{figure}{key}", title, charts.quarters(rows, axis, form))] if rows else []


def _add_excess(out: Section, named: list[tuple[str, Fields]], key: str):
    drawn = []
    for figure, title, axis, form in EXCESS:
        rows = []
        for name, one in named:
            effect = one.object("excess").interval(figure)
            if None not in effect.values():
                rows.append({"name": STRATA.get(name, (name, name))[1], "what": "excess", **effect})
        names = [row["name"] for row in rows]
        if rows:
            drawn.append(
                Chart(f"excess-{figure}{key}", title, charts.intervals(rows, axis, form, names, zero=True, line=0.0))
            )
    text = (
        "How much more a sign of a good video does in life than in the simulator. On the dashed line, as much; right "
        "of "
        "it, the simulator sees too little of it."
    )
    if drawn:
        out.blocks.append(Charts(drawn, title="Effects seen too small or too large", text=text, wide=True))
    figures = ("watch_s", "watch_ratio", "is_click", "long_view")
    lines = [
        [STRATA.get(name, (name,))[0], *(interval(one.object("excess").interval(figure)) for figure in figures)]
        for name, one in named
    ]
    note = (
        "Life less simulated in the upper half, less the same in the lower half: 0 where an effect is seen as large "
        "as it "
        "is. 95 % intervals over users."
    )
    head = ["in the order of", "seconds", "share watched", "clicks", "long views"]
    out.blocks.append(Table(head, lines, title="The same, all figures", folded=True, note=note))


def _quarter_labels(edges: list[float], unit: str) -> list[str]:
    """Where each begins, told apart where edges are equal."""
    labels = []
    for i, edge in enumerate(edges):
        label = ("≥ " if i else "from ") + (percent(edge, 2) if unit == "ratio" else number(edge, 2))
        labels.append(label if label not in labels else label + "\u200a" * i)
    return labels


def _add_gains(out: Section, choices: Fields, key: str):
    policies = choices.object("policies")
    rows = []
    for name in policies.names():
        if name == "random":
            continue
        one = policies.object(name)
        for what, side in ((charts.LIFE, "life_lift"), (charts.SIMULATED, "simulated_lift")):
            lift = one.interval(side)
            if None not in lift.values():
                rows.append({"name": POLICIES.get(name, name), "what": what, **lift})
    if not rows:
        return
    names = list(dict.fromkeys(row["name"] for row in rows))
    tau = choices.number("tau")
    best_of = count(choices.count("candidates"))
    text = f"Seconds a view that taking the best of {best_of} random videos gains over taking any."
    if tau is not None:
        text += (
            f" Over the {count(choices.count('pairs'))} pairs of policies Kendall’s τ of both orders is {fixed(tau, 2)}"
        )
        told = choices.number("tau_told_apart")
        if told is not None:
            text += f", and {fixed(told, 2)} over the {count(choices.count('pairs_told_apart'))} that life tells apart"
        text += "."
    spec = charts.intervals(rows, "seconds a view", charts.SIGNED, names, zero=True, line=0.0)
    drawn = [Chart(f"gains{key}", "What a choice gains", spec)]
    out.blocks.append(Charts(drawn, text=text, wide=True, key=charts.key_of(SIDES)))


def _random_policy(random: Fields) -> Table:
    real, simulated = random.object("real"), random.object("simulated")
    lines = []
    for key, title, form in (("watch_ratio", "share watched", percent), ("watch_s", "seconds watched", number)):
        if key in real:
            lines.append([title, form(real.number(key)), form(simulated.number(key))])
    for key, title in SIGNALS.items():
        if key in real:
            lines.append([title, percent(real.number(key)), percent(simulated.number(key))])
    return Table(
        ["a view", "random exposures", "a random policy, simulated"], lines, title="A random policy", folded=True
    )
