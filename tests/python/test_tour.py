"""The notebook of docs/ runs as it stands, and what it says of the agent it trains holds."""

import json
from pathlib import Path

import pytest


def test_every_cell_of_the_tour_runs():
    matplotlib = pytest.importorskip("matplotlib", reason="the tour draws")
    pytest.importorskip("pandas", reason="the tour looks at a table")
    matplotlib.use("Agg")
    tour = json.loads((Path(__file__).parents[2] / "docs" / "guide" / "tour.ipynb").read_text())
    names: dict = {}
    for cell in tour["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), names)  # noqa: S102
    assert names["learned"].interval(versus=names["random"])[0] > 0
