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
AXES = {"env_steps": "steps in the simulator", "epoch": "epoch", "updates": "updates"}
FIGURES = {  # those that are drawn, where a training has them
    "mean_return": "return a session, exploring",
    "mean_length": "videos a session",
    "reward": "reward",
    "validation_metric": "validation metric",
    "train_loss": "training loss",
    "validation_loss": "validation loss",
    "loss": "loss",
    "mean_value": "mean value promised",
    "epsilon": "share of random choices",
    "entropy": "entropy of choices (nats)",
    "kl": "KL from the last policy",
    "gradient_norm": "norm of gradients",
}


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
    for step in dict.fromkeys(curve.step for curve in shown):
        drawn = []
        names_of_step = [name for name, curve in zip(names, shown) if curve.step == step]
        for column, title in FIGURES.items():
            rows = [
                {"name": name, "x": line[step], "y": line[column]}
                for name, curve in zip(names, shown)
                if curve.step == step
                for line in _thinned(curve.lines)
                if is_number(line.get(step)) and is_number(line.get(column))
            ]
            if rows:
                drawn.append(
                    Chart(
                        f"curve-{step}-{column}",
                        capital(title),
                        charts.curves(rows, names_of_step, AXES.get(step, step), ""),
                    )
                )
        if drawn:
            key = charts.key_of(names_of_step) if len(names_of_step) > 1 else []
            out.blocks.append(
                Charts(
                    drawn,
                    title=capital(AXES.get(step, step)) if len({c.step for c in shown}) > 1 else "",
                    key=key,
                )
            )
    return out if out.blocks else None


def missing(folder: Path) -> Missing:
    return Missing("Learning curves", [command("train dqn --simulator sim.h5 --out dqn.h5 --log", folder / "dqn-log")])


def _of_results(inputs: Inputs) -> list[Curve]:
    """Curves in --json files of trainings that left no log."""
    logged = {(curve.command, curve.path.parent) for curve in inputs.curves}
    out = []
    for result in inputs.of("train", "supervised"):
        fields = Fields(result.path, result.content)
        name = f"{result.command.split(' ', 1)[-1]} ({source(inputs, result.path)})"
        if "rounds" in fields and (result.command, result.path.parent) not in logged:
            fields.objects("rounds")
            out.append(Curve(result.path, name, result.command, "env_steps", {}, result.content["rounds"]))
        if "runs" in fields:
            for run in fields.objects("runs"):
                if "epochs" in run:
                    run.objects("epochs")
            for number, run in enumerate(result.content["runs"], start=1):
                if run.get("epochs"):
                    out.append(
                        Curve(
                            result.path,
                            f"{name}, seed {run.get('seed', number)}",
                            result.command,
                            "epoch",
                            {},
                            run["epochs"],
                        )
                    )
    return out


def _thinned(lines: list[dict]) -> list[dict]:
    """Every so many, and the last one."""
    if len(lines) <= MOST_POINTS:
        return lines
    every = -(-len(lines) // MOST_POINTS)
    return lines[every - 1 :: every] + ([lines[-1]] if len(lines) % every else [])
