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


def some_model(feedback):
    """Rewards that a model of the features might foresee, far from exact."""
    return 5 + 3 * feedback["candidate_features"][:, :, :3].sum(axis=2).astype(np.float64)


def test_estimates_are_those_of_the_program_with_its_intervals(log, files):
    found = commands.evaluate(policy="longest", epsilon=0.2, simulator=DEFAULT, from_=20000101, quiet=True, **files)
    feedback = open_bandit.bandit_feedback(log)
    chances = open_bandit.action_dist(log, "longest", epsilon=0.2)
    here = open_bandit.estimates(feedback, chances)
    assert list(here) == ["ips", "ips_slope", "snips", "ncis", "sub_gaussian"]
    for name, line in here.items():
        expected = found["estimates"][name]
        for figure in ("mean", "low", "high", "effective_rows", "max_weight"):
            assert line[figure] == pytest.approx(expected[figure], rel=1e-9), (name, figure)
    other = open_bandit.estimates(feedback, chances, seed=2)
    assert other["ips"]["mean"] == here["ips"]["mean"] and other["ips"]["low"] != here["ips"]["low"]


def test_estimates_with_a_model_are_their_formulas(log):
    feedback = open_bandit.bandit_feedback(log)
    chances = open_bandit.action_dist(log, "longest", epsilon=0.2)[:, :, 0]
    model = some_model(feedback)
    found = open_bandit.estimates(feedback, chances, model, resamples=2)
    rows = np.arange(log.rows)
    weight = chances[rows, feedback["action"]] / feedback["pscore"]
    direct = (chances * model).sum(axis=1)
    correction = weight * (feedback["reward"] - model[rows, feedback["action"]])
    assert found["dm"]["mean"] == pytest.approx(direct.mean(), rel=1e-9)
    assert found["dr"]["mean"] == pytest.approx((direct + correction).mean(), rel=1e-9)
    assert found["sndr"]["mean"] == pytest.approx(direct.mean() + correction.sum() / weight.sum(), rel=1e-9)


def test_obp_s_doubly_robust_estimators_agree_given_the_same_model(log):
    ope = pytest.importorskip("obp.ope", reason="obp is not installed")
    feedback = open_bandit.bandit_feedback(log)
    chances = open_bandit.action_dist(log, "longest", epsilon=0.2)
    model = some_model(feedback)
    found = open_bandit.estimates(feedback, chances, model, resamples=2)
    estimators = {
        "dm": ope.DirectMethod(),
        "dr": ope.DoublyRobust(),
        "sndr": ope.SelfNormalizedDoublyRobust(),
        "switch_dr": ope.SwitchDoublyRobust(lambda_=found["switch_dr"]["lambda"]),
        "dros": ope.DoublyRobustWithShrinkage(lambda_=found["dros"]["lambda"]),
        "dr_pessimistic": ope.DoublyRobust(lambda_=found["dr_pessimistic"]["lambda"]),
        "sub_gaussian_dr": ope.SubGaussianDoublyRobust(lambda_=found["sub_gaussian_dr"]["lambda"]),
    }
    for name, estimator in estimators.items():
        value = estimator.estimate_policy_value(
            reward=feedback["reward"],
            action=feedback["action"],
            pscore=feedback["pscore"],
            position=np.zeros(log.rows, int),
            action_dist=chances,
            estimated_rewards_by_reg_model=model[:, :, None],
        )
        assert value == pytest.approx(found[name]["mean"], rel=1e-6), name


def test_estimates_of_what_is_no_policy_are_refused(log):
    feedback = open_bandit.bandit_feedback(log)
    chances = open_bandit.action_dist(log, "longest", epsilon=0.2)
    with pytest.raises(swipegym.InputError, match="action_dist: got shape .*, expected"):
        open_bandit.estimates(feedback, chances[:, :5])
    with pytest.raises(swipegym.InputError, match="evaluation of row 0 sums to 2"):
        open_bandit.estimates(feedback, 2 * chances)
    with pytest.raises(swipegym.InputError, match="estimated_rewards: holds nan"):
        open_bandit.estimates(feedback, chances, np.nan * chances)
    lonely = open_bandit.bandit_feedback(log.take(log["user"] == log["user"][0]))
    with pytest.raises(swipegym.InputError, match="one user"):
        open_bandit.estimates(lonely, np.full((lonely["n_rounds"], 10), 0.1))


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


def test_estimates_of_arrays_that_are_none_are_refused_by_name(log):
    feedback = open_bandit.bandit_feedback(log)
    chances = open_bandit.action_dist(log, "popularity", epsilon=0.2)
    for name in ("reward", "pscore", "action"):
        for wrong in (
            feedback[name][:, None],
            feedback[name][:-1],
            feedback[name].astype(str),
            feedback[name] + np.nan,
            None,
        ):
            with pytest.raises(swipegym.InputError, match=rf"feedback\['{name}'\]"):
                open_bandit.estimates({**feedback, name: wrong}, chances)
        with pytest.raises(swipegym.InputError, match=f"no '{name}'"):
            open_bandit.estimates({key: value for key, value in feedback.items() if key != name}, chances)
    for wrong in (chances[:-1], chances[:, :-1], chances[:, 0], chances + np.nan, chances.astype(str), None):
        with pytest.raises(swipegym.InputError, match="action_dist"):
            open_bandit.estimates(feedback, wrong)
        if wrong is not None:
            with pytest.raises(swipegym.InputError, match="estimated_rewards"):
                open_bandit.estimates(feedback, chances, wrong)
    for name in ("seed", "resamples", "threads"):
        for wrong in (-1, 1.5, None, np.nan, "3"):
            with pytest.raises(swipegym.InputError, match=f"^{name} is "):
                open_bandit.estimates(feedback, chances, **{name: wrong})
    with pytest.raises(swipegym.InputError, match="feedback is"):
        open_bandit.estimates(None, chances)


def test_damaged_feedback_files_are_refused(log, tmp_path):
    path = tmp_path / "feedback.npz"
    open_bandit.save(open_bandit.bandit_feedback(log.take(slice(0, 20))), path)
    whole = path.read_bytes()
    for size in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(swipegym.InputError, match="feedback.npz"):
            open_bandit.load(path)
    np.save(tmp_path / "feedback.npz.npy", np.zeros(3))
    (tmp_path / "feedback.npz.npy").replace(path)
    with pytest.raises(swipegym.InputError, match="feedback.npz"):
        open_bandit.load(path)
