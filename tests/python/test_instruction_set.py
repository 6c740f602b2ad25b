"""Which build of the engine a wheel picks, and that its builds play the same sessions."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import swipegym
from swipegym.instruction_set import NEEDS, choose_level, processor_flags

PACKAGE = Path(swipegym.__file__).parent

PLAY = """
import json
import gymnasium as gym
import numpy as np
import swipegym

envs = gym.make_vec("swipegym/ShortVideo-v0", num_envs=256, threads=1)
observation, information = envs.reset(seed=5)
out = {"engine": swipegym._core.__file__, "watch_s": [], "over": [], "video": []}
for step in range(100):
    observation, reward, terminated, truncated, information = envs.step(np.full(256, step % 10))
    out["watch_s"].append(reward.tolist())
    out["over"].append(terminated.tolist())
    out["video"].append(information["video"].tolist())
print(json.dumps(out))
"""


def test_the_best_level_that_the_processor_has_is_chosen():
    assert choose_level(NEEDS["v4"]) == "v4"
    assert choose_level(NEEDS["v3"] | {"avx512f"}) == "v3"  # AVX-512 in part is not enough
    assert choose_level(NEEDS["v4"], "v3") == "v3"
    assert choose_level(None) == "v3"


@pytest.mark.parametrize(
    "flags, wanted, words",
    [
        (NEEDS["v3"] - {"avx2"}, None, "AVX2.*lacks avx2.*pip install"),
        (NEEDS["v3"], "v4", "SWIPEGYM_ARCH=v4 needs.*AVX-512.*avx512f"),
        (NEEDS["v4"], "sse", "'sse', expected v3"),
    ],
)
def test_what_a_processor_lacks_is_said_at_import(flags, wanted, words):
    with pytest.raises(ImportError, match=words):
        choose_level(flags, wanted)


def test_the_module_is_the_engine_under_its_own_name():
    assert swipegym.Simulator.__module__ == swipegym._core.__name__ == "swipegym._core"
    assert sys.modules["swipegym._core"] is swipegym._core


def play(level):
    environment = {**os.environ, "SWIPEGYM_ARCH": level}
    done = subprocess.run([sys.executable, "-c", PLAY], env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.skipif(not (PACKAGE / "x86-64-v4").exists(), reason="a build of the tree has one engine")
@pytest.mark.skipif(not NEEDS["v4"] <= (processor_flags() or set()), reason="this processor has no AVX-512")
def test_both_engines_play_the_same_sessions():
    avx2, avx512 = play("v3"), play("v4")
    assert "x86-64-v3" in avx2.pop("engine") and "x86-64-v4" in avx512.pop("engine")
    assert avx2 == avx512
