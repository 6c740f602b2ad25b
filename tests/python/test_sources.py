"""What candidate sources of one's own promise."""

import copy
import pickle
import threading
from dataclasses import dataclass

import gymnasium as gym
import numpy as np
import pytest

import swipegym

ID = "swipegym/ShortVideo-v0"


@dataclass
class Window:
    """Twice as many videos as are wanted, from a drawn one on."""

    draws: int = 1
    first: int = 0

    def candidates(self, observation, info, count):
        begin = self.first + (info["uniform"][:, :1] * 250).astype(int)
        return (begin + np.arange(2 * count)) % 300


def by_user(observation, info, count):
    return info["user"][:, None] % 200 + np.arange(count)


def test_what_a_source_lists_is_offered_but_for_what_was_seen():
    envs = gym.make_vec(ID, num_envs=70, source=by_user, candidates=5)
    observation, info = envs.reset(seed=1)
    for _ in range(4):
        listed = info["user"][:, None] % 200 + np.arange(5)
        offered = observation["candidate"]
        assert all(len(set(row)) == 5 for row in offered)
        new = 0
        for row in range(70):
            left = [video for video in listed[row] if video in offered[row]]
            assert list(offered[row][: len(left)]) == left  # in their order, before random ones
            assert not set(offered[row]) & set(observation["history_video"][row])
            new += len(left)
        assert new > 70
        assert info["action_mask"].all()
        observation, _, _, _, info = envs.step(np.zeros(70, int))


def test_a_source_is_told_what_an_agent_sees():
    told = []

    def asked(observation, info, count):
        told.append((observation, info, count))
        return np.full((len(info["user"]), 1), -1)

    env = gym.make(ID, source=asked, candidates=4)
    after, first = env.reset(seed=3)
    after, _, _, _, info = env.step(2)
    observation, known, count = told[-1]
    assert count == 4 and set(observation) == set(after) - {"candidate", "candidate_features"}
    for name, array in observation.items():
        assert np.array_equal(array[0], after[name]), name
    assert known["user"] == [info["user"]] and known["step"] == [1] and "uniform" not in known
    assert known["seen"][0][known["seen"][0] >= 0][-1] == info["video"]


def test_rows_threads_chunks_and_copies_change_nothing():
    def run(rows, threads):
        envs = gym.make_vec(ID, num_envs=rows, source=Window(), threads=threads)
        seen = [envs.reset(seed=3)[0]["candidate"][:70]]
        return seen + [envs.step(np.full(rows, step % 10))[0]["candidate"][:70] for step in range(12)]

    one, two, more = run(70, 1), run(70, 2), run(200, 2)
    assert all(np.array_equal(a, b) and np.array_equal(a, c) for a, b, c in zip(one, two, more))
    env = gym.make(ID, source=Window())
    first, _ = env.reset(seed=4)
    assert np.array_equal(first["candidate"], one[0][1])
    env.step(0)
    for other in (copy.deepcopy(env), pickle.loads(pickle.dumps(env))):
        assert np.array_equal(other.step(1)[0]["candidate"], copy.deepcopy(env).step(1)[0]["candidate"])


def test_evaluations_and_logs_are_made_with_it():
    how = {"sessions": 80, "source": Window(), "candidates": 6}
    longest = swipegym.evaluate("longest", **how)
    policy = swipegym.Policy("longest")
    looped = swipegym.evaluate(lambda observation, info: policy(observation, info), **how)
    assert np.allclose(longest.reward, looped.reward, rtol=1e-5)
    assert longest.interval(versus=looped) == (0.0, 0.0)
    with pytest.raises(swipegym.InputError, match="source is"):
        longest.interval(versus=swipegym.evaluate("longest", **{**how, "source": Window(first=1)}))
    table = swipegym.commands.compare(
        simulator=swipegym.default_simulator(), policies="longest", sessions=80, seeds=1, source=Window(), candidates=6
    )
    assert table["policies"][0]["metrics"]["reward"]["mean"] == pytest.approx(longest.mean, rel=1e-5)
    assert "6 Window candidates" in str(table)
    log = swipegym.generate("longest", keep_candidates=True, **how)
    assert log == swipegym.generate("longest", keep_candidates=True, threads=1, **how)
    assert not (log["is_rand"]).any() and (np.diff(np.sort(log["candidate"], axis=1)) > 0).all()


