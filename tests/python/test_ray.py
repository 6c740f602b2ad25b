"""What a cluster promises: the same result for any number of workers, and after one of them was killed."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import swipegym
from swipegym import commands

ray = pytest.importorskip("ray", reason="pip install ray")
pytest.importorskip("pyarrow.parquet", reason="pip install pyarrow")

from swipegym import ray as cluster  # noqa: E402

SESSIONS = 20_000
MADE = {"sessions": SESSIONS, "policy": "longest", "epsilon": 0.2, "users_per_part": 256, "quiet": True}
ONE_WORKER, TWO_WORKERS = {"cpus_per_task": 4}, {"cpus_per_task": 2}  # at a time, of a cluster with four processors


@pytest.fixture(scope="module", autouse=True)
def four_processors():
    os.environ["RAY_worker_niceness"] = "0"  # Ray's own 15 starves workers wherever anything else runs
    ray.init("local", num_cpus=4, include_dashboard=False, logging_level="ERROR")
    yield
    ray.shutdown()


def processes_running(task):
    """Ray gives a worker's process the title of what it is at."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if not file.read().startswith(f"ray::{task}".encode()):
                    continue
            with open(f"/proc/{pid}/status") as file:
                parent = next(int(line.split()[1]) for line in file if line.startswith("PPid"))
        except (OSError, StopIteration):
            continue
        if parent == ray._private.worker._global_node.all_processes["raylet"][0].process.pid:  # not another cluster's
            yield int(pid)


@pytest.fixture
def killer():
    """killer(task): kills the first worker of the cluster found to run the task; returns the list for its pid."""
    threads = []

    def begin(task):
        killed = []

        def look():
            until = time.monotonic() + 30
            while not killed and time.monotonic() < until:
                for pid in processes_running(task):
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
                    break
                time.sleep(0.02)

        threads.append(threading.Thread(target=look))
        threads[-1].start()
        return killed

    yield begin
    for thread in threads:
        thread.join()


