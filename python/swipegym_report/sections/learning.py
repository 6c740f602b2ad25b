"""Curves of trainings, round by round."""

from __future__ import annotations

from pathlib import Path

from .. import charts
from ..blocks import Chart, Charts, Missing, Section
from ..fields import Fields
from ..figures import capital
from ..inputs import Curve, Inputs, is_number
from ..names import command, distinct, source

MOST_POINTS = 300  # of a curve; more are thinned
MOST_CURVES = 24
AXES = {"env_steps": "steps in the simulator", "epoch": "epoch", "update": "updates"}
FIGURES = {  # those that are drawn, where a training has them
    "mean_return": ("return a session, exploring", charts.PLAIN),
    "mean_length": ("videos a session", charts.PLAIN),
    "reward": ("reward", charts.PLAIN),
    "validation_metric": ("validation metric", charts.PLAIN),
    "train_loss": ("training loss", charts.PLAIN),
    "validation_loss": ("validation loss", charts.PLAIN),
    "loss": ("loss", charts.PLAIN),
    "mean_value": ("mean value promised", charts.PLAIN),
    "epsilon": ("share of random choices", charts.SHARE),
    "entropy": ("entropy of choices (nats)", charts.PLAIN),
    "kl": ("KL from the last policy", charts.PLAIN),
    "gradient_norm": ("norm of gradients", charts.PLAIN),
}
BY_SIGNAL = {"rates.": ("rate of {}", charts.SHARE), "multipliers.": ("multiplier of {}", charts.PLAIN)}  # constraints'
MOST_SIGNALS = 8


def section(inputs: Inputs) -> Section | None:
    curves = [*inputs.curves, *_of_results(inputs)]
    curves = [curve for curve in curves if curve.lines]
    if not curves:
        return None
    shown = curves[:MOST_CURVES]
    names = distinct([curve.name for curve in shown])
    out = Section(
        "learning", "Learning curves", sources=list(dict.fromkeys(source(inputs, curve.path) for curve in shown))
    )
    out.headline = ", ".join(names[:3]) + (" and more" if len(names) > 3 else "")
    out.lead = "Returns are of sessions that explored; the policies that came of it are compared below."
    if len(curves) > len(shown):
        out.lead += f" The first {MOST_CURVES} of {len(curves)} trainings."
    steps = list(dict.fromkeys(curve.step for curve in shown))
    for step in steps:
        drawn = _charts(step, [(name, curve) for name, curve in zip(names, shown) if curve.step == step])
        if drawn:
            same = [name for name, curve in zip(names, shown) if curve.step == step]
            title = capital(AXES.get(step, step)) if len(steps) > 1 else ""
            out.blocks.append(Charts(drawn, title=title, key=charts.key_of(same) if len(same) > 1 else []))
    return out if out.blocks else None


def _charts(step: str, curves: list[tuple[str, Curve]]) -> list[Chart]:
    figures = dict(FIGURES)
    for prefix, (title, form) in BY_SIGNAL.items():
        columns = {column for _, curve in curves for column in curve.columns if column.startswith(prefix)}
        for column in sorted(columns)[:MOST_SIGNALS]:
            figures[column] = (title.format(column[len(prefix) :]), form)
    names = [name for name, _ in curves]
    drawn = []
    for column, (title, form) in figures.items():
        rows = [
            {"name": name, "x": line[step], "y": line[column]}
            for name, curve in curves
            for line in _thinned(curve.lines)
            if is_number(line.get(step)) and is_number(line.get(column))
        ]
        if rows:
            spec = charts.curves(rows, names, AXES.get(step, step), form)
            drawn.append(Chart(f"curve-{step}-{column}", capital(title), spec))
    return drawn


def missing(folder: Path) -> Missing:
    return Missing("Learning curves", [command("train dqn --simulator sim.h5 --out dqn.h5 --log", folder / "dqn-log")])


def _of_results(inputs: Inputs) -> list[Curve]:
    """Curves in --json files of trainings, but for those that a log has too."""
    logged = [[_figures(line) for line in curve.lines] for curve in inputs.curves]
    out = []
    for result in inputs.of("train", "supervised", "fit"):
        fields = Fields(result.path, result.content)
        name = f"{result.command.split(' ', 1)[-1]} ({source(inputs, result.path)})"
        keys = (("rounds", "env_steps"), ("curve", "update"))
        found = [(name, fields, key, step) for key, step in keys if key in fields]
        if "runs" in fields:
            runs = [run for run in fields.objects("runs") if "epochs" in run]
            found += [(f"{name}, seed {run.count('seed')}", run, "epochs", "epoch") for run in runs]
        for name, holder, key, step in found:
            lines = holder.lines(key)
            if [_figures(line) for line in lines] not in logged:
                out.append(Curve(result.path, name, result.command, step, {}, lines))
    return out


def _figures(line: dict) -> dict:
    return {name: value for name, value in line.items() if name not in ("elapsed_s", "seconds")}


def _thinned(lines: list[dict]) -> list[dict]:
    """Every so many, and the last one."""
    if len(lines) <= MOST_POINTS:
        return lines
    every = -(-len(lines) // MOST_POINTS)
    return lines[every - 1 :: every] + ([lines[-1]] if len(lines) % every else [])
