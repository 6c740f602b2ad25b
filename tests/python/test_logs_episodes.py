"""Episodes, and what other libraries' data sets are made of them. What needs a library is skipped without it."""

import gymnasium as gym
import numpy as np
import pytest

import swipegym
from swipegym.formats import d3rlpy as mdp
from swipegym.formats import episodes, rlds
from swipegym.formats import tensordict as tensors

COSTS = [{"watch_ratio": 1.0}]


@pytest.fixture(scope="module")
def played():
    return episodes.record("item-mean", sessions=40, epsilon=0.5, costs=COSTS, max_steps=6)


def test_sessions_are_what_a_lone_environment_plays(played):
    env = gym.make("swipegym/ShortVideo-v0", costs=COSTS, max_steps=6)
    assert (played.sessions, played.slots) == (40, 10)
    assert played.truncated.any() and played.terminated.any()
    assert not (played.truncated & played.terminated).any()
    for number in (0, 17, 39):
        seen, info = env.reset(seed=int(played.seeds[number]))
        for step in range(*played.start[number : number + 2]):
            at = played.before[step]
            assert all(np.array_equal(seen[name], array[at]) for name, array in played.observations.items())
            seen, reward, terminated, truncated, info = env.step(played.actions[step])
            assert reward == pytest.approx(played.rewards[step])
            assert (terminated, truncated) == (played.terminated[step], played.truncated[step])
            assert info["cost"] == pytest.approx(played.infos["cost"][at + 1])
        assert terminated or truncated
        assert all(np.array_equal(seen[name], array[at + 1]) for name, array in played.observations.items())


def test_a_folder_of_rlds_steps_comes_back_as_it_was(played, tmp_path):
    pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    rlds.write(played, tmp_path / "parts", sessions_per_part=15)
    assert sorted(part.name for part in (tmp_path / "parts").iterdir()) == [f"part-{n:06d}.parquet" for n in range(3)]
    assert rlds.read(tmp_path / "parts") == played
    rlds.write(played, tmp_path / "one")
    assert rlds.read(tmp_path / "one") == played
    log = swipegym.read_log(tmp_path / "one")
    assert log == episodes.to_log(played) and log.rows == played.steps
    assert np.array_equal(log["session"], played.session)
    assert np.allclose(log["play_time_ms"] / 1000, played.rewards, atol=1e-3)
    offered = played.observations["candidate"][played.before]
    assert np.array_equal(log["video"], offered[np.arange(played.steps), played.actions])
    with pytest.raises(swipegym.InputError, match="already"):
        rlds.write(played, tmp_path / "one")
    with pytest.raises(swipegym.InputError, match="other users or videos"):
        swipegym.read_log(tmp_path / "one", simulator=swipegym.Simulator.constant(videos=300))


def test_rlds_steps_say_what_rlds_says(played, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    rlds.write(played, tmp_path / "steps")
    table = parquet.read_table(tmp_path / "steps")
    steps = {name: table[name].to_numpy() for name in rlds.TYPES}
    assert len(table) == played.steps + played.sessions
    assert steps["is_first"].sum() == steps["is_last"].sum() == played.sessions
    assert np.array_equal(steps["reward"][~steps["is_last"]], played.rewards)
    assert (steps["reward"][steps["is_last"]] == 0).all()
    assert np.array_equal(steps["is_terminal"][steps["is_last"]], played.terminated[played.start[1:] - 1])
    assert (steps["discount"] == 0).sum() == played.terminated.sum()


def test_damaged_folders_are_refused_by_one_line(played, tmp_path):
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from pyarrow import parquet

    rlds.write(played, tmp_path / "steps")
    whole = parquet.read_table(tmp_path / "steps")

    def refused(table, words):
        folder = tmp_path / f"damaged-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        parquet.write_table(table, folder / "part-000000.parquet")
        for read in (rlds.read, swipegym.read_log):
            with pytest.raises(swipegym.InputError, match=words) as error:
                read(folder)
            assert "\n" not in str(error.value)

    def put(name, array):
        return whole.set_column(whole.column_names.index(name), name, pa.array(array))

    refused(whole.drop_columns(["reward"]), "column 'reward' is missing")
    refused(whole.slice(0, len(whole) - 1), "do not cut the rows into sessions")
    refused(whole.slice(1), "do not cut the rows into sessions")
    refused(put("action", ["a"] * len(whole)), "column 'action' is string, expected numbers")
    refused(put("action", np.zeros(len(whole))), "column 'action' is float64, expected int64")
    refused(put("observation", np.zeros(len(whole))), "expected a struct")
    refused(put("episode", np.zeros(len(whole), np.int64)), "does not count the sessions")
    newer = {**whole.schema.metadata, rlds.VERSION_KEY: b"2"}
    refused(whole.replace_schema_metadata(newer), "its schema version is 2")
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "part-000000.parquet").write_text("no Parquet")
    with pytest.raises(swipegym.InputError, match="part-000000.parquet"):
        swipegym.read_log(tmp_path / "text")
    with pytest.raises(swipegym.InputError, match="has no Parquet file"):
        rlds.read(tmp_path / "nowhere")