def test_a_log_has_the_same_bytes_for_one_worker_two_and_after_one_was_killed(killer, tmp_path):
    one = cluster.generate(tmp_path / "one.parquet", **MADE, **ONE_WORKER)
    cluster.generate(tmp_path / "two.parquet", **MADE, **TWO_WORKERS)
    killed = killer("_make_part")
    cluster.generate(tmp_path / "killed.parquet", **MADE, **TWO_WORKERS)
    assert killed
    whole = (tmp_path / "one.parquet").read_bytes()
    assert (tmp_path / "two.parquet").read_bytes() == whole
    assert (tmp_path / "killed.parquet").read_bytes() == whole
    log = swipegym.read_log(tmp_path / "one.parquet")
    assert log == swipegym.generate("longest", sessions=SESSIONS, epsilon=0.2)
    assert (one.sessions, one.rows) == (SESSIONS, log.rows)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_folder_that_workers_write_is_the_same_log(killer, tmp_path):
    from pyarrow import parquet

    killed = killer("_make_part")
    written = cluster.generate(tmp_path / "log", **MADE, **TWO_WORKERS)
    assert killed
    cluster.generate(tmp_path / "again", **MADE, **ONE_WORKER)
    names = sorted(path.name for path in (tmp_path / "log").iterdir())
    assert names[0] == "part-000000.parquet" and len(names) > 5
    for name in names:
        assert (tmp_path / "log" / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name
    log = swipegym.Log.from_arrow(parquet.read_table(tmp_path / "log"))
    assert log == swipegym.generate("longest", sessions=SESSIONS, epsilon=0.2)
    assert written.rows == log.rows
    with pytest.raises(swipegym.InputError, match="already"):
        cluster.generate(tmp_path / "log", **MADE)
    assert len(list(tmp_path.iterdir())) == 2


CALL = """
import sys, ray
ray.init(sys.argv[1], logging_level="ERROR")
from swipegym import ray as cluster
cluster.generate(sys.argv[2], sessions=20000, policy="longest", epsilon=0.2, users_per_part=256, quiet=True)
"""


@pytest.mark.parametrize("name", ["log", "log.parquet"])
def test_a_log_goes_on_after_the_process_that_called_was_killed(name, tmp_path):
    path, parts = tmp_path / name, tmp_path / f"{name}.unfinished"
    address = ray.get_runtime_context().gcs_address
    caller = subprocess.Popen([sys.executable, "-c", CALL, address, str(path)])
    until = time.monotonic() + 60
    while len(list(parts.glob("part-*.parquet"))) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    caller.kill()
    caller.wait()
    assert not path.exists()
    there = {part: part.stat().st_mtime_ns for part in parts.glob("part-*.parquet")}
    assert len(there) >= 2
    with pytest.raises(swipegym.InputError, match="parts of a call with seed 1, got 2"):
        cluster.generate(path, **MADE, seed=2)
    hole = sorted(there)[0]
    hole.unlink()  # workers of a folder do not finish in order
    cluster.generate(path, **MADE)
    if name == "log":  # parts that were there are those that are there now
        for part in sorted(there)[1:]:
            assert (path / part.name).stat().st_mtime_ns == there[part]
    cluster.generate(tmp_path / f"whole-{name}", **MADE)
    assert files_of(tmp_path / f"whole-{name}") == files_of(path)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted([name, f"whole-{name}"])


def test_a_folder_that_is_not_of_a_log_under_way_stays(tmp_path):
    (tmp_path / "log.unfinished").mkdir()
    (tmp_path / "log.unfinished" / "mine").write_text("mine")
    with pytest.raises(swipegym.InputError, match="is not of a log under way"):
        cluster.generate(tmp_path / "log", **MADE)
    assert (tmp_path / "log.unfinished" / "mine").read_text() == "mine"


def test_a_comparison_is_that_of_one_process_after_a_worker_was_killed_too(tmp_path):
    marker = tmp_path / "killed"

    def mine(observation, info):
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        features = observation["candidate_features"].reshape(len(info["user"]), -1, 8)
        return np.argmax(features[:, :, 1], axis=1)

    policies = {"random": "random", "oracle": "oracle", "mine": mine}
    shared = cluster.compare(policies, sessions=1001, sessions_per_share=300, seed=7, quiet=True)
    assert marker.exists()
    assert list(shared) == list(policies)
    for name, policy in policies.items():
        alone = swipegym.evaluate(policy, sessions=1001, seed=7)
        assert shared[name].interval(versus=alone) == (0.0, 0.0)
        assert list(shared[name].columns) == list(alone.columns)
        for column in alone.columns:
            assert np.array_equal(shared[name].columns[column], alone.columns[column]), (name, column)
    assert not np.array_equal(shared["random"].reward, shared["mine"].reward)


SEASON = {"days": 4, "burn_in": 1, "users": 30, "visits": 5, "seeds": 2, "seed": 7}
SMALL = {"world": {"life_days": 3, "least_on_offer": 60}, "max_steps": 5}


def files_of(folder):
    if folder.is_file():
        return folder.read_bytes()
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_seasons_are_those_of_one_process_and_go_on_from_what_is_there(killer, tmp_path):
    commands.data_synth(preset="tiny", seed=3, out=tmp_path / "world", quiet=True)
    stages = tmp_path / "stages.json"
    commands.supervised("popularity", data=tmp_path / "world", until=20220501, out=tmp_path / "popular.h5", quiet=True)
    stages.write_text('{"retrieve": [{"use": "policy", "file": "popular.h5", "count": 20}]}')  # which travels along
    world = {"simulator": tmp_path / "world", "settings": SMALL, **SEASON}
    policies = {"uniform": "uniform", "popular": stages}
    killed = killer("_play_season")
    shared = cluster.platform(policies, **world, split="greedy", out=tmp_path / "shared", quiet=True, **TWO_WORKERS)
    assert killed
    words = ["uniform", f"popular={stages}"]
    alone = swipegym.platform.run(policies=words, split="greedy", **world, out=tmp_path / "alone")
    assert str(shared) == str(alone)
    assert files_of(tmp_path / "shared") == files_of(tmp_path / "alone")
    (tmp_path / "shared" / "runs" / "popular-s8.json").unlink()
    again = cluster.platform(words, **world, split="greedy", out=tmp_path / "shared", quiet=True)
    assert str(again) == str(alone)
    assert files_of(tmp_path / "shared") == files_of(tmp_path / "alone")


def test_seasons_that_cannot_be_played_are_refused(tmp_path):
    small = {"settings": SMALL, **SEASON, "quiet": True}
    (tmp_path / "file").write_text("in the way")
    for wrong, words in (
        ({"policies": []}, "no policies"),
        ({"policies": "uniform"}, "a list of policies"),
        ({"policies": ["uniform", "uniform"]}, "one name"),
        ({"policies": ["nowhere.json"]}, "nowhere.json: no such file"),
        ({"policies": ["nobody"]}, "nobody"),
        ({"policies": {"a/b": "uniform"}}, "without /"),
        ({"logs": True}, "logs"),
        ({"seeds": 0}, "seeds"),
        ({"days": 0}, "--days"),
        ({"out": tmp_path / "file"}, "name another folder"),
        ({"simulator": tmp_path}, "no tables of a release"),
    ):
        with pytest.raises(swipegym.InputError, match=words):
            cluster.platform(**{**small, **wrong})
    (tmp_path / "stages.json").write_text('{"retrieve": [{"use": "vectors", "file": "towers.h5"}]}')
    with pytest.raises(swipegym.InputError, match="names towers.h5"):
        cluster.platform([tmp_path / "stages.json"], **small)


def test_files_travel_and_wrong_ones_are_refused_before_any_work(tmp_path):
    simulator = os.path.join(swipegym.__path__[0], "default.h5")
    sent = cluster.compare(["longest"], sessions=50, simulator=simulator, quiet=True)["longest"]
    assert np.array_equal(sent.reward, swipegym.evaluate("longest", sessions=50).reward)
    with pytest.raises(swipegym.InputError, match="nowhere.h5: no such file"):
        cluster.compare(["nowhere.h5"], sessions=50)
    with pytest.raises(swipegym.InputError, match="nobody"):
        cluster.generate(tmp_path / "log.parquet", policy="nobody")
    with pytest.raises(swipegym.InputError, match="twice"):
        cluster.compare(["random", "random"])
    with pytest.raises(swipegym.InputError, match="sessions_per_share is 100, expected a whole number from 256"):
        cluster.compare(["random"], sessions_per_share=100)
    with pytest.raises(swipegym.InputError, match="log.csv"):
        cluster.generate(tmp_path / "log.csv")
    assert list(tmp_path.iterdir()) == []


def test_what_fails_on_a_worker_leaves_no_file(tmp_path):
    for path in (tmp_path / "log.parquet", tmp_path / "log"):
        with pytest.raises(swipegym.InputError, match="history"):
            cluster.generate(path, history_length=1000, quiet=True)
    assert list(tmp_path.iterdir()) == []


def test_rllib_steps_the_environment_in_runners_of_its_own():
    try:
        from ray.rllib.algorithms import ppo
    except ImportError as error:
        pytest.skip(f"pip install 'ray[rllib]' torch: {error}")
    config = (
        ppo.PPOConfig()
        .environment(cluster.register_env(), env_config={"candidates": 5})
        .env_runners(num_env_runners=2, rollout_fragment_length=100)
        .training(train_batch_size=400, minibatch_size=200, num_epochs=1)
    )
    algorithm = config.build_algo()
    try:
        result = algorithm.train()
    finally:
        algorithm.stop()
    assert result["env_runners"]["num_env_steps_sampled"] >= 400
    assert result["env_runners"]["episode_return_mean"] > 0
