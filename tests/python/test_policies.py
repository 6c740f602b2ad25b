"""What policies, evaluations and commands promise."""

import os
import signal
import threading
import time

import gymnasium as gym
import numpy as np
import pytest

import swipegym
from swipegym import commands

DEFAULT = os.path.join(swipegym.__path__[0], "default.h5")


@pytest.mark.parametrize("name", ["popularity", "longest", "item-mean"])
def test_a_policy_plays_the_same_sessions_natively_and_as_a_function(name):
    policy = swipegym.Policy(name)
    native = swipegym.evaluate(name, sessions=300, seed=4)
    looped = swipegym.evaluate(lambda observation, info: policy(observation, info), sessions=300, seed=4)
    for column in native.columns:
        assert np.allclose(native.columns[column], looped.columns[column], rtol=1e-5, atol=1e-5), column


@pytest.mark.parametrize("scored", [False, True])
def test_a_function_generates_the_log_of_the_policy_it_asks(scored):
    longest = swipegym.Policy("longest")
    ask = longest.score if scored else lambda observation, info: longest(observation, info)
    how = {"sessions": 60, "epsilon": 0.2, "keep_candidates": True, "source": "popularity"}
    assert swipegym.generate(ask, **how) == swipegym.generate("longest", **how)
    policy = swipegym.Policy(ask)
    assert policy.name == ("score" if scored else "function")
    native = swipegym.evaluate(policy, sessions=100)
    assert np.array_equal(native.reward, swipegym.evaluate("longest", sessions=100).reward)


@pytest.mark.parametrize(
    "answer, message",
    [
        (lambda rows: np.zeros(rows - 1, int), "slots of the function: got shape"),
        (lambda rows: np.full(rows, 10), "a slot of the function is 10, expected whole numbers from 0 to 9"),
        (lambda rows: np.zeros(rows), "slots of the function: got dtype float64"),
        (lambda rows: np.zeros((rows, 9)), "scores of the function: got shape"),
        (lambda rows: np.full((rows, 10), np.nan), "scores of the function: holds nan"),
    ],
)
def test_what_a_function_must_not_answer_is_refused(answer, message):
    with pytest.raises(swipegym.InputError, match=message):
        swipegym.generate(lambda observation, info: answer(len(info["user"])), sessions=20)


def test_what_a_function_raises_comes_back():
    def broken(observation, info):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        swipegym.generate(broken, sessions=20)
    with pytest.raises(swipegym.InputError, match="masked"):
        swipegym.generate(lambda o, i: np.zeros(len(i["user"]), int), sessions=200, source="top")
    with pytest.raises(swipegym.InputError, match="'full' offers none"):
        swipegym.evaluate(swipegym.Policy(lambda o, i: i["user"]), sessions=4, source="full")
    with pytest.raises(KeyError, match="mine"):
        commands.compare(simulator=DEFAULT, policies=[swipegym.Policy(broken)], sessions=10, seeds=1)


def test_evaluations_are_paired_and_tell_a_good_policy_from_a_random_one():
    oracle, random = (swipegym.evaluate(name, sessions=1000) for name in ("oracle", "random"))
    low, high = oracle.interval(versus=random)
    assert 0 < low < high
    assert high - low < np.subtract(*oracle.interval()[::-1]) + np.subtract(*random.interval()[::-1])
    assert np.array_equal(random.reward, swipegym.evaluate("random", sessions=1000, threads=1).reward)
    assert not np.array_equal(random.reward, swipegym.evaluate("random", sessions=1000, seed=2).reward)
    with pytest.raises(swipegym.InputError, match="sessions is 1000 here and 10 there"):
        oracle.interval(versus=swipegym.evaluate("random", sessions=10))


def test_a_lone_session_and_a_batch_are_scored_alike():
    policy = swipegym.Policy("item-mean")
    envs = gym.make_vec("swipegym/ShortVideo-v0", num_envs=3)
    env = gym.make("swipegym/ShortVideo-v0")
    scores = policy.score(*envs.reset(seed=5))
    assert scores.shape == (3, 10) and scores.dtype == np.float32
    assert np.array_equal(policy.score(*env.reset(seed=6)), scores[1])
    assert policy(*env.reset(seed=6)) == scores[1].argmax()


