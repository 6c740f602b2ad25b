"""reset(options=...): whose session begins, when and in which tab."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import SyncVectorEnv

import swipegym

ID = "swipegym/ShortVideo-v0"
NOON = 1_651_377_600_000  # 1 May 2022, 12:00 in China


def same(a, b):
    return all(np.array_equal(a[name], b[name]) for name in a)


def test_a_session_begins_as_it_is_told_and_the_seed_says_the_rest():
    env = gym.make(ID)
    observation, info = env.reset(seed=1, options={"user": 17, "time_ms": NOON, "tab": 4})
    assert info["user"] == 17 and observation["tab"] == 4
    assert observation["context"][2:7] == pytest.approx([0, -1, 0, 0, 1], abs=1e-6)  # the clock's hand at noon
    assert np.array_equal(observation["user_features"], env.unwrapped.simulator.user_features[17])
    again, _ = env.reset(seed=1, options={"user": 17, "time_ms": NOON, "tab": 4})
    assert same(observation, again)
    other, _ = env.reset(seed=2, options={"user": 17, "time_ms": NOON, "tab": 4})
    assert not np.array_equal(observation["candidate"], other["candidate"])


def test_what_no_option_says_is_as_always():
    env = gym.make(ID)
    plain, info = env.reset(seed=3)
    for options in ({}, {"user": None}):
        assert same(plain, env.reset(seed=3, options=options)[0])
    moved, told = env.reset(seed=3, options={"tab": 2})
    assert told["user"] == info["user"] and moved["tab"] == 2
    assert np.array_equal(moved["context"][2:4], plain["context"][2:4])
    assert np.array_equal(moved["candidate"], plain["candidate"])
    # A user's own starts: who begins at one time only begins at that time.
    hours = {tuple(env.reset(seed=seed, options={"user": info["user"]})[0]["context"][2:4]) for seed in range(30)}
    assert tuple(plain["context"][2:4]) in hours


def test_resets_without_a_seed_go_on_differently_and_repeat():
    def run():
        env = gym.make(ID)
        env.reset(seed=5)
        return [env.reset(options={"user": 9})[0] for _ in range(3)] + [env.reset()[0]]

    first, again = run(), run()
    assert all(same(*pair) for pair in zip(first, again))
    assert not np.array_equal(first[0]["candidate"], first[1]["candidate"])


def test_rows_are_lone_environments_with_the_same_options():
    envs, lone = gym.make_vec(ID, num_envs=3), SyncVectorEnv([lambda: gym.make(ID)] * 3)
    for arguments in (
        {"seed": 4, "options": {"user": 3}},
        {"options": {"user": 8, "tab": 1}},
        {"seed": [7, None, 2], "options": {"time_ms": NOON}},
        {"options": {"tab": 0}},
        {},
    ):
        mine, theirs = (vector.reset(**arguments) for vector in (envs, lone))
        assert same(mine[0], theirs[0]) and np.array_equal(mine[1]["user"], theirs[1]["user"])
        mine, theirs = (vector.step([1, 2, 3]) for vector in (envs, lone))
        assert same(mine[0], theirs[0]) and np.array_equal(mine[1], theirs[1])


def test_rows_may_have_users_of_their_own_and_only_masked_ones_begin():
    envs = gym.make_vec(ID, num_envs=3)
    with pytest.raises(swipegym.InputError, match="first reset"):
        envs.reset(options={"user": 1, "reset_mask": np.array([True, False, False])})
    _, info = envs.reset(seed=1, options={"user": [5, 2, 9]})
    assert info["user"].tolist() == [5, 2, 9]
    before = envs.step([0, 0, 0])[0]
    after, info = envs.reset(options={"user": 11, "reset_mask": np.array([False, True, False])})
    assert info["user"][1] == 11
    for name in before:
        assert np.array_equal(before[name][[0, 2]], after[name][[0, 2]])


@pytest.mark.parametrize("user", [0, 499])
@pytest.mark.parametrize("time_ms", [0, NOON, 4_102_444_800_000])
@pytest.mark.parametrize("tab", [0, 1, 14, 255])
def test_sessions_may_begin_anywhere(user, time_ms, tab):
    envs = gym.make_vec(ID, num_envs=2)
    observation, _ = envs.reset(seed=1, options={"user": user, "time_ms": time_ms, "tab": tab})
    assert envs.observation_space.contains(observation)
    for step in range(20):
        observation, reward, *_ = envs.step([step % 10] * 2)
        assert envs.observation_space.contains(observation) and np.isfinite(reward).all()


@pytest.mark.parametrize(
    "options, names",
    [
        ({"users": 3}, "a key of options is 'users', expected one of"),
        ({"user": 500}, r"options\['user'\] is 500, expected the index of a user, 0 to 499"),
        ({"user": -1}, r"options\['user'\] is -1"),
        ({"user": 1.5}, r"options\['user'\] is 1.5"),
        ({"user": True}, r"options\['user'\] is True"),
        ({"time_ms": "noon"}, r"options\['time_ms'\] is 'noon'"),
        ({"time_ms": 2**62}, r"options\['time_ms'\] is"),
        ({"tab": 256}, r"options\['tab'\] is 256"),
        ({"user": [1, 2, 3, 4]}, r"options\['user'\]: got shape"),
        ("user", "options is 'user'"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, names):
    for env in (gym.make(ID).unwrapped, gym.make_vec(ID, num_envs=3)):
        env.reset(seed=1)
        with pytest.raises(swipegym.InputError, match=names):
            env.reset(options=options)
    with pytest.raises(swipegym.InputError, match="one of options"):
        gym.make_vec(ID, num_envs=2).reset(options={"tab": [1, 256]})
