"""Steps a second from Python: copy=False and copy=True beside the C++ engine's own rate and EnvPool's CartPole-v1.

All four take turns in one run, on the same simulator, batch and threads.

    ./test.sh --only python
    PYTHONPATH=build/release/python/package python3 bench/peers/python_step_rate.py --simulator sim.h5

EnvPool is left out where it cannot be imported.
"""

import argparse
import statistics
import time

import gymnasium as gym
import numpy as np
import swipegym
from swipegym import commands


def rate(step, actions, seconds):
    """Steps a second of all sessions together."""
    for i in range(20):
        step(actions[i % len(actions)])
    steps, begun = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - begun) < seconds:
        step(actions[steps % len(actions)])
        steps += 1
    return steps * actions.shape[1] / elapsed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulator", required=True, help="a fitted simulator")
    parser.add_argument("--envs", type=int, default=1024)
    parser.add_argument("--candidates", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each run")
    options = parser.parse_args()
    shared = {"envs": options.envs, "candidates": options.candidates, "threads": options.threads}
    actions = np.random.default_rng(0).integers(0, options.candidates, (16, options.envs)).astype(np.int32)

    def engine():
        figures = commands.bench(simulator=options.simulator, seconds=options.seconds, quiet=True, **shared)
        return figures["steps_per_s"]

    runs = {"C++ engine": engine}
    for copy in (False, True):
        env = gym.make_vec(
            swipegym.ENV_ID,
            num_envs=options.envs,
            simulator=options.simulator,
            candidates=options.candidates,
            threads=options.threads,
            copy=copy,
        )
        env.reset(seed=1)
        runs[f"make_vec, copy={copy}"] = lambda env=env: rate(env.step, actions, options.seconds)
    try:
        import envpool

        cart = envpool.make("CartPole-v1", env_type="gymnasium", num_envs=options.envs, num_threads=options.threads)
        cart.reset()
        runs["EnvPool CartPole-v1"] = lambda: rate(cart.step, actions % 2, options.seconds)
    except ImportError:
        print("EnvPool is not installed: pip install envpool")
    rates = {name: [] for name in runs}
    for _ in range(options.rounds):
        for name, run in runs.items():
            rates[name].append(run())
    engine_median = statistics.median(rates["C++ engine"])
    for name, values in rates.items():
        median = statistics.median(values)
        print(f"{name:22} {min(values):12,.0f} min {median:12,.0f} median steps/s  {median / engine_median:6.1%}")


if __name__ == "__main__":
    main()
