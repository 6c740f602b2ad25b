"""Seasons from Python: the command as a function, and a season as an environment."""

import signal
import subprocess
import sys
import time

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import swipegym
from swipegym import platform

SMALL = {"world": {"life_days": 3, "least_on_offer": 60, "gap_scale": 0.2}, "max_steps": 5}


def make(**arguments):
    return gym.make("swipegym/Platform-v0", users=20, days=4, settings=SMALL, threads=1, **arguments)


def test_run_gives_every_day_of_every_world(tmp_path):
    season = platform.run(
        days=3, burn_in=1, users=20, policies=["uniform", "greedy"], seeds=2, settings=SMALL, out=tmp_path / "season"
    )
    assert "greedy" in str(season)
    assert [policy["policy"] for policy in season["policies"]] == ["uniform", "greedy"]
    assert len(season.days["day"]) == 2 * 2 * 3
    assert set(season.days["policy"]) == {"uniform", "greedy"}
    assert (season.days["seconds"] > 0).any()
    assert set(platform.MEASURES) < set(season.days)
    again = platform.run(
        days=3, burn_in=1, users=20, policies=["uniform", "greedy"], seeds=2, settings=SMALL, out=tmp_path / "season"
    )
    assert (again.days["seconds"] == season.days["seconds"]).all()


def test_ctrl_c_ends_seasons_that_are_played_on_other_threads(tmp_path):
    script = f"""
import signal, swipegym
signal.signal(signal.SIGINT, signal.default_int_handler)
settings = {SMALL!r}
swipegym.platform.run(days=10_000, burn_in=1, users=20, policies=["uniform"], seeds=2, settings=settings, out={str(tmp_path)!r})
"""
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while not list(tmp_path.glob("runs/*.h5")) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    error = process.communicate(timeout=60)[1]
    assert "KeyboardInterrupt" in error
    assert list(tmp_path.glob("runs/*.h5"))  # from where the same call goes on


def test_an_environment_is_one_of_gymnasium():
    check_env(make().unwrapped, skip_render_check=True)


def test_a_seed_decides_a_season_and_episodes_differ():
    env = make()
    runs = []
    for _ in range(2):
        first, _ = env.reset(seed=3)
        rewards = []
        over = False
        while not over:
            _, reward, terminated, over, info = env.step(np.zeros(7, np.float32))
            assert not terminated
            rewards.append(reward)
        runs.append((first, rewards))
    assert (runs[0][0] == runs[1][0]).all()
    assert runs[0][1] == runs[1][1]
    assert len(runs[0][1]) == 3  # the first of the four days is yesterday's
    other, _ = env.reset()
    assert (other != runs[0][0]).any()
    with pytest.raises(gym.error.ResetNeeded):
        done = make()
        done.reset(seed=1)
        for _ in range(4):
            done.unwrapped.step(np.zeros(7, np.float32))


def test_knobs_matter():
    totals = []
    for fresh in (1.0, -1.0):
        env = make(rewards={"seconds": 0.0, "uploads": 1.0, "returns": 2.0})
        env.reset(seed=5)
        action = np.array([fresh, 0, 0, -fresh, 0, 0, 0], np.float32)
        shares = []
        over = False
        while not over:
            _, reward, _, over, info = env.step(action)
            shares.append(info["measures"]["fresh"])
            expected = info["measures"]["uploads"] * 5.0 + 2.0 * info["measures"]["returns"]
            assert reward == pytest.approx(expected)
        totals.append(np.nanmean(shares))
    assert totals[0] > totals[1]


def test_bad_arguments_are_refused():
    for arguments, words in (
        ({"users": 0}, "users"),
        ({"days": 2.5}, "days"),
        ({"rewards": {"clicks": 1.0}}, "rewards"),
        ({"render_mode": "human"}, "render_mode"),
    ):
        with pytest.raises(swipegym.InputError, match=words):
            platform.PlatformEnv(**{"users": 20, "days": 4, **arguments})
    with pytest.raises(swipegym.InputError, match="life_days"):
        env = platform.PlatformEnv(users=20, days=4, settings={"world": {"life_days": -1}})
        env.reset(seed=1)
    with pytest.raises(swipegym.InputError, match="action"):
        env = make().unwrapped
        env.reset(seed=1)
        env.step(np.zeros(3))
