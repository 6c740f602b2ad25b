"""Stepping rate of swipegym beside EnvPool's CartPole-v1, at the same batch and threads, in one run.

Runs alternate, swipegym first and last, so that each of EnvPool's lies between two probes of whether the machine gives
two processors (`swipegym bench` takes them); a round whose probes say no is left out. A swipegym step evaluates a
fitted user model, draws candidates and writes the whole observation; a CartPole step is a few dozen flops: EnvPool's
figure is what its dispatch costs.

    cmake --preset release && cmake --build --preset release --target swipegym
    python3 bench/peers/env_envpool.py --program build/release/swipegym --simulator sim.h5

Where envpool cannot be imported, a virtual environment with it is made first (--venv).
"""

import argparse
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time


def run_in_venv(folder):
    """Continues this script in a virtual environment that has envpool."""
    python = pathlib.Path(folder) / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    if subprocess.run([python, "-c", "import envpool"], capture_output=True).returncode != 0:
        subprocess.run([python, "-m", "pip", "install", "--quiet", "envpool", "gymnasium", "numpy"], check=True)
    os.execv(python, [str(python), *sys.argv])


def make_envpool(envs, threads):
    import envpool
    import numpy as np

    env = envpool.make("CartPole-v1", env_type="gymnasium", num_envs=envs, num_threads=threads)
    env.reset()
    actions = np.random.default_rng(0).integers(0, 2, (16, envs)).astype(np.int32)
    for step in range(50):
        env.step(actions[step % 16])
    return env, actions


def envpool_rate(env, actions, seconds):
    """Steps a second of all environments together."""
    steps, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        env.step(actions[steps % 16])
        steps += 1
    return steps * actions.shape[1] / elapsed


def our_run(options, threads):
    """What `swipegym bench --json` says."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "bench.json"
        command = [options.program, "bench", "--envs", options.envs, "--candidates", options.candidates]
        command += ["--threads", threads, "--seconds", options.seconds, "--json", out, "--quiet"]
        if options.simulator:
            command += ["--simulator", options.simulator]
        subprocess.run([str(word) for word in command], check=True, capture_output=True)
        return json.loads(out.read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/release/swipegym", help="the program swipegym")
    parser.add_argument("--simulator", help="a fitted simulator; without it users answer at once")
    parser.add_argument("--envs", type=int, default=1024)
    parser.add_argument("--candidates", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each run")
    parser.add_argument("--venv", default="build/peers-venv", help="made when envpool cannot be imported")
    options = parser.parse_args()
    if importlib.util.find_spec("envpool") is None:
        run_in_venv(options.venv)

    env, actions = make_envpool(options.envs, options.threads)
    ours, theirs = [our_run(options, options.threads)], []
    for _ in range(options.rounds):
        theirs.append(envpool_rate(env, actions, options.seconds))
        ours.append(our_run(options, options.threads))

    healthy = [not run.get("discarded", False) for run in ours]
    ours_kept = [run["steps_per_s"] for run, good in zip(ours, healthy) if good]
    theirs_kept = [rate for i, rate in enumerate(theirs) if healthy[i] and healthy[i + 1]]
    print(f"{options.envs} environments, {options.threads} threads; user model {ours[0]['user_model']!r}, "
          f"simulator {ours[0]['simulator_fingerprint']}")
    for name, kept, runs in (("swipegym", ours_kept, len(ours)), ("EnvPool CartPole-v1", theirs_kept, len(theirs))):
        figures = f"{min(kept):12,.0f} min {statistics.median(kept):12,.0f} median steps/s" if kept else "no figure"
        print(f"{name:20} {figures}   ({len(kept)} of {runs} runs kept)")
    if not ours_kept or not theirs_kept:
        sys.exit("This machine did not give two processors while it was measured; run again when it is idle.")
    print(f"ratio of medians {statistics.median(ours_kept) / statistics.median(theirs_kept):.2f}")


if __name__ == "__main__":
    main()
