"""Agents of other libraries: the networks and adapters of the package, and the examples that use them."""

import copy
import importlib.util
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

import swipegym
from swipegym.wrappers import VectorRows, rows_of

ROOT = Path(__file__).resolve().parents[2]
NEEDS = {
    "sb3_dqn": ("torch", "stable_baselines3"),
    "sb3_ppo": ("torch", "stable_baselines3"),
    "sb3_plain": ("torch", "stable_baselines3"),
    "sb3_maskable_ppo": ("torch", "stable_baselines3", "sb3_contrib"),
    "torch_dqn": ("torch",),
    "d3rlpy_dqn": ("torch", "d3rlpy"),
    "torchrl_dqn": ("torch", "torchrl"),
    "tianshou_dqn": ("torch", "tianshou"),
    "skrl_ddqn": ("torch", "skrl"),
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
    example = ["-m", f"swipegym.examples.{name}"]
    command = [sys.executable, *example, "--steps", "2048", "--sessions", "100", "--json", str(out)]
    path = os.pathsep.join([str(Path(swipegym.__path__[0]).parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(out.read_text())
    returns = np.array(result["runs"][0]["returns"])
    random = np.array(result["random"])
    assert returns.shape == random.shape == (100,)
    assert (returns >= 0).all() and not np.array_equal(returns, random)


@pytest.mark.parametrize("name", ["torchrl_dqn", "tianshou_dqn", "skrl_ddqn", "d3rlpy_dqn", "sb3_ppo", "sb3_dqn"])
def test_an_example_is_short_enough_to_copy(name):
    lines = (Path(swipegym.__path__[0]) / "examples" / f"{name}.py").read_text().splitlines()
    assert sum(bool(line.strip()) for line in lines) <= 40


@pytest.mark.parametrize("module", ["sb3", "torch"])
def test_a_module_whose_library_is_absent_says_what_to_install(module):
    hide = {"sb3": "stable_baselines3", "torch": "torch"}[module]
    code = f"import sys; sys.modules['{hide}'] = None; import swipegym.{module}"
    path = os.pathsep.join([str(Path(swipegym.__path__[0]).parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)
    assert f"pip install 'swipegym[{module}]'" in done.stderr


@pytest.fixture
def scorer():
    skip_without("torch")
    from swipegym import torch as networks

    return networks


def test_a_scorer_gives_equal_slots_equal_numbers_and_masked_ones_none(scorer):
    import torch

    envs = VectorRows(gym.make_vec(swipegym.ENV_ID, num_envs=6, source="top", candidates=15))
    envs.reset(seed=1)
    rows, *_, info = envs.step(np.arange(6))
    torch.manual_seed(0)
    network = scorer.SlotScorer(rows.shape[1], 15, hidden=(8,))
    values = network(torch.from_numpy(rows))
    assert values.shape == (6, 15)
    assert np.array_equal(values.detach().numpy() == scorer.MASKED, info["action_mask"] == 0)
    order = np.random.default_rng(0).permutation(15)
    slots = rows[:, :120].reshape(6, 15, 8)[:, order].reshape(6, 120)
    moved = np.concatenate([slots, rows[:, 120:144], rows[:, 144:][:, order]], axis=1)
    assert torch.allclose(network(torch.from_numpy(moved)), values[:, order], atol=1e-6)
    assert torch.allclose(network(torch.from_numpy(rows).reshape(2, 3, -1)), values.reshape(2, 3, 15), atol=1e-6)
    assert scorer.SlotCritic(rows.shape[1])(torch.from_numpy(rows)).shape == (6,)
    with pytest.raises(ValueError, match="features is 20"):
        scorer.SlotScorer(20, 10)


def test_a_network_chooses_for_an_evaluation(scorer):
    import torch

    network = scorer.SlotScorer(114, 10, hidden=())
    with torch.no_grad():  # the length, and nothing else
        network.net[0].weight.zero_(), network.net[0].bias.zero_()
        network.net[0].weight[0, 0] = 1.0
    chosen = swipegym.evaluate(scorer.chooser(network), sessions=100)
    assert np.array_equal(chosen.reward, swipegym.evaluate("longest", sessions=100).reward)


@pytest.fixture
def sb3():
    skip_without("torch", "stable_baselines3")
    import torch

    torch.set_num_threads(1)
    from swipegym import sb3

    return sb3


def test_the_sb3_adapter_plays_the_sessions_of_the_native_envs(sb3):
    envs = gym.make_vec(swipegym.ENV_ID, num_envs=5, autoreset_mode="SAME_STEP", max_steps=7)
    adapter = sb3.SlotVecEnv(5, max_steps=7, rewards="drawn")
    adapter.seed(11)
    rows = adapter.reset()
    observation, info = envs.reset(seed=11)
    ends = cut = 0
    for step in range(60):
        assert np.array_equal(rows, rows_of(observation, info))
        actions = np.full(5, step % 10)
        rows, rewards, over, infos = adapter.step(actions)
        observation, seconds, terminated, truncated, info = envs.step(actions)
        assert np.allclose(rewards * 20, seconds, rtol=1e-6)
        assert np.array_equal(over, terminated | truncated)
        for i in np.flatnonzero(over):
            last = rows_of(info["final_obs"], info["final_info"])[i]
            assert np.array_equal(infos[i]["terminal_observation"], last)
            assert infos[i]["TimeLimit.truncated"] == (not terminated[i])
            assert infos[i]["episode"]["l"] <= 7
            ends, cut = ends + 1, cut + (not terminated[i])
    assert cut and ends > cut
    assert adapter.get_attr("simulator")[0] is adapter.envs.unwrapped.simulator
    assert adapter.env_method("action_masks", indices=[1])[0].all()


@pytest.mark.parametrize("steps, algorithm", [(8_192, "PPO"), (10_240, "DQN")])
def test_three_lines_learn(sb3, steps, algorithm, tmp_path):
    import stable_baselines3

    learner = getattr(stable_baselines3, algorithm)
    policy, settings = {"PPO": (sb3.SlotPolicy, sb3.PPO_SETTINGS), "DQN": (sb3.SlotQPolicy, sb3.DQN_SETTINGS)}[algorithm]
    agent = learner(policy, sb3.SlotVecEnv(64), **settings, seed=1).learn(steps)
    learned, random, oracle = (
        swipegym.evaluate(one, sessions=1000) for one in (sb3.chooser(agent), "random", "oracle")
    )
    assert learned.interval(versus=random)[0] > 0
    assert learned.mean - random.mean > 0.5 * (oracle.mean - random.mean)
    agent.save(tmp_path / "agent")
    again = learner.load(tmp_path / "agent")
    assert np.array_equal(swipegym.evaluate(sb3.chooser(again), sessions=1000).reward, learned.reward)


@pytest.mark.parametrize("page", ["README.md", "docs/guide/clients.md"])
def test_the_lines_of_the_pages_run_as_printed(sb3, page):
    text = (ROOT / page).read_text()
    blocks = [block.split("```")[0] for block in text.split("```python\n")[1:]]
    assert len(blocks) >= 2
    names: dict = {}
    for block in blocks:
        for long, short in (("20_000", "2_048"), ("100_000", "1_000"), ("sessions=4000", "sessions=100")):
            block = block.replace(long, short)
        exec(compile(block, page, "exec"), names)  # noqa: S102
    assert isinstance(names["agent"], sb3.PPO)


def test_small_networks_keep_to_one_thread_unless_told_otherwise(sb3):
    import torch

    for learner, policy in ((sb3.PPO, sb3.SlotPolicy), (sb3.DQN, sb3.SlotQPolicy)):
        for said, threads in (({"torch_threads": None}, 2), ({}, 1)):
            torch.set_num_threads(2)
            learner(policy, sb3.SlotVecEnv(2), policy_kwargs=said, device="cpu")
            assert torch.get_num_threads() == threads


def test_masks_reach_the_policies(sb3):
    from stable_baselines3 import DQN, PPO

    # A masked slot raises, so that training shows that none is ever chosen; DQN explores without a look at them.
    settings = {"source": "top", "candidates": 12}
    agent = PPO(sb3.SlotPolicy, sb3.SlotVecEnv(8, invalid_action="raise", **settings), n_steps=32, device="cpu", seed=1)
    swipegym.evaluate(sb3.chooser(agent.learn(512)), sessions=300, **settings)
    agent = DQN(sb3.SlotQPolicy, sb3.SlotVecEnv(8, **settings), learning_starts=64, device="cpu", seed=1)
    swipegym.evaluate(sb3.chooser(agent.learn(256)), sessions=300, **settings)


def test_policies_learn_from_sb3_s_own_environments_too(sb3):
    from stable_baselines3 import A2C, DQN, PPO

    for learner, policy in ((PPO, sb3.SlotPolicy), (A2C, sb3.SlotPolicy), (DQN, sb3.SlotQPolicy)):
        steps = {"n_steps": 8} if policy is sb3.SlotPolicy else {"learning_starts": 8}
        arch = {"net_arch": [16]}
        agent = learner(policy, swipegym.ENV_ID, policy_kwargs=arch, device="cpu", **steps).learn(32)
        assert len(swipegym.evaluate(sb3.chooser(agent), sessions=4).reward) == 4


def test_environments_of_other_libraries_are_copied(sb3):
    adapter = sb3.SlotVecEnv(4)
    adapter.seed(1), adapter.reset(), adapter.step(np.zeros(4, int))
    for other in (copy.deepcopy(adapter), pickle.loads(pickle.dumps(adapter))):
        twin = copy.deepcopy(adapter)
        assert np.array_equal(other.step(np.ones(4, int))[1], twin.step(np.ones(4, int))[1])


def test_maskable_ppo_trains_where_watched_videos_are_masked(sb3):
    skip_without("sb3_contrib")
    from swipegym.examples import common, sb3_maskable_ppo

    choose = sb3_maskable_ppo.train(1, 2048, common.Progress(0, 0), source="top", invalid_action="raise")
    swipegym.evaluate(choose, sessions=100, source="top")
