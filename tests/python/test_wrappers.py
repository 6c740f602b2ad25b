"""Rows and ordered slots say what the environment says, in another form."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import swipegym
from swipegym.wrappers import PlainSlots, Rows, VectorRows, behind_plain_slots, rows_of

ID = "swipegym/ShortVideo-v0"


def test_a_row_has_the_slots_what_is_around_them_and_the_mask():
    env = gym.make(ID, source="top", candidates=20)
    env.reset(seed=1)
    observation, _, _, _, info = env.step(3)
    row = rows_of(observation, info)
    assert row.dtype == np.float32 and row.shape == (20 * 8 + 8 + 16 + 20,)
    assert np.array_equal(row[3 * 8 : 4 * 8], observation["candidate_features"].reshape(20, 8)[3])
    assert np.array_equal(row[160:184], np.concatenate([observation["context"], observation["user_features"]]))
    assert np.array_equal(row[184:], info["action_mask"]) and not row[184:].all()


@pytest.mark.parametrize("wrapper", [Rows, PlainSlots])
def test_gymnasium_finds_nothing_to_complain_about(wrapper):
    check_env(wrapper(gym.make(ID).unwrapped), skip_render_check=True)
    assert wrapper(gym.make(ID), seconds=5.0).spec.additional_wrappers[-1].kwargs["seconds"] == 5.0
    with pytest.raises(swipegym.InputError, match="seconds is 0"):
        wrapper(gym.make(ID), seconds=0)
    with pytest.raises(swipegym.InputError, match="no slots"):
        wrapper(gym.make(ID, source="full"))


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_rows_of_a_vector_are_those_of_lone_environments(mode):
    envs = VectorRows(gym.make_vec(ID, num_envs=3, autoreset_mode=mode, max_steps=4))
    lone = gym.vector.SyncVectorEnv([lambda: Rows(gym.make(ID, max_steps=4))] * 3, autoreset_mode=mode)
    assert envs.single_observation_space == lone.single_observation_space
    assert np.array_equal(envs.reset(seed=2)[0], lone.reset(seed=2)[0])
    for step in range(25):
        ours, theirs = (one.step(np.full(3, step % 10)) for one in (envs, lone))
        assert all(np.allclose(mine, its) for mine, its in zip(ours[:4], theirs[:4]))
        over = ours[2] | ours[3]
        for row in np.flatnonzero(over) if mode is AutoresetMode.SAME_STEP else ():
            assert np.array_equal(ours[4]["final_obs"][row], theirs[4]["final_obs"][row])
        if mode is AutoresetMode.DISABLED and over.any():
            for one in (envs, lone):
                one.reset(options={"reset_mask": over})


@pytest.mark.parametrize("by", [0, 2])
def test_plain_slots_rise_and_an_action_is_the_place_among_them(by):
    env = PlainSlots(gym.make(ID, source="top", candidates=12, invalid_action="raise"), by=by)
    observation, info = env.reset(seed=4)
    while True:
        assert env.observation_space.contains(observation)
        slots = observation["candidate_features"].reshape(12, 8)
        assert (np.diff(slots[:, by]) >= 0).all()
        assert np.array_equal(env.action_masks(), info["action_mask"].astype(bool))
        place = int(np.flatnonzero(info["action_mask"])[-1])
        chosen = slots[place]
        observation, reward, terminated, truncated, info = env.step(place)  # a masked one would raise
        assert np.array_equal(env.unwrapped.simulator.video_features[info["video"]], chosen)
        assert reward == pytest.approx(info["watch_s"] / 20, rel=1e-5)
        if terminated or truncated:
            break
    with pytest.raises(swipegym.InputError, match="action is 12"):
        env.step(12)


def test_a_policy_behind_plain_slots_is_one_of_the_environment_s():
    last = swipegym.evaluate(
        behind_plain_slots(lambda seen, info: np.full(len(info["user"]), 9)), sessions=300, source="random"
    )
    assert np.array_equal(last.reward, swipegym.evaluate("longest", sessions=300).reward)