def test_a_folder_of_a_log_in_parts_is_that_log(tmp_path):
    pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    log = swipegym.generate(sessions=60)
    half = np.arange(log.rows) < log.rows // 2
    log.take(half).save(tmp_path / "log" / "part-000000.parquet")
    log.take(~half).save(tmp_path / "log" / "part-000001.parquet")
    assert swipegym.read_log(tmp_path / "log") == log
    with pytest.raises(swipegym.InputError, match="no folder of episodes"):
        rlds.read(tmp_path / "log")


def test_arrays_for_d3rlpy_are_transitions(played, tmp_path):
    arrays = mdp.mdp_arrays(played, seconds=10)
    assert arrays["observations"].shape == (played.steps, 10 * 8 + 8 + 16 + 10)
    assert np.allclose(arrays["rewards"] * 10, played.rewards)
    ends = (arrays["terminals"] + arrays["timeouts"]).astype(bool)
    assert np.array_equal(np.flatnonzero(ends), played.start[1:] - 1)
    mdp.save(played, tmp_path / "played.npz", seconds=10)
    with np.load(tmp_path / "played.npz") as file:
        assert set(file) == set(arrays)
        assert all(np.array_equal(file[name], array) for name, array in arrays.items())


def test_d3rlpy_takes_them(played):
    library = pytest.importorskip("d3rlpy", reason="d3rlpy is not installed")
    dataset = mdp.to_mdp_dataset(played)
    assert dataset.size() == played.sessions
    assert dataset.transition_count == played.steps - played.truncated.sum()  # what is behind a cut is not there
    assert dataset.dataset_info.action_size == 10
    first = dataset.episodes[0]
    assert first.terminated == played.terminated[played.start[1] - 1]
    assert np.array_equal(first.actions.ravel(), played.actions[: played.start[1]])
    dqn = library.algos.DoubleDQNConfig(batch_size=32).create(device="cpu")
    quiet = library.logging.NoopAdapterFactory()
    dqn.fit(dataset, n_steps=5, n_steps_per_epoch=5, show_progress=False, logger_adapter=quiet)
    assert dqn.predict(first.observations).max() < 10


def test_torchrl_takes_a_tensordict(played):
    pytest.importorskip("tensordict", reason="tensordict is not installed")
    transitions = tensors.to_tensordict(played)
    assert transitions.batch_size == (played.steps,)
    inside = ~(played.terminated | played.truncated)
    seen, behind = transitions["observation"].numpy(), transitions["next", "observation"].numpy()
    assert np.array_equal(behind[:-1][inside[:-1]], seen[1:][inside[:-1]])
    assert np.array_equal(transitions["next", "done"].numpy()[:, 0], ~inside)
    assert transitions["next", "reward"].shape == (played.steps, 1)
    assert not transitions["done"].any() and transitions["action_mask"].dtype == transitions["done"].dtype
    chosen = transitions["action_mask"].gather(1, transitions["action"][:, None])
    assert chosen.all()


@pytest.mark.parametrize("answer", [None, 3, np.zeros(4)])
def test_a_policy_that_returns_no_pair_is_refused(answer):
    with pytest.raises(swipegym.InputError, match="expected \\(slots, their propensities\\)"):
        episodes.record(lambda observation, info: answer, sessions=3)
