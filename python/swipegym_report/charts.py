"""The charts, as Vega-Lite specifications with their data in them. Names from outside are data, never expressions."""

from __future__ import annotations

import altair as alt

LIFE, SIMULATED = "life", "simulated"
GREY = "#8b919b"
# Okabe and Ito's colours, told apart by the colour-blind, a little darker or lighter to stand on white and on black.
COLOURS = ["#1f78b4", "#e08a00", "#0f9e78", "#d55e00", "#b86a9b", "#3fa7db", "#8a7f00", "#7a6fd0"]
PLAIN, SIGNED, SHARE, SIGNED_SHARE, SHORT = ",.4~r", "+,.3~r", "~%", "+~%", ".3~s"  # formats of axes


def _data(rows: list[dict]) -> alt.Data:
    return alt.Data(values=rows)


def _spec(chart, height) -> dict:
    spec = chart.properties(width="container", height=height).to_dict()
    spec.pop("config", None)  # the page has one for all
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    return spec


def key_of(names: list[str]) -> list[tuple[str, str]]:
    """What a legend says: each name with its colour, in the order in which charts give them out."""
    colours = [GREY, COLOURS[0]] if names == [LIFE, SIMULATED] else COLOURS
    return [(name, colours[i % len(colours)]) for i, name in enumerate(names)]


def _colour(field: str, names: list[str]):
    """Without a legend: the page has one for all charts of a block."""
    colours = [colour for _, colour in key_of(names)]
    return alt.Color(f"{field}:N", scale=alt.Scale(domain=names, range=colours), legend=None, sort=names)


def _tooltip(*fields: tuple[str, str, str]) -> list[alt.Tooltip]:
    return [
        alt.Tooltip(field, title=title, format=form) if form else alt.Tooltip(field, title=title)
        for field, title, form in fields
    ]


def rates(rows: list[dict]) -> dict:
    """rows: {signal, log, rate}; a dot a log, on a scale of powers of ten."""
    order = list(dict.fromkeys(row["signal"] for row in rows))
    logs = list(dict.fromkeys(row["log"] for row in rows))
    chart = (
        alt.Chart(_data(rows))
        .mark_point(filled=True, size=90, opacity=1)
        .encode(
            x=alt.X(
                "rate:Q",
                scale=alt.Scale(type="log"),
                axis=alt.Axis(format="~%", title="of the videos shown", values=[10.0**-i for i in range(7)]),
            ),
            y=alt.Y("signal:N", sort=order, title=None),
            color=_colour("log", logs),
            shape=alt.Shape("log:N", legend=None, sort=logs, scale=alt.Scale(domain=logs, range=["circle", "diamond"])),
            tooltip=_tooltip(("log:N", "log", ""), ("signal:N", "signal", ""), ("rate:Q", "rate", ".3%")),
        )
    )
    return _spec(chart, 26 * len(order))


def pit(rows: list[dict]) -> dict:
    """rows: {from, to, mean, low, high} of a probability integral transform; 1 / rows is calibrated."""
    flat = 1 / len(rows)
    base = alt.Chart(_data(rows))
    tooltip = _tooltip(
        ("from:Q", "from", ".0%"),
        ("to:Q", "to", ".0%"),
        ("mean:Q", "share of views", ".2%"),
        ("low:Q", "95 % from", ".2%"),
        ("high:Q", "to", ".2%"),
    )
    x = alt.X(
        "from:Q",
        bin="binned",
        axis=alt.Axis(
            format=".0%", title="where the answer fell in its own prediction", values=[0, 0.25, 0.5, 0.75, 1]
        ),
        scale=alt.Scale(domain=[0, 1]),
    )
    bars = base.mark_bar(color=COLOURS[0], opacity=0.55, binSpacing=1).encode(
        x=x,
        x2="to:Q",
        y=alt.Y("mean:Q", axis=alt.Axis(format="~%", title="of the views", tickCount=4)),
        tooltip=tooltip,
    )
    middle = base.transform_calculate(middle="(datum.from + datum.to) / 2")
    whiskers = middle.mark_rule(strokeWidth=1.5, color=COLOURS[0]).encode(
        x="middle:Q", y=alt.Y("low:Q", axis=alt.Axis(title="of the views")), y2="high:Q", tooltip=tooltip
    )
    line = (
        alt.Chart(_data([{"flat": flat}])).mark_rule(strokeDash=[5, 4], strokeWidth=1.5, color=GREY).encode(y="flat:Q")
    )
    return _spec(alt.layer(bars, whiskers, line), 220)


