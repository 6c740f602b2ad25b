"""The examples run, and hand Stable-Baselines3 what the environment says."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

import swipegym

EXAMPLES = Path(__file__).resolve().parents[2] / "python" / "examples"
NEEDS = {
    "sb3_dqn": ("torch", "stable_baselines3"),
    "sb3_ppo": ("torch", "stable_baselines3"),
    "sb3_maskable_ppo": ("torch", "stable_baselines3", "sb3_contrib"),
    "torch_dqn": ("torch",),
    "pfrl_dqn": ("torch", "pfrl"),
    "rllib_ppo": ("torch", "ray.rllib", "pydantic"),  # pydantic: ray alone has the folder, but not what it needs
}


def missing(packages):
    for package in packages:
        try:
            if importlib.util.find_spec(package) is None:
                return package
        except ImportError:
            return package
    return None


def skip_without(*packages):
    absent = missing(packages)
    if absent is not None:
        pytest.skip(f"{absent} is not installed")


@pytest.mark.parametrize("name", NEEDS)
def test_an_example_trains_and_reports_every_session(name, tmp_path):
    skip_without(*NEEDS[name])
    out = tmp_path / "out.json"
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), "--steps", "2048", "--sessions", "100", "--json", str(out)]
    path = os.pathsep.join([str(Path(swipegym.__path__[0]).parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(out.read_text())
    returns = np.array(result["runs"][0]["returns"])
    random = np.array(result["random"])
    assert returns.shape == random.shape == (100,)
    assert (returns >= 0).all() and not np.array_equal(returns, random)


@pytest.fixture
def sb3_common(monkeypatch):
    skip_without("torch", "stable_baselines3")
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import sb3_common

    return sb3_common


def test_the_sb3_adapter_plays_the_sessions_of_the_native_envs(sb3_common):
    envs = gym.make_vec(swipegym.ENV_ID, num_envs=5, autoreset_mode=gym.vector.AutoresetMode.SAME_STEP, max_steps=7)
    adapter = sb3_common.SlotVecEnv(5, max_steps=7)
    adapter.seed(11)
    rows = adapter.reset()
    observation, _ = envs.reset(seed=11)
    ends = cut = 0
    for step in range(60):
        assert np.array_equal(rows, sb3_common.rows_of(observation))
        actions = np.full(5, step % 10)
        rows, rewards, over, infos = adapter.step(actions)
        observation, seconds, terminated, truncated, info = envs.step(actions)
        assert np.allclose(rewards * sb3_common.SECONDS, seconds, rtol=1e-6)
        assert np.array_equal(over, terminated | truncated)
        for i in np.flatnonzero(over):
            last = {key: array[i : i + 1] for key, array in info["final_obs"].items()}
            assert np.array_equal(infos[i]["terminal_observation"], sb3_common.rows_of(last)[0])
            assert infos[i]["TimeLimit.truncated"] == (not terminated[i])
            assert infos[i]["episode"]["l"] <= 7
            ends, cut = ends + 1, cut + (not terminated[i])
    assert cut and ends > cut


def test_maskable_ppo_trains_where_watched_videos_are_masked(sb3_common, tmp_path):
    skip_without("sb3_contrib")
    import common
    import sb3_maskable_ppo

    # A masked slot raises, so that training through 2,048 steps shows that the mask reaches the agent.
    choose = sb3_maskable_ppo.train(1, 2048, common.Progress(0, 0), source="top")
    seen_masked = []

    def masked(observation, info):
        masks = info["action_mask"].astype(bool)
        seen_masked.append((~masks).any())
        return choose(common.rows_of(observation), masks)

    swipegym.evaluate(masked, sessions=100, source="top")
    assert any(seen_masked)
