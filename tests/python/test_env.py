"""What the Gymnasium environment promises."""

import io
import sys
import threading
import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ClosedEnvironmentError, ResetNeeded
from gymnasium.utils.env_checker import check_env

import swipegym

ID = "swipegym/ShortVideo-v0"


def equal(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert np.array_equal(a[name], b[name]), name


def play(env, seed, steps=200):
    """Rewards and ends of the slots 0, 1, 2, ... from a seed."""
    env.reset(seed=seed)
    out = []
    for i in range(steps):
        _, reward, terminated, truncated, _ = env.step(i % env.action_space.n)
        out.append((reward, terminated, truncated))
        if terminated or truncated:
            env.reset()
    return out


def test_gymnasium_finds_nothing_to_complain_about():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gym.make(ID).unwrapped, skip_render_check=True)
        for mode in swipegym.ShortVideoEnv.metadata["render_modes"]:
            if mode != "human":
                check_env(gym.make(ID, render_mode=mode).unwrapped)


def test_the_same_seed_plays_the_same_sessions_and_another_one_others():
    first, again, other = (play(gym.make(ID), seed) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_a_step_says_what_was_watched():
    env = gym.make(ID, costs=[{"watch_ratio": 1.0}], reward={"watch_s": 2.0, "is_click": 10.0})
    observation, info = env.reset(seed=1)
    chosen = observation["candidate"][7]
    after, reward, _, _, info = env.step(7)
    assert info["video"] == chosen == after["history_video"][-1]
    clicked = info["signals"] & 1
    assert reward == pytest.approx(2.0 * info["watch_s"] + 10.0 * clicked, rel=1e-6)
    assert info["cost"] == pytest.approx([min(info["watch_ratio"], 5.0)])
    duration = env.unwrapped.simulator.duration_ms[chosen] / 1000
    assert info["watch_s"] == pytest.approx(info["watch_ratio"] * duration, abs=0.01)


def test_no_slot_of_the_default_is_ever_masked():
    env = gym.make(ID, max_steps=100)
    for seed in range(5):
        _, info = env.reset(seed=seed)
        over = False
        while not over:
            assert info["action_mask"].all()
            _, _, terminated, truncated, info = env.step(0)
            over = terminated or truncated
    assert env.unwrapped.action_masks().dtype == bool


def test_a_session_goes_on_after_its_end_only_by_a_reset():
    env = swipegym.ShortVideoEnv(max_steps=1)
    with pytest.raises(ResetNeeded):
        env.step(0)
    env.reset(seed=1)
    env.step(0)
    with pytest.raises(ResetNeeded):
        env.step(0)
    env.reset()
    env.step(0)
    env.close()
    with pytest.raises(ClosedEnvironmentError):
        env.reset(seed=1)


@pytest.mark.parametrize("action", [-1, 10, 0.5, "first", None, [0, 1], [[3]], 2**40, np.nan, object()])
def test_an_action_that_is_none_is_refused_and_the_session_stays_as_it_is(action):
    env = swipegym.ShortVideoEnv()
    env.reset(seed=1)
    with pytest.raises(ValueError):
        env.step(action)
    kept = env.step(3)
    env.reset(seed=1)
    equal(kept[0], env.step(3)[0])


def test_masked_actions_are_refused_or_redrawn():
    watched = {}
    for mode in ("raise", "redraw"):
        env = swipegym.ShortVideoEnv(source="top", invalid_action=mode)
        env.reset(seed=2)
        info = env.step(0)[4]
        if not info["action_mask"][0] and env._running:
            if mode == "raise":
                with pytest.raises(swipegym.InputError, match="masked|watched|chosen"):
                    env.step(0)
            else:
                assert env.step(0)[4]["video"] != info["video"]
            watched[mode] = True
    assert set(watched) == {"raise", "redraw"}


@pytest.mark.parametrize(
    "settings",
    [
        {"candidates": 0},
        {"candidates": 10**6},
        {"source": "nearest"},
        {"history_length": 0},
        {"max_steps": 0},
        {"reward": {"smiles": 1.0}},
        {"simulator": "no_such_file.h5"},
        {"invalid_action": "ignore"},
        {"render_mode": "gif"},
        {"threads": -1},
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(settings):
    with pytest.raises(ValueError) as error:
        swipegym.ShortVideoEnv(**settings)
    value = next(iter(settings.values()))
    assert str(value) in str(error.value) or "smiles" in str(error.value) or "1000000" in str(error.value)


def test_pictures_show_the_session():
    env = gym.make(ID, render_mode="ansi")
    env.reset(seed=1)
    for _ in range(3):
        env.step(0)
    text = env.render()
    assert "3." in text and "s watched" in text and "[" in text
    drawn = gym.make(ID, render_mode="rgb_array", max_steps=14)
    drawn.reset(seed=1)
    pictures = [drawn.render()]
    over = False
    while not over:
        _, _, terminated, truncated, _ = drawn.step(0)
        over = terminated or truncated
        pictures.append(drawn.render())
    assert all(one.shape == (640, 480, 3) and one.dtype == np.uint8 for one in pictures)
    assert all((before != after).any() for before, after in zip(pictures, pictures[1:]))
    red = (pictures[-1] == (179, 38, 30)).all(-1).sum()  # the line where the user left
    assert (red > 1000) == terminated and (pictures[-2] != (179, 38, 30)).any(-1).all()


def test_a_bar_is_as_long_as_a_video_was_watched():
    env = gym.make(ID, render_mode="rgb_array")
    env.reset(seed=9)
    _, _, _, _, info = env.step(0)
    row = env.render()[92 + 25]  # the middle of the first bar
    blue = (row == (31, 120, 180)).all(-1).sum()
    assert blue == pytest.approx(min(info["watch_ratio"], 1.0) * (480 - 24 - 54), abs=12)


def test_pictures_need_pillow(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    for make in (gym.make, gym.make_vec):
        with pytest.raises(swipegym.InputError, match=r"pip install 'pillow>=10.1'"):
            make(ID, render_mode="rgb_array")


def test_people_see_what_is_new_and_a_terminal_is_drawn_in_place(capsys, monkeypatch):
    env = gym.make(ID, render_mode="human", max_steps=6)
    env.reset(seed=3)
    over = False
    while not over:
        _, _, terminated, truncated, _ = env.step(0)
        over = terminated or truncated
    lines = capsys.readouterr().out.splitlines()
    shown = [line for line in lines if " video " in line]
    assert lines[0].startswith("user ") and len(shown) == len(set(shown)) == len(lines) - 2  # each once

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setitem(swipegym.ShortVideoEnv.metadata, "render_fps", 1000)
    env = swipegym.ShortVideoEnv(render_mode="human", max_steps=6)
    env.reset(seed=3)
    for _ in range(2):
        env.step(0)
    text = sys.stdout.getvalue()
    # Title; back a line, title and a video; back two lines, title and two videos.
    assert text.count("user ") == 3 and "\x1b[1A" in text and "\x1b[2A" in text
    assert text.count("   1. video") == 2 and text.count("   2. video") == 1


def test_environments_of_their_own_run_in_threads_of_their_own():
    results = {}

    def run(name):
        results[name] = play(swipegym.ShortVideoEnv(threads=1), 5)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results[0] == results[1] == results[2]


def test_stable_baselines_finds_nothing_to_complain_about():
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checker.check_env(gym.make(ID).unwrapped)
