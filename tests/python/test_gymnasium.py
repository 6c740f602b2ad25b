"""What Gymnasium's own tools do with the environments: wrappers, vectors of processes, films, copies."""

import copy
import copyreg
import pickle

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces, wrappers
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import vector as vector_wrappers

import swipegym

ID = "swipegym/ShortVideo-v0"
MODES = [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP, AutoresetMode.DISABLED]


class DictCartPole(gym.ObservationWrapper):
    """What a wrapper that this one bears must bear of ours."""

    def __init__(self, env):
        super().__init__(env)
        self.observation_space = spaces.Dict({"context": env.observation_space, "again": env.observation_space})

    def observation(self, observation):
        return {"context": observation, "again": observation}


def context(env):
    """The part of a Dict that is a Box, for wrappers that want one."""
    return wrappers.TransformObservation(env, lambda seen: seen["context"], env.observation_space["context"])


WRAPPERS = {
    "DelayObservation": lambda env: wrappers.DelayObservation(env, 2),
    "DtypeObservation": lambda env: wrappers.DtypeObservation(context(env), np.float64),
    "FilterObservation": lambda env: wrappers.FilterObservation(env, ["context"]),
    "FlattenObservation": wrappers.FlattenObservation,
    "FrameStackObservation": lambda env: wrappers.FrameStackObservation(env, 3),
    "TransformObservation": context,
    "MaxAndSkipObservation": lambda env: wrappers.MaxAndSkipObservation(context(env), 2),
    "NormalizeObservation": lambda env: wrappers.NormalizeObservation(context(env)),
    "ReshapeObservation": lambda env: wrappers.ReshapeObservation(
        context(env), (2, env.observation_space["context"].shape[0] // 2)
    ),
    "TimeAwareObservation": wrappers.TimeAwareObservation,  # asks the spec for max_episode_steps
    "TransformAction": lambda env: wrappers.TransformAction(env, lambda action: action, env.action_space),
    "StickyAction": lambda env: wrappers.StickyAction(env, 0.3),
    "RepeatAction": lambda env: wrappers.RepeatAction(env, 2),
    "ClipReward": lambda env: wrappers.ClipReward(env, 0.0, 1.0),
    "TransformReward": lambda env: wrappers.TransformReward(env, lambda reward: reward / 2),
    "NormalizeReward": wrappers.NormalizeReward,
    "TimeLimit": lambda env: wrappers.TimeLimit(env, 5),
    "Autoreset": wrappers.Autoreset,
    "PassiveEnvChecker": wrappers.PassiveEnvChecker,
    "OrderEnforcing": wrappers.OrderEnforcing,
    "RecordEpisodeStatistics": wrappers.RecordEpisodeStatistics,
}
PICTURES = {  # CartPole's need pygame
    "AddRenderObservation": lambda env: wrappers.AddRenderObservation(env, render_only=False),
    "GrayscaleObservation": lambda env: wrappers.GrayscaleObservation(wrappers.AddRenderObservation(env)),
    "AddWhiteNoise": lambda env: wrappers.AddWhiteNoise(env, 0.5),
    "ObstructView": lambda env: wrappers.ObstructView(env, 0.5, 8),
    "RenderCollection": wrappers.RenderCollection,
    "HumanRendering": wrappers.HumanRendering,
    "ResizeObservation": lambda env: wrappers.ResizeObservation(wrappers.AddRenderObservation(env), (32, 32)),
}
NEEDS = {"HumanRendering": "pygame", "ResizeObservation": "cv2"}
BOUNDED = {  # CartPole's velocities are not
    "RescaleObservation": lambda env: wrappers.RescaleObservation(context(env), np.float32(0), np.float32(1)),
    "DiscretizeObservation": lambda env: wrappers.DiscretizeObservation(context(env), 3),
}
NOT_OF_DICTS_AND_SLOTS = {"AtariPreprocessing", "ClipAction", "DiscretizeAction", "RescaleAction"}
OTHER_ARRAYS = {"ArrayConversion", "JaxToNumpy", "JaxToTorch", "NumpyToTorch"}


def play(env, steps=40):
    env.reset(seed=1)
    env.action_space.seed(1)
    for _ in range(steps):
        _, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        assert np.isfinite(reward)
        if (terminated or truncated) and not isinstance(env, wrappers.Autoreset):
            env.reset()
    env.close()


def test_every_wrapper_of_gymnasium_is_tried():
    tried = {*WRAPPERS, *PICTURES, *BOUNDED, *NOT_OF_DICTS_AND_SLOTS, *OTHER_ARRAYS, "RecordVideo", "vector"}
    assert set(wrappers.__all__) <= tried, "a new one: does it run on CartPole with a Dict observation?"


@pytest.mark.parametrize("name", WRAPPERS)
def test_a_wrapper_that_runs_on_cart_pole_runs_here(name):
    if not hasattr(wrappers, name):
        pytest.skip("this Gymnasium has no such wrapper")
    play(WRAPPERS[name](DictCartPole(gym.make("CartPole-v1"))))
    play(WRAPPERS[name](gym.make(ID)))


@pytest.mark.parametrize("name", PICTURES)
def test_wrappers_of_pictures_run(name):
    pytest.importorskip(NEEDS.get(name, "numpy"))
    env = PICTURES[name](gym.make(ID, render_mode="rgb_array"))
    env.reset(seed=1)
    env.step(0)
    if name != "HumanRendering":
        assert len(env.render()) > 0
    env.close()


@pytest.mark.parametrize("name", BOUNDED)
def test_wrappers_of_bounded_observations_run(name):
    if hasattr(wrappers, name):
        play(BOUNDED[name](gym.make(ID)))


def vector_context(envs):
    return vector_wrappers.TransformObservation(
        envs, lambda seen: seen["context"], envs.observation_space["context"], envs.single_observation_space["context"]
    )


VECTOR_WRAPPERS = {
    "VectorizeTransformObservation": lambda envs: vector_wrappers.VectorizeTransformObservation(
        envs,
        wrappers.TransformObservation,
        func=lambda seen: seen["context"],
        observation_space=envs.single_observation_space["context"],
    ),
    "VectorizeTransformAction": lambda envs: vector_wrappers.VectorizeTransformAction(
        envs, wrappers.TransformAction, func=lambda action: action, action_space=envs.single_action_space
    ),
    "VectorizeTransformReward": lambda envs: vector_wrappers.VectorizeTransformReward(
        envs, wrappers.TransformReward, func=lambda reward: reward / 2
    ),
    "DictInfoToList": lambda envs: vector_wrappers.DictInfoToList(vector_wrappers.RecordEpisodeStatistics(envs)),
    "TransformObservation": vector_context,
    "FilterObservation": lambda envs: vector_wrappers.FilterObservation(envs, ["context"]),
    "FlattenObservation": vector_wrappers.FlattenObservation,
    "ReshapeObservation": lambda envs: vector_wrappers.ReshapeObservation(
        vector_context(envs), (2, envs.single_observation_space["context"].shape[0] // 2)
    ),
    "DtypeObservation": lambda envs: vector_wrappers.DtypeObservation(vector_context(envs), np.float64),
    "NormalizeObservation": lambda envs: vector_wrappers.NormalizeObservation(vector_context(envs)),
    "TransformAction": lambda envs: vector_wrappers.TransformAction(
        envs, lambda actions: actions, envs.action_space, envs.single_action_space
    ),
    "TransformReward": lambda envs: vector_wrappers.TransformReward(envs, lambda rewards: rewards / 2),
    "ClipReward": lambda envs: vector_wrappers.ClipReward(envs, 0.0, 1.0),
    "NormalizeReward": vector_wrappers.NormalizeReward,
    "RecordEpisodeStatistics": vector_wrappers.RecordEpisodeStatistics,
}
VECTOR_BOUNDED = {"RescaleObservation": lambda envs: vector_wrappers.RescaleObservation(vector_context(envs), 0, 1)}
NOT_OF_VECTORS_OF_DICTS = {"GrayscaleObservation", "ResizeObservation", "ClipAction", "RescaleAction"}


def play_rows(envs, steps=60):
    envs.reset(seed=1)
    envs.action_space.seed(1)
    for _ in range(steps):
        assert np.isfinite(envs.step(envs.action_space.sample())[1]).all()
    envs.close()


def test_every_vector_wrapper_of_gymnasium_is_tried():
    tried = {*VECTOR_WRAPPERS, *VECTOR_BOUNDED, *NOT_OF_VECTORS_OF_DICTS, *OTHER_ARRAYS, "RecordVideo", "HumanRendering"}
    assert set(vector_wrappers.__all__) <= tried


@pytest.mark.parametrize("mode", MODES[:2])
@pytest.mark.parametrize("name", [*VECTOR_WRAPPERS, *VECTOR_BOUNDED])
def test_a_vector_wrapper_that_runs_on_cart_pole_runs_here(name, mode):
    wrap = {**VECTOR_WRAPPERS, **VECTOR_BOUNDED}[name]
    poles = SyncVectorEnv([lambda: DictCartPole(gym.make("CartPole-v1"))] * 3, autoreset_mode=mode)
    try:
        play_rows(wrap(poles))
    except (ValueError, AssertionError):
        if mode is AutoresetMode.SAME_STEP:
            return  # observations that an end replaces are not this wrapper's
        assert name in VECTOR_BOUNDED
    play_rows(wrap(gym.make_vec(ID, num_envs=3, autoreset_mode=mode)))


@pytest.mark.parametrize("name", ["NumpyToTorch"])
def test_observations_become_tensors(name):
    torch = pytest.importorskip("torch")
    pytest.importorskip("array_api_compat")
    observation, _ = getattr(wrappers, name)(gym.make(ID)).reset(seed=1)
    assert torch.is_tensor(observation["candidate_features"])
    observation, _ = getattr(vector_wrappers, name)(gym.make_vec(ID, num_envs=3)).reset(seed=1)
    assert observation["candidate_features"].shape[0] == 3


def test_a_film_of_sessions_is_recorded(tmp_path):
    pytest.importorskip("moviepy")
    film = {"disable_logger": True, "video_length": 6, "step_trigger": lambda step: step == 0}
    play(wrappers.RecordVideo(gym.make(ID, render_mode="rgb_array"), str(tmp_path / "lone"), **film), 10)
    rows = gym.make_vec(ID, num_envs=3, render_mode="rgb_array")
    play_rows(vector_wrappers.RecordVideo(rows, str(tmp_path / "rows"), **film), 10)
    for folder in ("lone", "rows"):
        assert [file.stat().st_size > 1000 for file in (tmp_path / folder).glob("*.mp4")] == [True]


@pytest.mark.parametrize("mode", MODES)
def test_rows_are_drawn_as_lone_sessions_are(mode):
    envs = gym.make_vec(ID, num_envs=3, autoreset_mode=mode, render_mode="ansi", max_steps=4)
    lone = SyncVectorEnv([lambda: gym.make(ID, render_mode="ansi", max_steps=4)] * 3, autoreset_mode=mode)
    with pytest.raises(swipegym.InputError, match="render before reset"):
        envs.render()
    for one in (envs, lone):
        one.reset(seed=1)
    for step in range(12):
        results = [one.step(np.full(3, step % 10)) for one in (envs, lone)]
        assert envs.render() == envs.call("render") == lone.call("render")
        over = results[0][2] | results[0][3]
        if mode is AutoresetMode.DISABLED and over.any():
            for one in (envs, lone):
                one.reset(options={"reset_mask": over})


@pytest.mark.parametrize("context", ["fork", "spawn", "forkserver"])
def test_sessions_run_in_processes_of_any_kind(context):
    native = gym.make_vec(ID, num_envs=2)
    native.reset(seed=5)
    native.step([0, 0])  # the engine's threads are there when the processes begin
    envs = gym.make_vec(ID, num_envs=2, vectorization_mode="async", vector_kwargs={"context": context})
    for vector in (native, envs):
        vector.reset(seed=5)
    for step in range(20):
        ours, theirs = (vector.step(np.full(2, step % 10)) for vector in (native, envs))
        assert all(np.array_equal(ours[0][name], theirs[0][name]) for name in ours[0])
        assert np.array_equal(ours[1], theirs[1])
    envs.close()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("other", ["sync", "async"])
def test_info_is_alike_in_every_vector_mode(mode, other):
    kwargs = {"max_steps": 5, "costs": [{"like": 1.0}]}
    envs = gym.make_vec(ID, num_envs=3, autoreset_mode=mode, **kwargs)
    lone = gym.make_vec(ID, num_envs=3, vectorization_mode=other, vector_kwargs={"autoreset_mode": mode}, **kwargs)

    def alike(ours, theirs):
        assert ours.keys() == theirs.keys()
        for name, value in ours.items():
            if isinstance(value, dict):
                if name != "final_obs":  # ours is batched, theirs an object a row
                    alike(value, theirs[name])
            else:
                assert (value.dtype, value.shape) == (theirs[name].dtype, theirs[name].shape), name
                if not name.startswith("_"):
                    assert np.array_equal(value[theirs["_" + name]], theirs[name][theirs["_" + name]]), name

    alike(envs.reset(seed=3)[1], lone.reset(seed=3)[1])
    for _ in range(20):
        ours, theirs = (vector.step(np.zeros(3, int)) for vector in (envs, lone))
        alike(ours[4], theirs[4])
        over = ours[2] | ours[3]
        if mode is AutoresetMode.DISABLED and over.any():
            for vector in (envs, lone):
                vector.reset(options={"reset_mask": over})
    lone.close()


def test_info_has_types_that_every_library_knows():
    envs = gym.make_vec(ID, num_envs=3)
    for info in (envs.reset(seed=1)[1], envs.step([0, 1, 2])[4]):
        for name, array in info.items():
            assert array.dtype in (np.int8, np.int64, np.float32, np.float64, np.bool_), name


def test_a_vector_says_what_its_rows_have():
    envs = gym.make_vec(ID, num_envs=3, autoreset_mode="SAME_STEP", candidates=7)
    envs.reset(seed=4)
    assert envs.autoreset_mode is AutoresetMode.SAME_STEP
    assert envs.get_attr("np_random_seed") == (4, 5, 6)
    assert [len(mask) for mask in envs.call("action_masks")] == [7, 7, 7]
    assert envs.get_attr("simulator")[2] is envs.simulator
    assert envs.get_attr("action_space") == (envs.single_action_space,) * 3
    with pytest.raises(AttributeError, match="step"):
        envs.call("step", 0)


@pytest.mark.parametrize("steps", [100, 7])
def test_the_spec_says_how_long_an_episode_may_be(steps):
    env, envs = gym.make(ID, max_steps=steps), gym.make_vec(ID, num_envs=2, max_steps=steps)
    assert env.spec.max_episode_steps == envs.spec.max_episode_steps == steps
    assert gym.make(env.spec).spec.max_episode_steps == steps
    assert gym.make_vec(envs.spec).settings.max_steps == steps
    assert gym.make_vec(ID, num_envs=2, max_episode_steps=3).settings.max_steps == 3
    assert gym.make(ID, max_episode_steps=3).spec.max_episode_steps == 3


def copies(env):
    return [copy.deepcopy(env), pickle.loads(pickle.dumps(env))]


@pytest.mark.parametrize("settings", [{}, {"source": "top", "candidates": 40}, {"render_mode": "ansi"}])
def test_copies_of_a_session_go_on_alike_and_apart(settings):
    env = gym.make(ID, max_steps=30, **settings)
    for one in [copy.copy(env.unwrapped), *copies(env)]:  # before the first session
        one.reset(seed=1)
    env.reset(seed=5)
    while env.step(int(np.argmax(env.unwrapped.action_masks())))[2]:
        env.reset()
    others = [copy.copy(env.unwrapped), *copies(env)]
    if "render_mode" in settings:
        others = others[1:]  # a shallow one shares the page
    copies(env)[0].step(7)  # moves nobody else
    for step in range(40):
        action = int(np.flatnonzero(env.unwrapped.action_masks())[step % 3])
        first, *rest = (one.step(action) for one in (env, *others))
        for other in rest:
            assert all(np.array_equal(first[0][name], other[0][name]) for name in first[0])
            assert first[1:4] == other[1:4] and first[4]["watch_s"] == other[4]["watch_s"]
        if "render_mode" in settings:
            assert all(one.render() == env.render() for one in others)
        if first[2] or first[3]:
            begun = [one.reset()[1]["user"] for one in (env, *others)]
            assert len(set(begun)) == 1
            others = copies(env)  # and of a session that has just begun
    env.close()
    with pytest.raises(gym.error.ClosedEnvironmentError):
        copy.deepcopy(env).reset()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fast", [False, True])
def test_copies_of_a_vector_go_on_alike(mode, fast):
    envs = gym.make_vec(ID, num_envs=5, autoreset_mode=mode, copy=not fast, source="popularity", max_steps=9)
    envs.reset(seed=[3, 1, 4, 1, 5])
    for step in range(60):
        if step % 20 == 7:
            others = copies(envs)
            assert np.array_equal(others[0].action_masks(), envs.action_masks())
            assert others[1].np_random_seed == envs.np_random_seed
        if step < 7:
            others = []
        first, *rest = (one.step(np.full(5, step % 10)) for one in (envs, *others))
        for other in rest:
            assert all(np.array_equal(first[0][name], other[0][name]) for name in first[0])
            assert all(np.array_equal(mine, its) for mine, its in zip(first[1:4], other[1:4]))
        over = first[2] | first[3]
        if mode is AutoresetMode.DISABLED and over.any():
            for one in (envs, *others):
                one.reset(options={"reset_mask": over})


def test_a_season_is_copied_in_the_middle():
    env = gym.make(swipegym.PLATFORM_ID, users=20, days=8)
    copy.deepcopy(env).reset(seed=1)
    env.reset(seed=2)
    env.step(np.full(7, 0.5))
    other = pickle.loads(pickle.dumps(env))
    for _ in range(3):
        assert np.array_equal(env.step(np.zeros(7))[0], other.step(np.zeros(7))[0])


def test_simulators_and_policies_are_pickled_by_their_files(tmp_path):
    packaged = swipegym.default_simulator()
    assert copy.deepcopy(packaged) is packaged
    file = tmp_path / "sim.h5"
    file.write_bytes(open(packaged.path, "rb").read())
    for simulator in (packaged, swipegym.load_simulator(clock="log"), swipegym.load_simulator(file)):
        again = pickle.loads(pickle.dumps(simulator))
        assert (again.path, again.clock) == (simulator.path, simulator.clock)
        assert again.fingerprint == simulator.fingerprint
    constant = pickle.loads(pickle.dumps(swipegym.Simulator.constant(leave_after=2)))
    assert constant.path is None and constant.num_videos == 500
    remake, (path, clock, fingerprint) = copyreg.dispatch_table[swipegym.Simulator](swipegym.load_simulator(file))
    with pytest.raises(swipegym.InputError, match="is not the simulator that was pickled"):
        remake(path, clock, "0" * len(fingerprint))  # as where the file is another one by now
    policy = pickle.loads(pickle.dumps(swipegym.Policy("popularity", packaged)))
    observation, info = gym.make_vec(ID, num_envs=3).reset(seed=1)
    assert np.array_equal(policy.score(observation, info), swipegym.Policy("popularity").score(observation, info))


def test_an_encoder_is_pickled_with_its_simulator():
    encoder = swipegym.Encoder()
    observation, _ = gym.make(ID).reset(seed=1)
    assert np.array_equal(pickle.loads(pickle.dumps(encoder)).rows(observation), encoder.rows(observation))


def test_a_simulator_stands_where_a_command_takes_its_file():
    asked = {"policies": ["random"], "sessions": 40, "quiet": True}
    packaged = swipegym.default_simulator()
    by_object = swipegym.commands.compare(simulator=packaged, **asked)
    by_file = swipegym.commands.compare(simulator=packaged.path, **asked)
    assert by_object["policies"] == by_file["policies"]
    thin = swipegym.commands.compare(simulator=swipegym.load_simulator(clock="log"), **asked)
    assert thin == swipegym.commands.compare(simulator=packaged.path, clock="log", **asked)
    assert thin != by_file
    with pytest.raises(swipegym.InputError, match="without a file"):
        swipegym.commands.session(simulator=swipegym.Simulator.constant())
