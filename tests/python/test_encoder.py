"""What the encoder says of an observation is what the guide says it is."""

import gymnasium as gym
import numpy as np
import pytest

import swipegym

ID = "swipegym/ShortVideo-v0"


@pytest.fixture(scope="module")
def encoder():
    return swipegym.Encoder()


@pytest.fixture(scope="module")
def seen():
    envs = gym.make_vec(ID, num_envs=70)
    envs.reset(seed=1)
    for _ in range(4):
        observation = envs.step(np.zeros(70, int))[0]
    return observation


def column(encoder, name):
    return encoder.columns.index(name)


def test_columns_are_those_of_the_observation_and_of_its_history(encoder, seen):
    states, slots, rows = encoder.states(seen), encoder.slots(seen), encoder.rows(seen)
    assert states.shape == (70, len(encoder.state_columns)) and states.dtype == np.float32
    assert slots.shape == (70, 10, len(encoder.slot_columns))
    assert len(set(encoder.columns)) == len(encoder.columns) == rows.shape[2]
    assert np.array_equal(rows, np.concatenate([np.broadcast_to(states[:, None], (70, 10, states.shape[1])), slots], 2))
    assert np.array_equal(states[:, :16], seen["user_features"])
    assert np.array_equal(states[:, 16:23], seen["context"][:, :7])
    assert np.array_equal(slots[:, :, :8].reshape(70, 80), seen["candidate_features"])
    tag = encoder.simulator.tag
    assert np.array_equal(slots[:, :, -2], tag[seen["candidate"]])
    assert np.array_equal(slots[:, :, -1], seen["candidate"])

    # By definition: the fast weight of the candidate's tag is the sum of .8^age over its videos of the history.
    length = seen["history_video"].shape[1]
    weight = np.where(seen["history_video"] >= 0, 0.8 ** np.arange(length)[::-1], 0.0)
    same = tag[seen["history_video"]][:, None, :] == tag[seen["candidate"]][:, :, None]
    assert np.allclose(rows[:, :, column(encoder, "cross.tag_fast")], (same * weight[:, None]).sum(axis=2), atol=1e-5)
    newest = encoder.simulator.video_features[seen["history_video"][:, -1]]
    at = column(encoder, "newest.1.log_duration")
    assert np.array_equal(states[:, at : at + 8], newest)
    assert np.allclose(states[:, at + 8], np.minimum(seen["history_ratio"][:, -1], 2.0))
    seconds = slots[:, :, 2] * encoder.simulator.duration_ms[seen["candidate"]] / 1000.0 / 20.0
    assert np.allclose(slots[:, :, encoder.slot_columns.index("video.mean_seconds")], seconds, rtol=1e-3, atol=1e-3)


def test_chosen_slots_lone_environments_and_threads_are_no_exception(encoder, seen):
    rows = encoder.rows(seen, threads=1)
    assert np.array_equal(encoder.rows(seen, threads=2), rows)
    slots = np.arange(70) % 10
    assert np.array_equal(encoder.rows(seen, slots), rows[np.arange(70), slots])
    lone = {name: array[3] for name, array in seen.items()}
    assert np.array_equal(encoder.rows(lone), rows[3]) and np.array_equal(encoder.rows(lone, 5), rows[3, 5])
    assert np.array_equal(encoder.states(lone), encoder.states(seen)[3])


@pytest.mark.parametrize(
    "damage",
    [
        {"candidate": None},
        {"candidate": np.zeros((70, 10))},
        {"candidate": np.full((70, 10), 10**6, np.int32)},
        {"candidate": np.int32(3)},
        {"history_video": np.full((70, 50), -2, np.int32)},
        {"history_ratio": np.full((70, 50), np.nan, np.float32)},
        {"context": np.zeros((70, 3), np.float32)},
        {"user_features": np.zeros((3, 16), np.float32)},
    ],
)
def test_what_is_no_observation_is_refused_by_name(encoder, seen, damage):
    with pytest.raises(swipegym.InputError, match=next(iter(damage))):
        encoder.rows({**seen, **damage})
    for slots in (np.full(70, 10), np.full(70, -1), np.zeros(70), np.zeros(3, int)):
        with pytest.raises(swipegym.InputError, match="slots"):
            encoder.rows(seen, slots)
