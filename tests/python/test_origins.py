"""Things of different origin are not put together: rows of another simulator, sessions that are not the same ones."""

import dataclasses
import os
import shutil

import gymnasium as gym
import numpy as np
import pytest

import swipegym
from swipegym import commands
from swipegym.formats import open_bandit
from swipegym.log_schema import require_rows_of

DEFAULT = os.path.join(swipegym.__path__[0], "default.h5")


@pytest.fixture(scope="module")
def log():
    return swipegym.generate("item-mean", sessions=60, epsilon=0.5, keep_candidates=True)


@pytest.fixture(scope="module")
def others():
    """Simulators that have every index of the default one: with other ids, and with more users or videos."""
    return [swipegym.Simulator.constant(videos=videos) for videos in (300, 500)]


def renumbered(log, index, name):
    """The log as one of data whose ids are others, in which every index is in bounds."""
    return swipegym.Log({**log, name: log[name] + 1})


@pytest.mark.parametrize(("index", "name"), [("user", "user_id"), ("video", "video_id")])
def test_rows_of_other_ids_are_refused_by_whatever_looks_indices_up(log, index, name, tmp_path):
    foreign = renumbered(log, index, name)
    simulator = swipegym.default_simulator()
    calls = [
        lambda: require_rows_of(foreign, simulator),
        lambda: foreign.observations(),
        lambda: open_bandit.bandit_feedback(foreign),
        lambda: open_bandit.action_dist(foreign, "popularity"),
        lambda: open_bandit.logged_reward(foreign, simulator),
        *[lambda path=tmp_path / path: foreign.save(path) for path in ("folder", "log.h5", "log.inter")],
    ]
    for call in calls:
        with pytest.raises(swipegym.InputError, match=f"the simulator has other {index}s than the log"):
            call()
    assert not list(tmp_path.iterdir())


def test_another_simulator_is_refused_for_a_log_though_every_index_is_in_bounds(log, others):
    few = swipegym.Log({**log, "user": log["user"] % 20})
    for other in others:
        for call in (
            lambda: few.observations(other),  # noqa: B023
            lambda: open_bandit.bandit_feedback(few, simulator=other),  # noqa: B023
            lambda: open_bandit.action_dist(few, "popularity", simulator=other),  # noqa: B023
        ):
            with pytest.raises(swipegym.InputError, match="the simulator has other users than the log"):
                call()


def test_candidates_that_the_simulator_does_not_have_are_refused(log):
    wide = log["candidate"].copy()
    wide[3, np.argmax(wide[3] != log["video"][3])] = 300
    with pytest.raises(swipegym.InputError, match="'candidate' holds 300, the simulator has 300 videos"):
        swipegym.Log({**log, "candidate": wide}).observations()


def test_a_policy_of_another_simulator_is_refused(log, others):
    foreign = swipegym.Policy("popularity", others[0])
    for call in (
        lambda: swipegym.evaluate(foreign, sessions=10),
        lambda: swipegym.generate(foreign, sessions=10),
        lambda: open_bandit.action_dist(log, foreign),
    ):
        with pytest.raises(swipegym.InputError, match="the simulator has other users than Policy"):
            call()
    observation, info = gym.make_vec("swipegym/ShortVideo-v0", num_envs=30).reset(seed=1)
    with pytest.raises(swipegym.InputError, match="holds [0-9]+, the policy's simulator knows 0 to 19"):
        foreign.score(observation, info)
    same = swipegym.Policy("popularity", swipegym.load_simulator(DEFAULT))  # loaded twice, with the same ids
    assert swipegym.evaluate(same, sessions=10).interval(versus=swipegym.evaluate("popularity", sessions=10)) == (0, 0)


WORLD = {"sessions": 40, "seed": 1, "threads": 1}
CHANGES = {
    "seed": {"seed": 2},
    "first_session": {"first_session": 256},
    "sessions": {"sessions": 41},
    "candidates": {"candidates": 9},
    "source": {"source": "popularity"},
    "history_length": {"history_length": 20},
    "max_steps": {"max_steps": 50},
    "reward": {"reward": {"watch_s": 1.0, "is_like": 3.0}},
}


@pytest.mark.parametrize("what", CHANGES)
def test_evaluations_of_other_sessions_are_not_paired_and_it_is_said_why(what):
    mine, theirs = swipegym.evaluate("random", **WORLD), swipegym.evaluate("random", **{**WORLD, **CHANGES[what]})
    for first, second in ((mine, theirs), (theirs, mine)):
        with pytest.raises(swipegym.InputError, match=f"versus: {what} is .* here and .* there"):
            first.interval(versus=second)


def test_evaluations_of_other_simulators_are_not_paired(tmp_path):
    commands.data_synth(preset="tiny", out=tmp_path / "data", quiet=True)
    (tmp_path / "short.json").write_text('{"max_updates": 3, "mean_session_videos": 40}')
    fits = []
    for seed in (1, 2):
        out = tmp_path / f"sim{len(fits)}.h5"
        commands.fit(data=tmp_path / "data", config=tmp_path / "short.json", seed=seed, out=out, quiet=True)
        fits.append(out)
    fits.append(shutil.copy(fits[0], tmp_path / "copy.h5"))
    worlds = [*fits, swipegym.load_simulator(fits[0], "log"), None]
    worlds += [swipegym.Simulator.constant(leave_after=n) for n in (20, 21)]
    prints = [swipegym.load_simulator(world).fingerprint for world in worlds]
    assert prints[0] == prints[2] and len(set(prints)) == len(worlds) - 1
    played = [swipegym.evaluate("random", sessions=10, simulator=world) for world in worlds]
    assert played[0].interval(versus=played[2]) == (0.0, 0.0)
    for other in (1, 3, 4, 5, 6):
        with pytest.raises(swipegym.InputError, match="versus: simulator is"):
            played[0].interval(versus=played[other])


def test_what_does_not_change_the_sessions_does_not_stand_in_the_way():
    policy = swipegym.Policy("item-mean")
    first = swipegym.evaluate("item-mean", **WORLD)
    for second in (
        swipegym.evaluate(policy, **{**WORLD, "threads": 2}),
        swipegym.evaluate(lambda observation, info: policy(observation, info), **WORLD),
        swipegym.evaluate(policy, **WORLD, reward={"is_like": 0.0, "watch_s": 1}, simulator=DEFAULT),
    ):
        assert np.allclose(first.interval(versus=second), 0.0, atol=1e-5)
    with pytest.raises(swipegym.InputError, match="versus"):
        first.interval(versus=first.reward)
    with pytest.raises(swipegym.InputError, match="versus: seed"):
        first.interval(versus=dataclasses.replace(first, played={}))
