"""Equal seeds, equal runs: the vectorised environment beside Gymnasium's own vector of lone ones."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_match import check_environments_match
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import swipegym

ID = "swipegym/ShortVideo-v0"
MODES = [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP, AutoresetMode.DISABLED]
SCALARS = ("user", "video", "watch_s", "watch_ratio", "signals", "gap_h")  # of a lone environment's info


def make(rows, mode=AutoresetMode.NEXT_STEP, **settings):
    return gym.make_vec(ID, num_envs=rows, autoreset_mode=mode, threads=1, **settings)


def lone_ones(rows, mode, **settings):
    return SyncVectorEnv([lambda: gym.make(ID, threads=1, **settings)] * rows, autoreset_mode=mode)


def assert_same_observations(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert np.array_equal(ours[name], theirs[name]), name


def assert_same_info(ours, theirs, what=SCALARS):
    for name in what:
        rows = theirs["_" + name]
        assert np.array_equal(ours["_" + name] & rows, rows), name
        assert np.array_equal(np.ravel(ours[name])[rows], np.ravel(theirs[name])[rows]), name
    rows = theirs["_action_mask"]
    assert np.array_equal(ours["action_mask"][rows], theirs["action_mask"][rows])


def assert_same_step(ours, theirs):
    assert_same_observations(ours[0], theirs[0])
    for mine, lone in zip(ours[1:4], theirs[1:4]):
        assert mine.dtype == lone.dtype and np.array_equal(mine, lone)
    assert_same_info(ours[4], theirs[4])
    assert ("final_obs" in ours[4]) == ("final_obs" in theirs[4])
    if "final_obs" in ours[4]:
        over = theirs[4]["_final_obs"]
        assert np.array_equal(ours[4]["_final_obs"], over)
        for row in np.flatnonzero(over):
            for name, array in theirs[4]["final_obs"][row].items():
                assert np.array_equal(ours[4]["final_obs"][name][row], array), name
        assert_same_info(ours[4]["final_info"], theirs[4]["final_info"])


def resets(rows, rng):
    """Arguments of resets in the middle of a run: without a seed, with seeds for some rows, and of some rows only."""
    some = rng.random(rows) < 0.5
    some[0] = True
    yield {}
    yield {"seed": [None if i % 2 else 40 + i for i in range(rows)]}
    yield {"options": {"reset_mask": some}}
    yield {"seed": [7 * i for i in range(rows)], "options": {"reset_mask": some}}
    yield {"seed": [None, *range(rows - 1)], "options": {"reset_mask": ~some | (np.arange(rows) < 2)}}
    yield {"seed": 11}
    yield {}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("first", [5, [5, 6, 2**64 + 3, 0]])
def test_rows_are_lone_environments_in_every_mode_and_through_every_reset(mode, first):
    rows, rng = 4, np.random.default_rng(3)
    settings = {"max_steps": 12, "source": "popularity"}
    ours, theirs = make(rows, mode, **settings), lone_ones(rows, mode, **settings)

    def reset(arguments):
        copies = [
            {name: dict(value) if name == "options" else value for name, value in arguments.items()} for _ in "12"
        ]
        mine, lone = ours.reset(**copies[0]), theirs.reset(**copies[1])
        assert_same_observations(mine[0], lone[0])
        assert_same_info(mine[1], lone[1])

    reset({"seed": first})
    assert ours.np_random_seed == theirs.np_random_seed
    middle = resets(rows, rng)
    for step in range(1, 401):
        actions = rng.integers(10, size=rows)
        mine, lone = ours.step(actions), theirs.step(actions)
        assert_same_step(mine, lone)
        over = mine[2] | mine[3]
        if mode is AutoresetMode.DISABLED and over.any():
            reset({"options": {"reset_mask": over}})
        if step % 53 == 0 and (arguments := next(middle, None)) is not None:
            reset(arguments)
            assert ours.np_random_seed == theirs.np_random_seed


@pytest.mark.parametrize("mode", MODES)
def test_a_run_repeats_after_seeds_given_one_by_one(mode):
    def run():
        envs = make(3, mode)
        envs.reset(seed=[5, 6, 7])
        seen = [envs.reset()[0]]
        for step in range(30):
            observation, _, terminated, truncated, _ = envs.step(np.full(3, step % 10))
            seen.append(observation)
            if mode is AutoresetMode.DISABLED and (terminated | truncated).any():
                seen.append(envs.reset(options={"reset_mask": terminated | truncated})[0])
        return seen

    for first, second in zip(run(), run()):
        assert_same_observations(first, second)


def test_a_first_reset_without_a_seed_is_random_and_its_seed_repeats_it():
    envs, again = make(3), make(3)
    observation, _ = envs.reset()
    assert envs.np_random_seed != again.np_random_seed
    assert_same_observations(observation, again.reset(seed=envs.np_random_seed)[0])
    assert_same_observations(envs.reset()[0], again.reset()[0])
    before = make(3)
    seeds = before.np_random_seed  # asked for before the reset
    assert_same_observations(before.reset()[0], again.reset(seed=list(seeds))[0])

    env, other = gym.make(ID), gym.make(ID)
    first, _ = env.reset()
    assert env.unwrapped.np_random_seed != other.unwrapped.np_random_seed
    repeated, _ = other.reset(seed=env.unwrapped.np_random_seed)
    assert_same_observations(first, repeated)
    assert_same_observations(env.reset()[0], other.reset()[0])
    put_in = [gym.make(ID).unwrapped for _ in range(2)]
    for one in put_in:
        one.np_random = np.random.default_rng(3)
    assert_same_observations(put_in[0].reset()[0], put_in[1].reset()[0])


def test_a_partly_seeded_first_reset_draws_the_rest_and_says_which():
    envs, again = make(3), make(3)
    observation, _ = envs.reset(seed=[None, 9, None])
    assert envs.np_random_seed[1] == 9
    assert_same_observations(observation, again.reset(seed=envs.np_random_seed)[0])
    with pytest.raises(swipegym.InputError, match="first reset"):
        make(3).reset(options={"reset_mask": np.array([True, False, True])})


NUMBERS = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]


def test_every_whole_number_is_a_seed():
    env, envs = gym.make(ID), make(2)
    expected, _ = env.reset(seed=100)
    for kind in NUMBERS:
        assert_same_observations(env.reset(seed=kind(100))[0], expected)
        row = envs.reset(seed=np.array([100, 3], kind))[0]
        assert np.array_equal(row["candidate"][0], expected["candidate"])
        row = envs.reset(seed=(kind(100), kind(3)))[0]
        assert np.array_equal(row["candidate"][0], expected["candidate"])
    assert_same_observations(env.reset(seed=np.array(100))[0], expected)
    for large in (2**63, 2**64 - 1, 2**64, 2**64 + 1, 2**128 + 5):
        first = env.reset(seed=large)[0]
        assert env.unwrapped.np_random_seed == large
        assert_same_observations(first, env.reset(seed=large)[0])
        rows = envs.reset(seed=large)[0]
        second = env.reset(seed=large + 1)[0]
        assert np.array_equal(rows["candidate"], [first["candidate"], second["candidate"]])
    assert not np.array_equal(env.reset(seed=0)[0]["candidate"], env.reset(seed=2**64)[0]["candidate"])


@pytest.mark.parametrize(
    "seed", [True, np.True_, -1, np.int64(-3), 1.5, 2.0, np.float64(2), "3", b"3", 1j, {"a": 1}, np.nan]
)
def test_what_is_no_seed_is_refused_by_name(seed):
    for env in (gym.make(ID).unwrapped, make(3)):
        env.reset(seed=1)
        with pytest.raises(swipegym.InputError, match="^seed is .*expected a whole number from 0"):
            env.reset(seed=seed)
    with pytest.raises(swipegym.InputError, match=r"^seed\[1\] is .*expected a whole number from 0"):
        make(3).reset(seed=[1, seed, 2])


@pytest.mark.parametrize(
    "seeds",
    [
        [1.5, 2, 3],
        np.array([1.0, 2.0, 3.0]),
        [True, False, True],
        np.array([True] * 3),
        [1, 2],
        [1, 2, 3, 4],
        [],
        np.ones((3, 1), int),
        ["1", "2", "3"],
        "123",
    ],
)
def test_lists_that_are_no_seeds_are_refused_and_change_nothing(seeds):
    envs, other = make(3), make(3)
    for one in (envs, other):
        one.reset(seed=2)
    with pytest.raises(swipegym.InputError, match="^seed"):
        envs.reset(seed=seeds)
    assert envs.np_random_seed == (2, 3, 4)
    assert_same_step(envs.step(np.zeros(3, int)), other.step(np.zeros(3, int)))


def test_masks_that_are_none_are_refused():
    envs = make(3)
    envs.reset(seed=1)
    for mask in (np.ones(3), np.ones(2, bool), np.zeros(3, bool), [1, 0, 1], np.ones((3, 1), bool), "all"):
        with pytest.raises(swipegym.InputError, match="reset_mask"):
            envs.reset(options={"reset_mask": mask})
    envs.reset(options={"reset_mask": [True, False, False]})


def test_gymnasium_finds_two_environments_with_one_seed_alike():
    for info in ("equivalence", "superset"):
        check_environments_match(gym.make(ID), gym.make(ID), 60, seed=4, info_comparison=info)
