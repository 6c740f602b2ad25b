"""Users of one's own, answered by Python."""

import copy
import pickle

import gymnasium as gym
import numpy as np
import pytest

import swipegym

ID = "swipegym/ShortVideo-v0"


class Patient:
    """Watches half of what is short, and leaves after `limit` videos; counts them in its state."""

    state_size = 2
    draws = 1
    return_gap_h = 7.0

    def __init__(self, limit=4):
        self.limit = limit

    def begin(self, user, time_ms, state):
        assert state.shape == (2,) and not state.any()
        state[1] = user

    def respond(self, shown, state, uniform):
        assert len(shown["user"]) == len(state) == len(uniform)
        assert np.array_equal(state[:, 1], shown["user"])
        state[:, 0] += 1
        ratio = np.where(shown["duration_ms"] < 30_000, 0.5, 0.1) * (1 + uniform[:, 0])
        return {"watch_ratio": ratio, "leaves": state[:, 0] >= self.limit, "signals": (uniform[:, 0] > 0.5) * 2}


class Coin:
    def respond(self, shown, state, uniform):
        return {"watch_ratio": uniform[:, 0], "leaves": uniform[:, 1] < 0.25}


def test_sessions_are_the_model_s():
    simulator = swipegym.simulator_of(Patient())
    env = gym.make(ID, simulator=simulator)
    for seed in range(3):
        env.reset(seed=seed)
        for step in range(4):
            observation, reward, terminated, _, info = env.step(step)
            seconds = simulator.duration_ms[info["video"]] / 1000
            base = 0.5 if seconds < 30 else 0.1
            assert base <= info["watch_ratio"] < 2 * base
            assert reward == pytest.approx(info["watch_ratio"] * seconds, abs=1e-3)
            assert (info["signals"] == 2) == (info["watch_ratio"] >= 1.5 * base)
            assert terminated == (step == 3)
        assert info["gap_h"] == 7.0


def test_rows_threads_and_chunks_change_nothing():
    def run(rows, threads):
        envs = gym.make_vec(ID, num_envs=rows, simulator=swipegym.simulator_of(Coin()), threads=threads)
        envs.reset(seed=3)
        return [envs.step(np.full(rows, step % 10))[1][:70] for step in range(12)]

    one, two, more = run(70, 1), run(70, 2), run(200, 2)
    assert all(np.array_equal(a, b) and np.array_equal(a, c) for a, b, c in zip(one, two, more))
    assert np.unique(np.concatenate(one)).size > 300


def test_expectations_are_the_model_s_or_the_mean_of_its_answers():
    class Told(Coin):
        def expect(self, shown, state):
            return {"watch_ratio": np.full(len(state), 0.5), "leaves": np.full(len(state), 0.25)}

    for model, tolerance in ((Told(), 1e-6), (Coin(), 0.08)):
        simulator = swipegym.simulator_of(model)
        envs = gym.make_vec(ID, num_envs=5, simulator=simulator)
        observation, _ = envs.reset(seed=1)
        half = simulator.duration_ms[observation["candidate"]] / 2000
        assert np.allclose(envs.expected_rewards(), half, rtol=2 * tolerance)
    oracle, longest = (swipegym.evaluate(name, simulator=simulator, sessions=400) for name in ("oracle", "longest"))
    assert np.array_equal(oracle.reward, longest.reward)  # all ratios are equal


def test_a_world_of_a_model_is_copied_pickled_and_told_apart():
    simulator = swipegym.simulator_of(Patient(3))
    again = pickle.loads(pickle.dumps(simulator))
    assert again.fingerprint == simulator.fingerprint != swipegym.simulator_of(Coin()).fingerprint
    env = gym.make(ID, simulator=simulator)
    env.reset(seed=1)
    env.step(1)
    for other in (copy.deepcopy(env), pickle.loads(pickle.dumps(env))):
        twin = copy.deepcopy(env)
        for _ in range(2):
            assert other.step(2)[1:4] == twin.step(2)[1:4]
        assert not other.unwrapped._running
    with pytest.raises(swipegym.InputError, match="without a file"):
        swipegym.commands.session(simulator=simulator)


def answering(**answer):
    class Model:
        state_size = 1

        def respond(self, shown, state, uniform):
            if "state" in answer:
                state[:] = answer["state"]
            said = {"watch_ratio": np.ones(len(state)), "leaves": np.zeros(len(state), bool), **answer}
            return {name: value(len(state)) if callable(value) else value for name, value in said.items() if value is not None}

    return Model()


@pytest.mark.parametrize(
    "answer, message",
    [
        ({"watch_ratio": None}, "has no 'watch_ratio'"),
        ({"leaves": None}, "has no 'leaves'"),
        ({"watch_ratio": lambda n: np.ones(n + 1)}, "watch_ratio: got shape"),
        ({"watch_ratio": lambda n: np.full(n, np.nan)}, "watch_ratio: holds nan"),
        ({"watch_ratio": lambda n: np.full(n, -0.1)}, "watch_ratio of the user model is -0.1, expected a number from 0"),
        ({"watch_ratio": lambda n: np.full(n, 101)}, "watch_ratio of the user model is 101"),
        ({"leaves": lambda n: np.full(n, 2)}, "leaves of the user model is 2"),
        ({"signals": lambda n: np.full(n, 256)}, "signals of the user model is 256"),
        ({"watch_ratio": lambda n: ["much"] * n}, "watch_ratio: got dtype"),
        ({"state": np.nan}, "state holds nan"),
    ],
)
def test_answers_that_are_none_are_refused(answer, message):
    envs = gym.make_vec(ID, num_envs=3, simulator=swipegym.simulator_of(answering(**answer)))
    envs.reset(seed=1)
    with pytest.raises(swipegym.InputError, match=message):
        envs.step([0, 0, 0])


def test_models_that_are_none_are_refused_and_what_they_raise_comes_back():
    class Sized(Coin):
        state_size = -1

    for model, message in ((object(), "method respond"), (Sized(), "state_size is -1")):
        with pytest.raises(swipegym.InputError, match=message):
            swipegym.simulator_of(model)

    class Broken(Coin):
        def respond(self, shown, state, uniform):
            raise ZeroDivisionError("mine")

    envs = gym.make_vec(ID, num_envs=200, simulator=swipegym.simulator_of(Broken()))
    envs.reset(seed=1)
    with pytest.raises(ZeroDivisionError, match="mine"):
        envs.step(np.zeros(200, int))