def reliability(rows: list[dict]) -> dict:
    """rows: {rows, expected, mean, low, high}: what was promised, and what came of it."""
    most = max(max(row["expected"], row["high"]) for row in rows) * 1.04 or 1.0
    domain = alt.Scale(domain=[0, most], nice=False)
    axis = {"format": "~%", "tickCount": 4}
    tooltip = _tooltip(
        ("expected:Q", "promised", ".2%"),
        ("mean:Q", "came", ".2%"),
        ("low:Q", "95 % from", ".2%"),
        ("high:Q", "to", ".2%"),
        ("rows:Q", "views", ","),
    )
    base = alt.Chart(_data(rows)).encode(
        x=alt.X("expected:Q", scale=domain, axis=alt.Axis(title="promised", **axis)), tooltip=tooltip
    )
    ideal = (
        alt.Chart(_data([{"at": 0}, {"at": most}]))
        .mark_line(strokeDash=[5, 4], color=GREY, strokeWidth=1.5)
        .encode(x="at:Q", y=alt.Y("at:Q", scale=domain))
    )
    whiskers = base.mark_rule(color=COLOURS[0], strokeWidth=1.5).encode(
        y=alt.Y("low:Q", scale=domain, axis=alt.Axis(title="came", **axis)), y2="high:Q"
    )
    points = base.mark_point(filled=True, color=COLOURS[0], size=55, opacity=1).encode(
        y=alt.Y("mean:Q", scale=domain, axis=alt.Axis(title="came", **axis))
    )
    return _spec(alt.layer(ideal, whiskers, points), 190)


def ratios(rows: list[dict]) -> dict:
    """rows: {bin, mean, low, high, drawn}: the share of views that ended so far into the video."""
    order = [row["bin"] for row in rows]
    tooltip = _tooltip(
        ("bin:N", "watched", ""),
        ("mean:Q", "life", ".1%"),
        ("low:Q", "95 % from", ".1%"),
        ("high:Q", "to", ".1%"),
        ("drawn:Q", "simulated", ".1%"),
    )
    base = alt.Chart(_data(rows)).encode(
        x=alt.X(
            "bin:N",
            sort=order,
            axis=alt.Axis(title="% of the video watched", labelAngle=-45, labelFontSize=10, labelOverlap=False),
        ),
        tooltip=tooltip,
    )
    y_axis = alt.Axis(format="~%", title=None, tickCount=3)
    colour = _colour("what", [LIFE, SIMULATED])
    bars = (
        base.transform_calculate(what="'life'")
        .mark_bar(opacity=0.5)
        .encode(y=alt.Y("mean:Q", axis=y_axis), color=colour)
    )
    whiskers = base.mark_rule(color=GREY, strokeWidth=1.5).encode(y=alt.Y("low:Q", axis=y_axis), y2="high:Q")
    points = (
        base.transform_calculate(what="'simulated'")
        .mark_point(filled=True, size=55, opacity=1)
        .encode(y=alt.Y("drawn:Q", axis=y_axis), color=colour)
    )
    return _spec(alt.layer(bars, whiskers, points), 140)


def quarters(rows: list[dict], title: str, form: str) -> dict:
    """rows: {quarter, what, value}: a line for life and one for the simulator."""
    chart = (
        alt.Chart(_data(rows))
        .mark_line(point=alt.OverlayMarkDef(filled=True, size=55), strokeWidth=2)
        .encode(
            x=alt.X(
                "quarter:N",
                sort=list(dict.fromkeys(row["quarter"] for row in rows)),
                axis=alt.Axis(title=None, labelAngle=0),
                scale=alt.Scale(padding=0.25),
            ),
            y=alt.Y("value:Q", scale=alt.Scale(zero=True), axis=alt.Axis(title=title, format=form, tickCount=4)),
            color=_colour("what", [LIFE, SIMULATED]),
            tooltip=_tooltip(("quarter:N", "quarter", ""), ("what:N", "", ""), ("value:Q", title, form)),
        )
    )
    return _spec(chart, 150)


