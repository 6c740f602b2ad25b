"""The notebook and the tutorial of docs/ run as they stand, and what they say of the policies they make holds."""

import importlib.util
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


def test_every_block_of_the_tutorial_runs(tmp_path, monkeypatch):
    text = (Path(__file__).parents[2] / "docs" / "guide" / "tutorial.md").read_text()
    blocks = [block.split("```")[0] for block in text.split("```python\n")[1:]]
    if importlib.util.find_spec("torch") is None:  # and of what follows the network nothing
        blocks = blocks[: next(i for i, block in enumerate(blocks) if "import torch" in block)]
    assert len(blocks) >= 3
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for block in blocks:
        exec(compile(block, "tutorial.md", "exec"), names)  # noqa: S102
    assert names["ruled"].interval(versus=names["known"]["longest"])[0] > 0
    if "mine" in names:
        assert names["mine"].interval(versus=names["ruled"])[0] > 0
        assert names["judged"]["mine"].interval(versus=names["judged"]["the rule"])[0] > 0
