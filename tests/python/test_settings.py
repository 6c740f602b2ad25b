"""Settings given to commands from Python: mappings, single ones, files that come with the package."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

import swipegym
from swipegym import commands

DEFAULT = swipegym.default_simulator()
SHORT = {"env_steps": 512, "round_steps": 512, "learning_starts": 256, "num_envs": 64, "replay_capacity": 1024}


@pytest.fixture(autouse=True)
def no_file_is_left(tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    yield
    assert list(folder.iterdir()) == []


def settings_of(config=None, set=None, command="train dqn", **options):
    return commands.run(command, config=config, set=set, print_config=True, **options)


def test_a_mapping_is_what_a_file_says(tmp_path):
    file = tmp_path / "dqn.json"
    file.write_text(json.dumps(SHORT))
    by_file, by_mapping = tmp_path / "file.h5", tmp_path / "mapping.h5"
    asked = {"simulator": DEFAULT, "quiet": True}
    commands.train_dqn(config=file, out=by_file, **asked)
    figures = commands.train_dqn(config=SHORT, out=by_mapping, **asked)
    assert figures["config"]["env_steps"] == 512 and figures["config"]["num_envs"] == 64
    assert by_file.read_bytes() == by_mapping.read_bytes()
    typed = tmp_path / "typed.h5"
    commands.train_dqn(set=SHORT, out=typed, **asked)
    assert typed.read_bytes() == by_file.read_bytes()


def test_a_finished_training_says_so_and_goes_on(tmp_path):
    asked = {"simulator": DEFAULT, "config": SHORT, "out": tmp_path / "dqn.h5", "quiet": True}
    commands.train_dqn(keep_checkpoint=True, **asked)
    (tmp_path / "figures.json").write_text('{"of": "another command"}')  # stays, and is not what this one found
    done = commands.train_dqn(resume=True, json=tmp_path / "figures.json", **asked)
    assert "dqn.h5 is finished: 512 steps" in str(done) and dict(done) == {}
    assert commands.train_dqn(more_steps=512, **asked)["config"]["env_steps"] == 1024


def test_settings_are_printed_whole_and_given_again():
    made = settings_of({"rewards": "drawn"}, {"network.width": np.int64(32), "world.reward.like": 2})
    assert made["network"]["width"] == 32 and made["world"]["reward"] == {"watch_s": 1.0, "like": 2.0}
    assert made["discount"] == settings_of(set=["rewards=drawn"])["discount"] != settings_of()["discount"]
    assert settings_of(dict(made)) == made and json.loads(str(made)) == made
    assert settings_of(set="epochs=2", command="supervised mf")["epochs"] == 2
    assert settings_of({}) == settings_of(None)


@pytest.mark.parametrize(
    "config, words",
    [
        ({"network": {"width": 0}}, "config: 'network.width' is 0, expected an integer"),
        ({"netwrk": {}}, "unknown key 'netwrk', did you mean 'network'"),
        ({"world": {"reward": {"watch_s": float("nan")}}}, r"config\['world'\]\['reward'\]\['watch_s'\] is nan"),
        ({"env_steps": 10**30}, r"config\['env_steps'\]: a whole number beyond 64 bits"),
        ({"env_steps": 2**64 - 1}, "config: 'env_steps' is 18446744073709551615"),
        ({"env_steps": None}, r"config\['env_steps'\] is None"),
        ({"env_steps": {1, 2}}, r"config\['env_steps'\] is {1, 2}"),
        ({"env_steps": lambda: 1}, r"config\['env_steps'\] is <function"),
        ({3: 1}, "a key of config is 3, expected a text"),
        ({"exploration": "\ud800"}, "text that UTF-8 can hold"),
        ({"world": {"source": DEFAULT}}, "no policy|policy"),
        ("none.json", "none.json: no such file"),
    ],
)
def test_what_is_wrong_with_a_mapping_is_said(config, words, tmp_path):
    with pytest.raises(swipegym.InputError, match=words):
        commands.train_dqn(simulator=DEFAULT, config=config, out=tmp_path / "x.h5")
    assert not (tmp_path / "x.h5").exists()


def test_what_is_wrong_with_single_settings_is_said():
    nested = []
    for _ in range(100):
        nested = [nested]
    for wrong, words in [
        ({"network.width": 0}, "--set network.width=0: 'network.width' is 0"),
        ({"width": 1}, "did you mean 'network.width'"),
        ({"env_steps": nested}, "nested deeper"),
        (["env_steps=1", "env_steps=2"], "is set already"),
        (5, "set is 5, expected a mapping"),
        ([5], r"set is \[5\], expected a mapping"),
    ]:
        with pytest.raises(swipegym.InputError, match=words):
            settings_of(set=wrong)
    with pytest.raises(swipegym.InputError, match="'swipegym compare' has no settings"):
        commands.compare(simulator=DEFAULT, policies="random", config={})
    with pytest.raises(swipegym.InputError, match="'swipegym compare' has no settings"):
        commands.compare(simulator=DEFAULT, policies="random", set={"a": 1})


def test_a_season_s_settings_may_be_a_mapping(tmp_path):
    options = {"days": 2, "users": 20, "burn_in": 0, "policies": ["uniform"], "seeds": 1, "quiet": True}
    by_settings = swipegym.platform.run(settings={"world": {"life_days": 7}}, **options)
    by_config = swipegym.platform.run(config={"world": {"life_days": 7}}, **options)
    assert by_settings["config"]["world"]["life_days"] == 7 and dict(by_settings) == dict(by_config)


def test_the_package_brings_settings():
    names = swipegym.config_names()
    assert {"dqn", "fit", "results/ceiling_dqn", "search/mf", "staged/popular"} <= set(names)
    assert all(swipegym.config_file(name).is_file() for name in names)
    assert settings_of(swipegym.config_file("dqn")) == settings_of()
    assert swipegym.config_file("dqn.json") == swipegym.config_file("dqn")
    for wrong, words in [
        ("dnq", "did you mean 'dqn'"),
        ("../default", "no settings are called"),
        ("", "expected a path or a name"),
        (3, "expected a path or a name"),
    ]:
        with pytest.raises(swipegym.InputError, match=words):
            swipegym.config_file(wrong)


def test_python_m_swipegym_is_the_program():
    package = pathlib.Path(swipegym.__file__).parents[1]
    asked = [sys.executable, "-m", "swipegym"]
    told = subprocess.run([*asked, "help", "compare"], cwd=package, capture_output=True, text=True)
    assert told.returncode == 0 and told.stdout == commands.compare.__doc__
    wrong = subprocess.run([*asked, "compere"], cwd=package, capture_output=True, text=True)
    assert wrong.returncode == 2 and "did you mean 'compare'" in wrong.stderr


@pytest.mark.parametrize("name", ["none", "none.parquet", "none.h5", "none.inter"])
def test_a_log_that_is_not_there_is_no_such_file(name, tmp_path):
    with pytest.raises(swipegym.InputError, match="no such file"):
        swipegym.read_log(tmp_path / name)