def intervals(
    rows: list[dict], title: str, form: str, names: list[str], zero: bool = False, line: float | None = None
) -> dict:
    """rows: {name, what, mean, low, high}: a dot with a whisker for each, several under one name side by side."""
    whats = list(dict.fromkeys(row["what"] for row in rows))
    several = len(whats) > 1
    tooltip = _tooltip(
        ("name:N", "", ""),
        *([("what:N", "in", "")] if several else []),
        ("mean:Q", title or "mean", form),
        ("low:Q", "95 % from", form),
        ("high:Q", "to", form),
    )
    base = alt.Chart(_data(rows)).encode(
        y=alt.Y("name:N", sort=names, title=None, axis=alt.Axis(labelLimit=140)),
        color=_colour("what", whats),
        tooltip=tooltip,
    )
    if several:
        base = base.encode(yOffset=alt.YOffset("what:N", sort=whats))
    x = {"scale": alt.Scale(zero=zero, nice=True), "axis": alt.Axis(title=title or None, format=form, tickCount=4)}
    layers = [
        base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", **x), x2="high:Q"),
        base.mark_point(filled=True, size=70, opacity=1).encode(x=alt.X("mean:Q", **x)),
    ]
    if line is not None:
        layers.insert(0, alt.Chart(_data([{"at": line}])).mark_rule(strokeDash=[5, 4], color=GREY).encode(x="at:Q"))
    return _spec(alt.layer(*layers), len(names) * (14 * len(whats) + 8 if several else 24))


def curves(rows: list[dict], names: list[str], x_title: str, form: str = PLAIN) -> dict:
    """rows: {name, x, y}, a line for each of the names that has some."""
    few = len(rows) <= 20 * len(names)
    chart = (
        alt.Chart(_data(rows))
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(filled=True, size=35) if few else False)
        .encode(
            x=alt.X(
                "x:Q",
                axis=alt.Axis(title=x_title, format=SHORT, tickCount=4),
                scale=alt.Scale(zero=True, nice=False),
            ),
            y=alt.Y("y:Q", axis=alt.Axis(title=None, format=form, tickCount=5), scale=alt.Scale(zero=False)),
            color=_colour("name", names),
            tooltip=_tooltip(("name:N", "", ""), ("x:Q", x_title, ","), ("y:Q", "value", form)),
        )
    )
    return _spec(chart, 220)


def by_size(rows: list[dict], names: list[str], form: str) -> dict:
    """rows: {name, size, mean, low, high, learns}: what becomes of policies as candidates grow; side by side."""
    sizes = sorted({row["size"] for row in rows})
    apart = (max(sizes) / min(sizes)) ** 0.012 if len(sizes) > 1 else 1.02
    rows = [{**row, "at": row["size"] * apart ** (names.index(row["name"]) - (len(names) - 1) / 2)} for row in rows]
    x = alt.X(
        "at:Q",
        scale=alt.Scale(type="log", nice=False, padding=14),
        axis=alt.Axis(title="videos to choose among", format=SHORT, values=sizes),
    )
    y_axis = alt.Axis(title=None, format=form, tickCount=5)
    base = alt.Chart(_data(rows)).encode(
        x=x,
        color=_colour("name", names),
        tooltip=_tooltip(
            ("name:N", "", ""),
            ("size:Q", "videos", ","),
            ("mean:Q", "mean", form),
            ("low:Q", "95 % from", form),
            ("high:Q", "to", form),
        ),
    )
    lines = base.mark_line(strokeWidth=2).encode(
        y=alt.Y("mean:Q", axis=y_axis),
        strokeDash=alt.condition("datum.learns", alt.value([1, 0]), alt.value([5, 4])),
        detail="learns:N",
    )
    whiskers = base.mark_rule(strokeWidth=1.5).encode(y=alt.Y("low:Q", axis=y_axis), y2="high:Q")
    points = base.mark_point(filled=True, size=60, opacity=1).encode(y=alt.Y("mean:Q", axis=y_axis))
    return _spec(alt.layer(lines, whiskers, points), 280)
