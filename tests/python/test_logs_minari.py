"""Minari data sets of sessions. Skipped where Minari is not installed."""

import gymnasium as gym
import numpy as np
import pytest

import swipegym
from swipegym.formats import episodes
from swipegym.formats import minari as sessions_of

minari = pytest.importorskip("minari", reason="minari is not installed")
pytest.importorskip("h5py", reason="h5py is not installed")


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))


def test_episodes_come_back_as_a_lone_environment_plays_them():
    sessions_of.record("item-mean", "swipegym/test-v0", sessions=20, epsilon=0.5, costs=[{"watch_ratio": 1.0}])
    dataset = minari.load_dataset("swipegym/test-v0")
    assert dataset.total_episodes == 20
    env = dataset.recover_environment()
    assert dataset.observation_space == env.observation_space and dataset.action_space == env.action_space
    for episode in dataset.iterate_episodes():
        stored = next(iter(dataset.storage.get_episode_metadata([episode.id])))
        steps = [env.reset(seed=int(stored["seed"]))]
        for i, action in enumerate(episode.actions):
            observation, reward, terminated, truncated, info = env.step(action)
            steps.append((observation, info))
            assert (reward, terminated, truncated) == pytest.approx(
                (episode.rewards[i], episode.terminations[i], episode.truncations[i])
            )
        assert terminated or truncated
        for name, array in episode.observations.items():
            assert np.array_equal(array, np.stack([seen[name] for seen, _ in steps])), name
            assert array.dtype == env.observation_space[name].dtype
        assert set(episode.infos) == {*steps[0][1], "propensity"}
        for name in steps[0][1]:
            assert np.allclose(episode.infos[name], np.stack([info[name] for _, info in steps])), name


def test_propensities_are_the_chances_of_what_was_chosen():
    dataset = sessions_of.record("longest", "swipegym/test-v0", sessions=60, epsilon=0.5)
    durations = swipegym.default_simulator().duration_ms
    best, chance = [], []
    for episode in dataset.iterate_episodes():
        assert np.isnan(episode.infos["propensity"][0])
        offered = durations[episode.observations["candidate"][:-1]]
        best.append(offered[np.arange(len(offered)), episode.actions] == offered.max(axis=1))
        chance.append(episode.infos["propensity"][1:])
    best, chance = np.concatenate(best), np.concatenate(chance)
    assert np.allclose(chance, np.where(best, 0.55, 0.05))
    assert abs(best.mean() - 0.55) < 4 * np.sqrt(0.55 * 0.45 / len(best))


def test_the_rows_of_a_data_set_are_a_log(tmp_path):
    simulator = swipegym.default_simulator()
    dataset = sessions_of.record("random", "swipegym/test-v0", sessions=15, source="top", candidates=20)
    log = sessions_of.to_log(minari.load_dataset("swipegym/test-v0"), simulator)
    episodes = list(dataset.iterate_episodes())
    assert log.rows == sum(len(episode.actions) for episode in episodes)
    assert np.allclose(log["play_time_ms"] / 1000, np.concatenate([episode.rewards for episode in episodes]), atol=1e-3)
    assert log["is_rand"].all() and (log["candidate"] < 0).any()
    assert np.array_equal(np.bincount(log["session"]), [len(episode.actions) for episode in episodes])
    likes = np.concatenate([episode.infos["signals"][1:] >> 1 & 1 for episode in episodes])
    assert np.array_equal(log["is_like"], likes)
    with pytest.raises(swipegym.InputError, match="date, hourmin, time_ms"):
        log.save(tmp_path / "generated")
    dataset.storage.update_metadata({sessions_of.VERSION_KEY: 2})
    with pytest.raises(swipegym.InputError, match="swipegym/test-v0: its schema version is 2"):
        sessions_of.to_log(minari.load_dataset("swipegym/test-v0"), simulator)


def test_another_simulator_is_refused_though_every_index_is_in_bounds():
    worlds = [swipegym.Simulator.constant(videos=videos, leave_after=30) for videos in (300, 301)]
    dataset = sessions_of.record("random", "swipegym/test-v0", sessions=3, simulator=worlds[0])
    for other in (worlds[1], None, swipegym.default_simulator()):
        with pytest.raises(swipegym.InputError, match="swipegym/test-v0: the simulator has other users or videos"):
            sessions_of.to_log(dataset, other)
    assert sessions_of.to_log(dataset, swipegym.Simulator.constant(videos=300)).rows == 90
    with pytest.raises(swipegym.InputError, match="the simulator has other videos than Policy"):
        sessions_of.record(swipegym.Policy("random", worlds[1]), "swipegym/other-v0", sessions=3, simulator=worlds[0])
    dataset.storage.update_metadata({sessions_of.IDS_KEY: ""})
    with pytest.raises(swipegym.InputError, match="other users or videos"):
        sessions_of.to_log(dataset, worlds[0])


def test_propensities_that_are_none_are_refused():
    for chance in (np.nan, 0.0, -0.5, 1.5, np.inf):

        def choose(observation, info):
            return np.zeros(len(info["user"]), int), np.full(len(info["user"]), chance)  # noqa: B023

        with pytest.raises(swipegym.InputError, match="propensities"):
            sessions_of.record(choose, "swipegym/test-v0", sessions=3)


def test_a_function_of_observations_is_recorded_too(monkeypatch):
    monkeypatch.setattr(episodes, "ROWS", 16)  # rows play several sessions, and some end early

    def first(observation, info):
        return np.zeros(len(info["user"]), int), np.ones(len(info["user"]))

    dataset = sessions_of.record(first, "swipegym/test-v0", sessions=60, metadata={"author": "nobody"})
    assert dataset.total_episodes == 60 and dataset.storage.metadata["author"] == {"nobody"}
    played = swipegym.evaluate(lambda observation, info: np.zeros(len(info["user"]), int), sessions=60)
    found = [episode.rewards.sum() for episode in dataset.iterate_episodes()]
    assert np.allclose(found, played.reward, rtol=1e-5)


def test_minari_s_own_collector_takes_the_environment():
    pytest.importorskip("jax", reason="Minari's DataCollector needs jax")
    env = minari.DataCollector(gym.make("swipegym/ShortVideo-v0"), record_infos=True)
    kept = []
    for seed in (3, 4):
        env.reset(seed=seed)
        over = False
        while not over:
            observation, _, terminated, truncated, _ = env.step(2)
            over = terminated or truncated
        kept.append(observation["candidate"])
    env.create_dataset("swipegym/collected-v0")
    dataset = minari.load_dataset("swipegym/collected-v0")
    episodes = list(dataset.iterate_episodes())
    assert [np.array_equal(episode.observations["candidate"][-1], last) for episode, last in zip(episodes, kept)] == [
        True
    ] * 2
    with pytest.raises(swipegym.InputError, match="swipegym/collected-v0: no data set of formats.minari.record"):
        sessions_of.to_log(dataset, swipegym.default_simulator())