@pytest.mark.parametrize(
    "answer, message",
    [
        (lambda rows: np.zeros(rows, int), "candidates of the source: got shape"),
        (lambda rows: np.zeros((rows + 1, 3), int), "candidates of the source: got shape"),
        (lambda rows: [[1], [1, 2], [3]], "candidates of the source: no array"),
        (lambda rows: None, "candidates of the source: got shape"),
        (lambda rows: np.full((rows, 3), np.nan), "candidates of the source: got dtype float64"),
        (lambda rows: np.array([["a"]] * rows), "candidates of the source: got dtype"),
        (lambda rows: np.full((rows, 1), 300), "a video of candidates of the source is 300, expected 0 to 299"),
        (lambda rows: np.full((rows, 1), -2), "a video of candidates of the source is -2"),
        (lambda rows: np.full((rows, 1), 2**40), "is 1099511627776"),
        (lambda rows: np.full((rows, 2), 7), "list video 7 twice in a row"),
    ],
)
def test_lists_that_are_none_are_refused(answer, message):
    envs = gym.make_vec(ID, num_envs=3, source=lambda observation, info, count: answer(len(info["user"])))
    with pytest.raises(swipegym.InputError, match=message):
        envs.reset(seed=1)


def test_what_a_source_raises_comes_back_and_none_steps_the_env_that_asks_it():
    def broken(observation, info, count):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        gym.make_vec(ID, num_envs=200, source=broken).reset(seed=1)
    with pytest.raises(KeyError, match="mine"):
        swipegym.evaluate("random", sessions=10, source=broken)

    def nested(observation, info, count):
        env.unwrapped.reset()

    env = gym.make(ID, source=nested)
    with pytest.raises(RuntimeError, match="give each an environment of its own"):
        env.reset(seed=1)
    with pytest.raises(swipegym.InputError, match="draws is -1"):
        gym.make(ID, source=Window(draws=-1))
    with pytest.raises(swipegym.InputError, match="301 candidates asked of a catalogue of 300"):
        gym.make(ID, source=Window(), candidates=301)
    with pytest.raises(swipegym.InputError, match="source is .*Window"):
        gym.make(ID, source=Window)


def test_a_source_that_cannot_be_copied_serves_all_the_same():
    class Held(Window):
        def __init__(self):
            super().__init__()
            self.lock = threading.Lock()

    env = gym.make(ID, source=Held())
    env.reset(seed=4)
    assert env.unwrapped.spec.max_episode_steps == 100
    assert gym.make_vec(ID, num_envs=2, source=Held()).reset(seed=1)[0]["candidate"].shape == (2, 10)


def test_what_a_source_writes_into_its_arguments_reaches_nobody():
    def spoiling(observation, info, count):
        for array in (*observation.values(), *info.values()):
            array[:] = 0
        return np.full((len(array), 1), -1)

    spoilt, plain = (gym.make(ID, source=source) for source in (spoiling, "random"))
    for env in (spoilt, plain):
        env.reset(seed=1)
    for name, array in plain.step(0)[0].items():
        assert np.array_equal(spoilt.step(0)[0][name] if name == "tab" else array, array)
    assert np.array_equal(spoilt.reset(seed=2)[0]["candidate"], plain.reset(seed=2)[0]["candidate"])


def test_a_source_may_have_the_name_of_a_built_in_one_and_may_have_nothing():
    def full(observation, info, count):
        return [[] for _ in info["user"]]

    envs = gym.make_vec(ID, num_envs=3, source=full, candidates=5)
    observation, info = envs.reset(seed=1)
    assert observation["candidate"].shape == (3, 5) and info["action_mask"].all()  # random videos in the place of none
