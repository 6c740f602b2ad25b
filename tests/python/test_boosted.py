"""What boosted trees promise: they learn, they are repeatable, and their files are checked."""

import json
import shutil

import numpy as np
import pytest

import swipegym

pytest.importorskip("lightgbm", reason="pip install lightgbm")

from swipegym import boosted  # noqa: E402
from swipegym.boosted.__main__ import main  # noqa: E402

SMALL = {"steps": 12_000, "trees": 30, "threads": 1, "parameters": {"num_leaves": 15, "learning_rate": 0.2}}


@pytest.fixture(scope="module")
def trees():
    return boosted.train(**SMALL)


@pytest.fixture
def saved(trees, tmp_path):
    trees.save(tmp_path / "trees.json")
    return tmp_path / "trees.json"


def played(policy, **settings):
    return swipegym.evaluate(policy, sessions=512, **settings)


def test_trees_choose_better_than_chance_and_expectations_teach_more_than_draws(trees):
    random, ours = played("random"), played(trees)
    assert ours.interval(versus=random)[0] > 0
    drawn = played(boosted.train(**SMALL, rewards="drawn"))
    assert drawn.mean < ours.mean
    among = {"candidates": 30}  # of any number, whatever they learned among
    assert played(trees, **among).interval(versus=played("random", **among))[0] > 0


def test_equal_seeds_give_equal_bytes_for_any_number_of_threads(tmp_path):
    def made(threads, seed):
        small = {**SMALL, "steps": 3000, "trees": 3, "threads": threads}  # threads wait for one another on a busy machine
        boosted.train(**small, rounds=2, seed=seed).save(tmp_path / "trees.json")
        return (tmp_path / "trees.json").read_bytes()

    once = made(1, 1)
    assert made(2, 1) == once != made(1, 2)


def test_the_simulator_is_never_written_over(trees, tmp_path, capsys):
    simulator = shutil.copy(trees.columns.simulator.path, tmp_path / "sim.h5")
    before = simulator.read_bytes()
    (tmp_path / "link.h5").symlink_to(simulator)
    small = ["--steps", "2000", "--trees", "2", "--sessions", "0", "--simulator", str(simulator)]
    for out in ("sim.h5", "link.h5"):
        assert main([*small, "--out", str(tmp_path / out)]) == 2
        assert "would be lost" in capsys.readouterr().err
    with pytest.raises(swipegym.InputError, match="would be lost"):
        boosted.train(str(simulator), **{**SMALL, "steps": 2000, "trees": 2}).save(simulator)
    assert simulator.read_bytes() == before


def test_a_training_says_how_far_it_is():
    told = []
    boosted.train(**{**SMALL, "steps": 3000, "trees": 3}, progress=lambda stage, share: told.append((stage, share)))
    assert [share for stage, share in told if stage == "playing"][-1] == 1.0
    assert [share for stage, share in told if stage == "trees"] == [1 / 3, 2 / 3, 1.0]


def test_a_file_scores_as_the_trees_that_wrote_it(trees, saved):
    observation, info = swipegym.ShortVideoVectorEnv(20).reset(seed=3)
    again = boosted.load(saved)
    assert np.array_equal(again.score(observation), trees.score(observation))
    lone = {name: array[4] for name, array in observation.items()}
    assert np.array_equal(again.score(lone), trees.score(observation)[4])
    best = again(observation, info)
    info["action_mask"][np.arange(20), best] = 0
    assert info["action_mask"][np.arange(20), again(observation, info)].all()
    assert again.about["settings"]["steps"] == SMALL["steps"]


def test_features_alone_run_among_other_videos_and_the_network_s_columns_do_not(saved, tmp_path):
    other = swipegym.Simulator.constant(videos=40)
    boosted.train(**{**SMALL, "steps": 3000}, columns="features").save(tmp_path / "features.json")
    observation, _ = swipegym.ShortVideoVectorEnv(3, simulator=other).reset(seed=1)
    assert boosted.load(tmp_path / "features.json", other).score(observation).shape == (3, 10)
    with pytest.raises(swipegym.InputError, match="other videos"):
        boosted.load(saved, other)


def test_later_rounds_choose_what_earlier_ones_learned():
    about = {**SMALL, "steps": 9000, "columns": "features"}
    play = boosted.training.Play(
        swipegym.default_simulator(),
        boosted.TreeSettings(**{name: value for name, value in about.items() if name != "threads"}, epsilon=0.0),
        {},
        1,
    )
    uniform = play.steps(9000)[1].mean()
    play.policy = boosted.train(**about)
    assert play.steps(9000)[1].mean() > uniform * 1.05
    assert boosted.train(**about, rounds=3).about["settings"]["rounds"] == 3


@pytest.mark.parametrize(
    "damage",
    [
        lambda stored: "",
        lambda stored: "{}",
        lambda stored: json.dumps(stored)[:-9],
        lambda stored: json.dumps({**stored, "format": "another"}),
        lambda stored: json.dumps({**stored, "model": stored["model"].replace("leaf_value=", "leaf_value=9", 1)}),
        lambda stored: json.dumps({**stored, "settings": {**stored["settings"], "columns": "all"}}),
        lambda stored: json.dumps({**stored, "settings": 3}),
        lambda stored: json.dumps({name: value for name, value in stored.items() if name != "world"}),
    ],
)
def test_damaged_files_are_refused_by_name(saved, damage):
    saved.write_text(damage(json.loads(saved.read_text())))
    with pytest.raises(swipegym.InputError, match="trees.json"):
        boosted.load(saved)


@pytest.mark.parametrize(
    "settings",
    [
        {"steps": 1},
        {"columns": "all"},
        {"rewards": "hoped"},
        {"rounds": 0},
        {"epsilon": 1.1},
        {"trees": 0},
        {"parameters": {"num_leaves": 1}},
        {"parameters": {"learning_rate": "fast"}},
        {"parameters": {"objective": 1}},
        {"seed": -1},
        {"candidates": 0},
    ],
)
def test_settings_out_of_range_are_refused_by_name(settings):
    with pytest.raises(swipegym.InputError, match=next(iter(settings))):
        boosted.train(**settings)
    with pytest.raises(swipegym.InputError, match="nowhere.json: no such file"):
        boosted.load("nowhere.json")


def test_the_command_line_writes_a_file_or_says_what_is_wrong(tmp_path, capsys):
    out = tmp_path / "trees.json"
    assert main(["--out", str(out), "--steps", "2000", "--trees", "5", "--sessions", "50", "--threads", "1"]) == 0
    assert "beside random" in capsys.readouterr().out and boosted.load(out).about["settings"]["trees"] == 5
    for wrong in (["--steps", "1"], ["--parameters", "[1]"], ["--simulator", "nowhere.h5"]):
        assert main(["--out", str(tmp_path / "other.json"), *wrong]) == 2
        assert capsys.readouterr().err.startswith("error: ")
    assert not (tmp_path / "other.json").exists()
