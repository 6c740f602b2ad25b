"""What comes in from Python is a number in its range, a known word or a path, or an InputError that names it."""

import copy
import importlib.util
import os
import pickle
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

import swipegym
from swipegym import logs
from swipegym.formats import open_bandit

ID = "swipegym/ShortVideo-v0"
DEFAULT = os.path.join(swipegym.__path__[0], "default.h5")
NO_NUMBERS = [np.nan, np.inf, -np.inf, None, "3", b"3", True, np.True_, [1], {}, 1j, object()]
NO_WHOLE_NUMBERS = [*NO_NUMBERS, 1.5, 2.0, 1e9, np.float64(3), -1, np.int8(-1), 2**64, -(2**64), 10**30]


def refused(name, call, *arguments, **named):
    """The call raises InputError whose message begins with the argument's name and says what was expected."""
    with pytest.raises(swipegym.InputError) as error:
        call(*arguments, **named)
    text = str(error.value)
    assert text.startswith(name) and ("expected" in text), text


def env(**settings):
    return (
        swipegym.ShortVideoEnv(threads=1, **settings)
        if "threads" not in settings
        else swipegym.ShortVideoEnv(**settings)
    )


@pytest.mark.parametrize("value", NO_WHOLE_NUMBERS)
def test_counts_are_whole_numbers_in_their_range(value):
    for name in ("candidates", "history_length", "max_steps", "threads"):
        refused(name, env, **{name: value})
        refused(name, swipegym.evaluate, "random", sessions=2, **{name: value})
        refused(name, swipegym.generate, sessions=2, **{name: value})
    refused("num_envs", gym.make_vec, ID, num_envs=value)
    for name in ("sessions", "seed", "first_session"):
        refused(name, swipegym.evaluate, "random", **{name: value})
    for name in ("sessions", "seed", "first_user", "users"):
        refused(name, swipegym.generate, **{name: value})
    refused("part", logs.generate_part, value)
    refused("users_per_part", logs.generate_part, 0, value)
    refused("leave_after", swipegym.Simulator.constant, leave_after=value)
    refused("videos", swipegym.Simulator.constant, videos=value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("candidates", 0),
        ("history_length", 0),
        ("history_length", 201),
        ("max_steps", 0),
        ("max_steps", 10**9),
        ("threads", 10**6),
    ],
)
def test_counts_have_bounds(name, value):
    refused(name, env, **{name: value})
    refused(name, gym.make_vec, ID, num_envs=2, **{name: value})
    refused(name, swipegym.evaluate, "random", sessions=2, **{name: value})
    refused(name, swipegym.generate, sessions=2, **{name: value})


def test_counts_of_nothing_are_refused():
    refused("num_envs", gym.make_vec, ID, num_envs=0)
    refused("sessions", swipegym.evaluate, "random", sessions=1)
    refused("sessions", swipegym.generate, sessions=0)


@pytest.mark.parametrize("value", [*NO_NUMBERS, 1e300, -1e300, 10**400])
def test_weights_are_finite_numbers(value):
    for term in ("watch_s", "watch_ratio", "is_like", "return_day", "gap_h"):
        weights = {term: value}
        refused(f"reward['{term}']", env, reward=weights)
        refused(f"costs[1]['{term}']", env, costs=[{"watch_s": 1.0}, weights])
        refused(f"reward['{term}']", swipegym.evaluate, "random", sessions=2, reward=weights)
        refused(f"reward['{term}']", swipegym.evaluate, lambda o, i: None, sessions=2, reward=weights)
        refused(f"reward['{term}']", swipegym.generate, sessions=2, reward=weights)
    refused("watch_ratio", swipegym.Simulator.constant, watch_ratio=value)


@pytest.mark.parametrize(
    "weights", [None, 1.0, "watch_s", [("watch_s", 1.0)], {"smiles": 1.0}, {3: 1.0}, {("a",): 1.0}]
)
def test_a_reward_is_a_mapping_from_terms_to_weights(weights):
    for call in (env, lambda **named: swipegym.evaluate("random", sessions=2, **named)):
        if weights is not None or call is env:
            refused("reward" if not isinstance(weights, dict) else "a term of reward", call, reward=weights)
    refused("costs", env, costs=weights)


@pytest.mark.parametrize("value", [*[v for v in NO_NUMBERS if v is not None], -1, -0.001, 1e300])
def test_chances_and_temperatures_are_in_their_range(value):
    policy, seen = swipegym.Policy("item-mean"), gym.make_vec(ID, num_envs=2).reset(seed=1)
    for name in ("epsilon", "temperature"):
        refused(name, swipegym.generate, sessions=2, **{name: value})
        refused(name, policy.probabilities, *seen, **{name: value})
    refused("epsilon", swipegym.generate, sessions=2, epsilon=1.001)
    refused("temperature", swipegym.generate, sessions=2, temperature=1e-30)
    refused("epsilon", swipegym.generate, sessions=2, epsilon=None)


