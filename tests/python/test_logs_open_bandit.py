"""Logs as the Open Bandit Pipeline's feedback. What needs obp itself is skipped where it is not installed."""

import os

import numpy as np
import pytest

import swipegym
from swipegym import commands
from swipegym.formats import open_bandit

DEFAULT = os.path.join(swipegym.__path__[0], "default.h5")


@pytest.fixture(scope="module")
def log():
    return swipegym.generate("item-mean", sessions=400, epsilon=0.5, keep_candidates=True)


@pytest.fixture(scope="module")
def files(log, tmp_path_factory):
    folder = tmp_path_factory.mktemp("log")
    log.save(folder / "generated", candidates=folder / "sets.h5")
    return {"data": folder / "generated", "logged_candidates": folder / "sets.h5"}


@pytest.fixture(scope="module")
def dqn(tmp_path_factory):
    """A policy that looks at history and context."""
    folder = tmp_path_factory.mktemp("dqn")
    settings = folder / "dqn.json"
    settings.write_text('{"env_steps": 4000, "learning_starts": 1000, "num_envs": 64, "round_steps": 4000}')
    commands.train_dqn(simulator=DEFAULT, config=settings, out=folder / "dqn.h5", quiet=True)
    return folder / "dqn.h5"


def program(files, policy, **options):
    found = commands.evaluate(
        policy=policy, simulator=DEFAULT, from_=20000101, resamples=2, quiet=True, **files, **options
    )
    return {name: line["mean"] for name, line in found["estimates"].items()}


def ways_to_choose(dqn):
    yield "popularity", {"epsilon": 0.2}, {"watch_s": 1.0}
    yield "item-mean", {}, {"watch_s": 0.0, "is_like": 10.0, "watch_ratio": 1.0}
    yield dqn, {"epsilon": 0.3}, {"watch_s": 1.0}
    yield dqn, {"temperature": 2.0}, {"watch_s": 1.0}
    yield "random", {}, {"watch_s": 1.0}


def test_a_feedback_is_what_its_rows_say_and_comes_back(log, tmp_path):
    feedback = open_bandit.bandit_feedback(log)
    rows = np.arange(log.rows)
    assert feedback["n_rounds"] == log.rows and feedback["n_actions"] == 10
    assert np.array_equal(log["candidate"][rows, feedback["action"]], log["video"])
    assert np.array_equal(feedback["pscore"], log["propensity"].astype(float))
    assert np.array_equal(feedback["reward"], log["play_time_ms"] / 1000.0)
    assert feedback["context"].shape == (log.rows, 16 + 8 + 80)
    open_bandit.save(feedback, tmp_path / "feedback.npz")
    again = open_bandit.load(tmp_path / "feedback.npz")
    assert again.keys() == feedback.keys() and again["position"] is None
    for name in again.keys() - {"log", "position"}:
        assert np.array_equal(again[name], feedback[name]), name
    assert open_bandit.to_log(again) == log


def test_weighted_means_are_those_of_the_program(log, files, dqn):
    for policy, how, reward in ways_to_choose(dqn):
        found = program(files, policy, reward=reward, **how)
        feedback = open_bandit.bandit_feedback(log, reward=reward)
        chance = open_bandit.action_dist(log, policy, **how)[np.arange(log.rows), feedback["action"], 0]
        weight = chance / feedback["pscore"]
        assert found["logged"] == pytest.approx(feedback["reward"].mean(), rel=1e-6)
        assert found["ips"] == pytest.approx((weight * feedback["reward"]).mean(), rel=1e-6), policy
        assert found["snips"] == pytest.approx((weight * feedback["reward"]).sum() / weight.sum(), rel=1e-6), policy


def test_obp_s_estimators_agree_with_the_program(log, files, dqn):
    ope = pytest.importorskip("obp.ope", reason="obp is not installed")
    estimators = [ope.InverseProbabilityWeighting(), ope.SelfNormalizedInverseProbabilityWeighting()]
    for policy, how, reward in ways_to_choose(dqn):
        feedback = open_bandit.bandit_feedback(log, reward=reward)
        chance = open_bandit.action_dist(log, policy, **how)
        found = ope.OffPolicyEvaluation(bandit_feedback=feedback, ope_estimators=estimators)
        values = found.estimate_policy_values(action_dist=chance)
        expected = program(files, policy, reward=reward, **how)
        assert values["ipw"] == pytest.approx(expected["ips"], rel=1e-6)
        assert values["snipw"] == pytest.approx(expected["snips"], rel=1e-6)


def test_a_feedback_needs_chances_candidates_and_terms_of_a_row(log, tmp_path):
    unknown = swipegym.Log(dict(log, propensity=np.where(np.arange(log.rows) == 4, np.nan, log["propensity"])))
    with pytest.raises(swipegym.InputError, match="row 4 has no propensity"):
        open_bandit.bandit_feedback(unknown)
    with pytest.raises(swipegym.InputError, match="candidate"):
        open_bandit.bandit_feedback(swipegym.generate(sessions=5))
    with pytest.raises(swipegym.InputError, match="'gap_h'"):
        open_bandit.bandit_feedback(log, reward={"gap_h": 1.0})
    with pytest.raises(swipegym.InputError, match="'candidate'"):
        swipegym.generate(sessions=5).observations()
    path = tmp_path / "feedback.npz"
    with pytest.raises(swipegym.InputError, match="feedback.npz"):
        open_bandit.load(path)
    np.savez(path, schema_version=2, action=np.zeros(3))
    with pytest.raises(swipegym.InputError, match="feedback.npz: its schema version is 2"):
        open_bandit.load(path)
