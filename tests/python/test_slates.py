"""Several videos a step, and the whole catalogue as actions."""

import copy

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import swipegym

ID = "swipegym/ShortVideo-v0"
MODES = list(AutoresetMode)


def same(ours, theirs):
    return ours.keys() == theirs.keys() and all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_a_slate_is_watched_in_order_until_the_user_leaves():
    env = gym.make(ID, slate=4, reward={"watch_s": 1.0})
    assert env.action_space == spaces.MultiDiscrete([10] * 4)
    left = 0
    for seed in range(12):
        observation, info = env.reset(seed=seed)
        assert info["video"].tolist() == [-1] * 4
        offered = observation["candidate"]
        after, reward, terminated, _, info = env.step([3, 1, 7, 0])
        seen = int((info["video"] >= 0).sum())
        assert info["video"][:seen].tolist() == offered[[3, 1, 7, 0]][:seen].tolist()
        assert (info["video"][seen:] == -1).all() and (info["watch_s"][seen:] == 0).all()
        assert after["history_video"][-seen:].tolist() == info["video"][:seen].tolist()
        assert reward == pytest.approx(info["watch_s"].sum(), rel=1e-5)
        assert terminated or seen == 4
        left += seen < 4
    assert left


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("settings", [{"slate": 3, "max_steps": 5}, {"source": "full", "max_steps": 5}])
def test_rows_are_lone_environments(mode, settings):
    envs = gym.make_vec(ID, num_envs=3, autoreset_mode=mode, invalid_action="redraw", **settings)
    lone = SyncVectorEnv([lambda: gym.make(ID, invalid_action="redraw", **settings)] * 3, autoreset_mode=mode)
    assert envs.single_action_space == lone.single_action_space
    assert envs.single_observation_space == lone.single_observation_space
    ours, theirs = envs.reset(seed=1), lone.reset(seed=1)
    assert same(ours[0], theirs[0]) and same(ours[1], theirs[1])
    envs.action_space.seed(1)
    for _ in range(20):
        actions = envs.action_space.sample()
        ours, theirs = envs.step(actions), lone.step(actions)
        assert same(ours[0], theirs[0]) and all(np.array_equal(*pair) for pair in zip(ours[1:4], theirs[1:4]))
        assert envs.observation_space.contains(ours[0])
        over = ours[2] | ours[3]
        if not (mode is AutoresetMode.SAME_STEP and over.any()):
            assert same(ours[4], theirs[4])
        if mode is AutoresetMode.DISABLED and over.any():
            for one in (envs, lone):
                one.reset(options={"reset_mask": over})


@pytest.mark.parametrize("settings", [{"slate": 2}, {"source": "full"}, {"source": "full", "slate": 2}])
def test_gymnasium_finds_nothing_to_complain_about(settings):
    check_env(gym.make(ID, invalid_action="redraw", render_mode="ansi", **settings).unwrapped)
    env = gym.make(ID, invalid_action="redraw", render_mode="ansi", **settings)
    env.reset(seed=1)
    env.step(env.action_space.sample())
    other = copy.deepcopy(env)
    action = env.action_space.sample()
    assert same(env.step(action)[0], other.step(action)[0]) and env.render() == other.render()


@pytest.mark.parametrize("action", [[1, 1], [1], 1, [1, 10], [[1, 2]], [0.5, 1], None])
def test_slates_that_are_none_are_refused(action):
    env = gym.make(ID, slate=2).unwrapped
    env.reset(seed=1)
    with pytest.raises(swipegym.InputError):
        env.step(action)
    kept = env.step([4, 2])
    env.reset(seed=1)
    assert same(kept[0], env.step([4, 2])[0])


@pytest.mark.parametrize("settings", [{"slate": 0}, {"slate": 1.5}, {"slate": 11}, {"slate": 2, "candidates": 1}])
def test_slates_have_a_size(settings):
    with pytest.raises(swipegym.InputError, match="slate"):
        gym.make(ID, **settings)


def test_an_action_on_the_whole_catalogue_is_a_video():
    env = gym.make(ID, source="full")
    videos = env.unwrapped.simulator.num_videos
    assert env.action_space == spaces.Discrete(videos) and "candidate" not in env.observation_space.spaces
    _, info = env.reset(seed=3)
    allowed = env.unwrapped.action_masks()
    assert allowed.shape == (videos,)
    assert np.array_equal(np.flatnonzero(~allowed), np.unique(info["seen"][info["seen"] >= 0]))
    video = int(np.flatnonzero(allowed)[-1])
    *_, info = env.step(video)
    assert info["video"] == video and video in info["seen"] and not env.unwrapped.action_masks()[video]
    env.reset(seed=3)
    with pytest.raises(swipegym.InputError, match="watched already"):
        env.step(int(np.flatnonzero(~allowed)[0]))
    with pytest.raises(swipegym.InputError, match=f"is not in .0, {videos}."):
        env.step(videos)
    envs = gym.make_vec(ID, num_envs=2, source="full")
    envs.reset(seed=1)
    assert envs.action_masks().shape == (2, videos)
    with pytest.raises(swipegym.InputError, match="no slots"):
        envs.expected_rewards()


def test_a_policy_s_slates_are_the_program_s():
    policy = swipegym.Policy("longest")
    native = swipegym.evaluate("longest", sessions=300, slate=3)
    asked = swipegym.evaluate(lambda seen, info: policy(seen, info, slate=3), sessions=300, slate=3)
    assert np.array_equal(native.reward, asked.reward)
    assert all(np.array_equal(native.columns[name], asked.columns[name]) for name in native.columns)
    with pytest.raises(swipegym.InputError, match="slate is 3 here and 1 there"):
        asked.interval(versus=swipegym.evaluate("longest", sessions=300))
    observation, info = gym.make_vec(ID, num_envs=4, source="top").reset(seed=1)
    info["action_mask"][2, 1:] = 0
    with pytest.raises(swipegym.InputError, match="fewer slots"):
        policy(observation, info, slate=2)


def test_a_function_chooses_from_the_whole_catalogue():
    length = swipegym.default_simulator().duration_ms

    def longest_unseen(observation, info):
        rows = np.tile(length, (len(info["user"]), 1))
        at = np.nonzero(info["seen"] >= 0)
        rows[at[0], info["seen"][at]] = -1
        return rows.argmax(axis=1)

    mine = swipegym.evaluate(longest_unseen, sessions=300, source="full", max_steps=20)
    assert np.array_equal(mine.reward, swipegym.evaluate("longest", sessions=300, source="full", max_steps=20).reward)