def test_numbers_of_numpy_are_numbers():
    log = swipegym.generate(
        "longest",
        sessions=np.int16(20),
        seed=np.uint64(3),
        candidates=np.int8(10),
        history_length=np.array(50),
        max_steps=np.int64(100),
        reward={"watch_s": np.float32(1.0)},
        epsilon=np.float32(0.25),
        threads=np.uint8(1),
        keep_candidates=np.True_,
    )
    assert log == swipegym.generate("longest", sessions=20, seed=3, epsilon=0.25, keep_candidates=True)
    envs = gym.make_vec(
        ID, num_envs=np.int64(2), candidates=np.uint16(5), reward={"watch_s": np.int8(2)}, copy=np.False_
    )
    assert type(envs.num_envs) is int and envs.action_space.shape == (2,)
    assert swipegym.evaluate("random", sessions=np.int32(2), max_steps=np.uint8(3)).reward.shape == (2,)
    assert (swipegym.evaluate("random", sessions=2, reward={"watch_s": 1e-300}).reward == 0).all()


@pytest.mark.parametrize("value", [None, 3, "no", ["raise"], np.nan, b"raise"])
def test_words_are_known_ones(value):
    for name in ("invalid_action", "rewards", "clock"):
        refused(name, env, **{name: value})
    refused("autoreset_mode", gym.make_vec, ID, num_envs=2, autoreset_mode=value)
    refused("clock", swipegym.Simulator.load, DEFAULT, value)
    refused("clock", swipegym.load_simulator, DEFAULT, value)
    refused("copy", gym.make_vec, ID, num_envs=2, copy=value)
    refused("keep_candidates", swipegym.generate, sessions=2, keep_candidates=value)


@pytest.mark.parametrize("value", [3, 1.5, ["random"], {}, "", b"", "a\0b", "\ud800"])
def test_names_and_paths_are_text_or_paths(value):
    refused("source", env, source=value)
    refused("simulator", env, simulator=value)
    refused("policy", swipegym.Policy, value)
    refused("path", swipegym.Simulator.load, value)
    refused("path", swipegym.read_log, value)
    refused("path", swipegym.generate(sessions=2).save, value)


def test_a_clock_is_a_file_s():
    worlds = [env(clock=clock).simulator for clock in ("dense", "log", "dense", "log")]
    assert worlds[0] is worlds[2] is swipegym.default_simulator() and worlds[1] is worlds[3] is not worlds[0]
    with pytest.raises(swipegym.InputError, match="clock is 'log' beside a Simulator"):
        env(simulator=swipegym.default_simulator(), clock="log")


@pytest.mark.parametrize("kind", ["text", "bytes", "path"])
def test_paths_of_any_bytes_work_everywhere(kind, tmp_path):
    as_kind = {"text": os.fsdecode, "bytes": os.fsencode, "path": lambda p: Path(os.fsdecode(p))}[kind]
    folder = os.path.join(os.fsencode(tmp_path), b"caf\xe9 \xff")
    os.mkdir(folder)
    simulator = os.path.join(folder, b"sim,\xe9.h5")
    with open(DEFAULT, "rb") as source, open(simulator, "wb") as target:
        target.write(source.read())
    given = as_kind(simulator)
    assert swipegym.load_simulator(given).fingerprint == swipegym.default_simulator().fingerprint
    assert swipegym.Simulator.load(given).num_users == 500
    env(simulator=given)
    log = swipegym.generate(sessions=20, simulator=given, keep_candidates=True)
    parquet = (b"log\xe9.parquet",) if importlib.util.find_spec("pyarrow") else ()
    for name in (b"log\xe9.h5", b"log\xe9", b"log\xe9.inter", *parquet):
        path = as_kind(os.path.join(folder, name))
        options = {} if name.endswith(b"parquet") else {"simulator": given}
        log.save(path, **options)
        assert swipegym.read_log(path).rows == log.rows
    feedback = open_bandit.bandit_feedback(log)
    open_bandit.save(feedback, as_kind(os.path.join(folder, b"f\xe9.npz")))
    assert open_bandit.to_log(open_bandit.load(as_kind(os.path.join(folder, b"f\xe9.npz")))) == log
    for call in (lambda p: swipegym.Policy(p), lambda p: swipegym.load_simulator(p), lambda p: env(source=p)):
        with pytest.raises(swipegym.InputError, match=r"\\xff"):
            call(as_kind(os.path.join(folder, b"none\xff.h5")))


