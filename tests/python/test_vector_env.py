"""What the vectorised environment promises."""

import threading

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ClosedEnvironmentError
from gymnasium.vector import AutoresetMode

import swipegym

ID = "swipegym/ShortVideo-v0"
MODES = [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP, AutoresetMode.DISABLED]


def make(num_envs=8, **settings):
    return gym.make_vec(ID, num_envs=num_envs, **settings)


def row(observation, i):
    return {name: array[i] for name, array in observation.items()}


def equal(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert np.array_equal(a[name], b[name]), name


def test_row_i_is_a_lone_environment_with_the_seed_plus_i():
    envs = make(5)
    observation, info = envs.reset(seed=7)
    alone = [gym.make(ID) for _ in range(5)]
    for i, env in enumerate(alone):
        first, own = env.reset(seed=7 + i)
        equal(row(observation, i), first)
        assert own["user"] == info["user"][i]
    ended = np.zeros(5, bool)
    for step in range(120):
        actions = np.full(5, step % 10)
        observation, reward, terminated, truncated, _ = envs.step(actions)
        for i, env in enumerate(alone):
            if ended[i]:  # the step after the end only began the next session
                assert reward[i] == 0.0
                first, _ = env.reset()
                equal(row(observation, i), first)
                ended[i] = False
                continue
            now, own_reward, own_end, own_cut, _ = env.step(step % 10)
            equal(row(observation, i), now)
            assert (own_reward, own_end, own_cut) == (reward[i], terminated[i], truncated[i])
            ended[i] = own_end or own_cut
    assert envs.observation_space.contains(observation)


def test_spaces_hold_what_comes():
    envs = make(6)
    observation, _ = envs.reset(seed=1)
    for _ in range(60):
        assert envs.observation_space.contains(observation)
        observation, reward, terminated, truncated, _ = envs.step(envs.action_space.sample())
        assert reward.dtype == np.float64 and terminated.dtype == truncated.dtype == np.bool_


@pytest.mark.parametrize("mode", MODES)
def test_a_session_of_known_length_ends_and_begins_again_as_the_mode_says(mode):
    envs = make(4, max_steps=3, autoreset_mode=mode)
    assert envs.metadata["autoreset_mode"] is mode
    envs.reset(seed=3)
    steps = np.zeros(4, int)
    for _ in range(20):
        observation, reward, terminated, truncated, info = envs.step(np.zeros(4, int))
        over = terminated | truncated
        taken = np.round(observation["context"][:, 0] * 3).astype(int)  # steps of this session, of three
        if mode is AutoresetMode.NEXT_STEP:
            began = (reward == 0.0) & (taken == 0)
            steps = np.where(began, 0, steps + 1)
            assert np.array_equal(taken, steps)
        elif mode is AutoresetMode.SAME_STEP:
            steps = np.where(over, 0, steps + 1)
            assert np.array_equal(taken, steps)
            assert ("final_obs" in info) == bool(over.any())
            if over.any():
                assert np.array_equal(info["_final_obs"], over)
                last = np.round(info["final_obs"]["context"][:, 0] * 3).astype(int)
                assert (last[over] >= 1).all() and (last[truncated] == 3).all()
                assert (info["final_info"]["video"][over] >= 0).all()
        else:
            steps = steps + 1
            assert np.array_equal(taken, steps)
            if over.any():
                with pytest.raises(ValueError, match="finished"):
                    envs.step(np.zeros(4, int))
                before = {name: array.copy() for name, array in observation.items()}
                observation, _ = envs.reset(options={"reset_mask": over})
                steps[over] = 0
                for name in before:
                    assert np.array_equal(observation[name][~over], before[name][~over])
        assert (taken[truncated] == 3).all() or mode is AutoresetMode.SAME_STEP


@pytest.mark.parametrize("mode", MODES)
def test_users_who_leave_after_three_videos_show_where_the_mode_begins_again(mode):
    envs = make(4, simulator=swipegym.Simulator.constant(leave_after=3), autoreset_mode=mode)
    envs.reset(seed=1)
    ends, rewards = [], []
    for step in range(9):
        _, reward, terminated, truncated, info = envs.step(np.zeros(4, int))
        assert not truncated.any() and terminated.min() == terminated.max()
        ends.append(bool(terminated[0]))
        rewards.append(bool(reward[0] > 0.0))
        assert ("final_info" in info) == (ends[-1] and mode is AutoresetMode.SAME_STEP)
        if ends[-1] and mode is AutoresetMode.DISABLED:
            envs.reset(options={"reset_mask": terminated})
    once = [False, False, True]
    # In NEXT_STEP the fourth call of four is the reset: it ignores the action and pays nothing.
    assert ends == ([*once, False] * 2 + [False] if mode is AutoresetMode.NEXT_STEP else once * 3)
    assert rewards == ([True] * 3 + [False] + [True] * 3 + [False, True] if mode is AutoresetMode.NEXT_STEP else [True] * 9)


@pytest.mark.parametrize("copy", [True, False])
def test_what_a_step_returned_stays_as_it_was(copy):
    envs = make(16, copy=copy)
    envs.reset(seed=1)
    kept, copied = [], []
    for step in range(6):
        observation, reward, terminated, truncated, info = envs.step(np.full(16, step))
        held = {**observation, "reward": reward, "video": info["video"], "mask": info["action_mask"]}
        kept.append(held)
        copied.append({name: array.copy() for name, array in held.items()})
    for age in range(6 if copy else 2):
        equal(kept[-1 - age], copied[-1 - age])
    if not copy:  # two sets of arrays take turns
        assert kept[0]["reward"] is kept[2]["reward"] is kept[4]["reward"]


def test_arrays_outlive_their_environment():
    envs = make(8, copy=False)
    observation, _ = envs.reset(seed=1)
    before = observation["candidate"].copy()
    envs.close()
    del envs
    assert np.array_equal(observation["candidate"], before)


def test_threads_never_change_a_result():
    def run(threads):
        envs = make(300, threads=threads)
        total = []
        envs.reset(seed=9)
        for step in range(30):
            observation, reward, *_ = envs.step(np.full(300, step % 10))
            total.append((reward.tobytes(), observation["candidate"].tobytes()))
        return total

    assert run(1) == run(2) == run(3)


def test_seeds_may_be_given_one_by_one():
    envs = make(3)
    one_by_one, _ = envs.reset(seed=[5, 6, 7])
    counted, _ = envs.reset(seed=5)
    equal(one_by_one, counted)
    envs.reset(seed=5)
    first, _ = envs.reset()
    envs.reset(seed=5)
    second, _ = envs.reset()
    equal(first, second)
    with pytest.raises(ValueError):
        envs.reset(seed=[1, 2])
    with pytest.raises(ValueError):
        envs.reset(seed=-1)


@pytest.mark.parametrize(
    "actions",
    [
        np.zeros(3, int),
        np.zeros((4, 1), int),
        np.zeros(4),
        np.full(4, np.nan),
        np.array([0, 1, 2, 10]),
        np.array([0, -1, 0, 0]),
        [0, 1, 2, 2**40],
        ["a", "b", "c", "d"],
        None,
        0,
    ],
)
def test_actions_that_are_none_are_refused_before_anything_moves(actions):
    envs = make(4)
    envs.reset(seed=2)
    with pytest.raises(ValueError):
        envs.step(actions)
    after = envs.step(np.zeros(4, int))[0]
    other = make(4)
    other.reset(seed=2)
    equal(after, other.step(np.zeros(4, int))[0])


def test_a_step_before_the_first_reset_and_a_closed_environment_say_so():
    envs = make(4)
    with pytest.raises(ValueError, match="reset"):
        envs.step(np.zeros(4, int))
    envs.close()
    with pytest.raises(ClosedEnvironmentError):
        envs.reset()
    with pytest.raises(ClosedEnvironmentError):
        envs.step(np.zeros(4, int))
    with pytest.raises(ValueError):
        make(0)
    with pytest.raises(ValueError, match="render_mode is 'human'"):
        make(4, render_mode="human")
    with pytest.raises(ValueError):
        make(4).reset(options={"reset_mask": np.ones(4)})


def test_two_threads_in_one_environment_are_told_apart():
    envs = make(2000, copy=False)
    envs.reset(seed=1)
    errors = []

    def run():
        for _ in range(40):
            try:
                envs.step(np.zeros(2000, int))
            except RuntimeError as error:
                errors.append(str(error))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors and all("two threads" in error for error in errors)


def test_masked_slots_of_a_fixed_shelf():
    envs = make(6, source="top", candidates=20)
    envs.reset(seed=1)
    _, _, terminated, _, info = envs.step(np.full(6, 4))
    assert not info["action_mask"][~terminated, 4].any()
    assert np.array_equal(envs.action_masks(), info["action_mask"].astype(bool))


@pytest.mark.parametrize("copy", [True, False])
def test_arrays_go_to_other_libraries_by_dlpack_without_a_copy(copy):
    observation, _ = make(4, copy=copy).reset(seed=1)
    for name, array in observation.items():
        assert np.shares_memory(np.from_dlpack(array), array), name


def test_expected_rewards_have_the_mean_of_drawn_ones_without_their_noise():
    drawn, expected = (make(500, rewards=rewards, threads=1) for rewards in ("drawn", "expected"))
    equal(drawn.reset(seed=1)[0], expected.reset(seed=1)[0])
    rewards = [], []
    for step in range(40):
        action = np.full(500, step % 10)
        told = expected.expected_rewards()[:, step % 10]
        (there, one, _, _, seen), (here, other, _, _, same) = drawn.step(action), expected.step(action)
        equal(there, here)  # what the user did is drawn all the same
        assert np.array_equal(seen["watch_s"], same["watch_s"])
        played = seen["video"] >= 0
        assert np.array_equal(other[played], told[played].astype(np.float64))
        rewards[0].append(one[played]), rewards[1].append(other[played])
    one, other = map(np.concatenate, rewards)
    assert other.var() < 0.5 * one.var()
    assert abs(one.mean() - other.mean()) < 4 * (one - other).std() / np.sqrt(len(one))
    lone = gym.make(ID, rewards="expected")
    lone.reset(seed=1)
    assert lone.step(0)[1] == rewards[1][0][0]
    with pytest.raises(swipegym.InputError, match="before reset"):
        make(1).expected_rewards()