def test_a_policy_never_takes_a_masked_slot():
    envs = gym.make_vec("swipegym/ShortVideo-v0", num_envs=64, source="top", candidates=20)
    observation, info = envs.reset(seed=1)
    for _ in range(15):
        actions = swipegym.Policy("random")(observation, info, rng=np.random.default_rng(0))
        observation, _, _, _, info = envs.step(actions)
    assert (info["action_mask"] == 0).any()


def test_what_cannot_be_scored_is_refused_by_name():
    policy = swipegym.Policy("popularity")
    observation, info = gym.make("swipegym/ShortVideo-v0").reset(seed=1)
    with pytest.raises(swipegym.InputError, match="'context'"):
        policy.score({**observation, "context": observation["context"][:3]}, info)
    with pytest.raises(swipegym.InputError, match="'history_ratio'"):
        policy.score({**observation, "history_ratio": observation["history_ratio"].astype(np.float64)}, info)
    with pytest.raises(swipegym.InputError, match="environment itself"):
        swipegym.Policy("oracle").score(observation, info)
    with pytest.raises(swipegym.InputError, match="nobody"):
        swipegym.Policy("nobody")


def test_a_trained_policy_file_acts_in_python(tmp_path):
    out = tmp_path / "dqn.h5"
    settings = tmp_path / "dqn.json"
    settings.write_text('{"env_steps": 4000, "learning_starts": 1000, "num_envs": 64, "round_steps": 4000}')
    commands.train_dqn(simulator=DEFAULT, config=settings, out=out, quiet=True)
    policy = swipegym.Policy(out)
    assert policy.name == "dqn" and policy.temperature == 0.0
    observation, info = gym.make_vec("swipegym/ShortVideo-v0", num_envs=5).reset(seed=1)
    assert np.array_equal(policy(observation, info), policy.score(observation, info).argmax(axis=1))


def test_a_command_gives_the_program_s_figures_and_words():
    table = commands.compare(simulator=DEFAULT, policies=["random", "longest"], sessions=50, seeds=1)
    assert {policy["name"] for policy in table["policies"]} == {"random", "longest"}
    assert "return a session" in str(table)
    with pytest.raises(swipegym.InputError, match="nope.h5: no such file"):
        commands.compare(simulator="nope.h5", policies="random")
    with pytest.raises(swipegym.InputError, match="did you mean '--simulator'"):
        commands.compare(simulater=DEFAULT)
    with pytest.raises(AttributeError, match="data_synth"):
        commands.dance  # noqa: B018
    assert commands.fit.__doc__.startswith("usage: swipegym fit")
    assert set(dir(commands)) >= {"fit", "fidelity", "compare", "generate", "data_synth", "train_dqn"}


def test_ctrl_c_ends_a_command_and_leaves_nothing_behind(tmp_path):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background begins by ignoring it
    threading.Timer(0.7, os.kill, (os.getpid(), signal.SIGINT)).start()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        commands.data_synth(preset="pure", out=tmp_path / "synthetic", quiet=True)
    assert time.monotonic() - begun < 30
    assert list(tmp_path.iterdir()) == []


def test_a_log_in_parts_is_the_log_made_in_one_go():
    parts = [swipegym.logs.generate_part(part, 40) for part in range(2)]
    whole = swipegym.generate(sessions=sum(int(part["session"][-1]) + 1 for part in parts))
    assert whole.rows == sum(part.rows for part in parts)
    for name in whole:
        if name != "session":
            assert np.array_equal(np.concatenate([part[name] for part in parts]), whole[name]), name


def test_a_generated_row_says_what_it_was_chosen_from():
    log = swipegym.generate("longest", sessions=200, epsilon=0.5, keep_candidates=True)
    shown, offered = log["video"], log["candidate"]
    assert (offered == shown[:, None]).any(axis=1).all()
    durations = swipegym.default_simulator().duration_ms[offered]
    best = durations.max(axis=1) == log["duration_ms"]
    assert np.allclose(log["propensity"], np.where(best, 0.55, 0.05)) and 0.4 < best.mean() < 0.7
    assert set(np.unique(log["is_like"])) <= {0, 1} and not log["is_rand"].any()