@pytest.mark.parametrize(
    "actions",
    [
        np.zeros(4, bool),
        np.zeros(4, np.float32),
        np.zeros((4, 1), int),
        np.zeros(3, int),
        np.array(0),
        0,
        None,
        "0000",
        [0, 1, 2, 2**40],
        [0, 0, 0, 2**70],
        np.full(4, -(2**31) - 1),
        np.zeros(4, complex),
        np.zeros(4, "datetime64[s]"),
    ],
)
def test_actions_of_another_type_or_shape_are_refused(actions):
    envs = gym.make_vec(ID, num_envs=4)
    envs.reset(seed=1)
    with pytest.raises(swipegym.InputError):
        envs.step(actions)


def test_actions_of_any_integer_type_and_layout_are_taken():
    rewards = []
    for actions in (
        np.arange(4, dtype=np.uint8),
        np.arange(4, dtype=np.uint64),
        np.arange(8)[::2] // 2,
        [0, 1, 2, 3],
        (0, 1, 2, 3),
        np.arange(4, dtype=">i4"),
        np.frombuffer(np.arange(4, dtype=np.int32).tobytes(), np.int32),
    ):
        envs = gym.make_vec(ID, num_envs=4)
        envs.reset(seed=1)
        rewards.append(envs.step(actions)[1].tolist())
    assert all(reward == rewards[0] for reward in rewards)


def test_observations_that_point_nowhere_are_refused():
    policy = swipegym.Policy("item-mean")
    observation, info = gym.make_vec(ID, num_envs=3).reset(seed=1)
    for name, value in (("candidate", 300), ("candidate", -1), ("history_video", 300), ("history_video", -2)):
        wrong = {**observation, name: observation[name].copy()}
        wrong[name][1, 2] = value
        with pytest.raises(swipegym.InputError, match=f"'{name}' .* holds {value}"):
            policy.score(wrong, info)
    with pytest.raises(swipegym.InputError, match=r"info\['user'\] holds 500"):
        policy.score(observation, {**info, "user": np.full(3, 500)})
    for value in (np.nan, np.inf):
        wrong = {**observation, "context": observation["context"].copy()}
        wrong["context"][2, 1] = value
        with pytest.raises(swipegym.InputError, match="'context' .* row 2"):
            policy.score(wrong, info)
    for name in ("user", "action_mask"):
        with pytest.raises(swipegym.InputError, match=f"info has no '{name}'"):
            policy.score(observation, {key: value for key, value in info.items() if key != name})
    for user in (np.zeros(3), np.zeros(2, int), np.full(3, -1), "abc"):
        with pytest.raises(swipegym.InputError, match=r"info\['user'\]"):
            policy.score(observation, {**info, "user": user})
    for mask in (np.ones((3, 10)), np.ones((3, 9), bool), np.full((3, 10), 2), np.ones(10, bool)):
        with pytest.raises(swipegym.InputError, match=r"info\['action_mask'\]"):
            policy.score(observation, {**info, "action_mask": mask})


def test_logs_and_evaluations_are_pickled_and_copied():
    log = swipegym.generate(sessions=5, keep_candidates=True)
    played = swipegym.evaluate("random", sessions=5)
    for again in (pickle.loads(pickle.dumps(log)), copy.copy(log), copy.deepcopy(log)):
        assert again == log
    assert pickle.loads(pickle.dumps(played)).interval(versus=played) == (0.0, 0.0)


def test_a_closed_environment_says_so_whatever_is_asked():
    from gymnasium.error import ClosedEnvironmentError

    lone, envs = swipegym.ShortVideoEnv(render_mode="ansi"), gym.make_vec(ID, num_envs=2)
    for one in (lone, envs):
        with pytest.raises((swipegym.InputError, gym.error.ResetNeeded), match="reset"):
            one.action_masks()
        one.reset(seed=1)
        one.close()
        one.close()
        for call in (one.reset, lambda: one.step(np.zeros(2, int)), one.action_masks):  # noqa: B023
            with pytest.raises(ClosedEnvironmentError):
                call()
    with pytest.raises(ClosedEnvironmentError):
        lone.render()


def test_a_signal_is_named_with_or_without_its_columns_prefix_but_not_both():
    worlds = [{"like": 3.0}, {"is_like": 3.0}]
    first, second = (swipegym.evaluate("random", sessions=20, reward=reward) for reward in worlds)
    assert np.array_equal(first.reward, second.reward)
    assert first.played == second.played
    refused("a term of reward", env, reward={"like": 3.0, "is_like": 3.0})
