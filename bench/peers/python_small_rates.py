"""Steps a second of one core from Python where little steps at once: a lone environment beside CartPole-v1 through the
same gym.make, and small vectors with one thread beside all of them.

Processor time, in rounds that alternate, so that a busy machine disturbs both sides alike.

    PYTHONPATH=build/release/python/package python3 bench/peers/python_small_rates.py --simulator sim.h5
"""

import argparse
import statistics
import time

import gymnasium as gym
import numpy as np
import swipegym

VECTORS = (4, 16, 64)


def lone_rate(env, steps, clock):
    env.reset(seed=1)
    begun = clock()
    for _ in range(steps):
        _, _, terminated, truncated, _ = env.step(0)
        if terminated or truncated:
            env.reset()
    return steps / (clock() - begun)


def vector_rate(envs, steps, clock):
    actions = np.zeros(envs.num_envs, np.int32)
    envs.reset(seed=1)
    begun = clock()
    for _ in range(steps):
        envs.step(actions)
    return steps * envs.num_envs / (clock() - begun)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulator", help="a fitted simulator; left out, the one of the package")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=10_000, help="of each run")
    options = parser.parse_args()
    clock = time.process_time
    lone = {
        "CartPole-v1": gym.make("CartPole-v1"),
        "swipegym/ShortVideo-v0": gym.make(swipegym.ENV_ID, simulator=options.simulator),
        "the same, threads=1": gym.make(swipegym.ENV_ID, simulator=options.simulator, threads=1),
    }
    vectors = {
        (rows, threads): gym.make_vec(swipegym.ENV_ID, num_envs=rows, simulator=options.simulator, threads=threads)
        for rows in VECTORS
        for threads in (1, 0)
    }
    rates = {name: [] for name in (*lone, *vectors)}
    for _ in range(options.rounds):
        for name, env in lone.items():
            rates[name].append(lone_rate(env, options.steps, clock))
        for (rows, threads), envs in vectors.items():
            rates[rows, threads].append(vector_rate(envs, options.steps // rows + 100, clock))
    cart = rates["CartPole-v1"]
    for name in lone:
        share = statistics.median(mine / theirs for mine, theirs in zip(rates[name], cart))
        print(f"{name:24} {statistics.median(rates[name]):10,.0f} steps a second of one core, {share:.2f} of CartPole's")
    for rows in VECTORS:
        one, all_ = rates[rows, 1], rates[rows, 0]
        share = statistics.median(a / b for a, b in zip(all_, one))
        print(
            f"make_vec of {rows:3}          {statistics.median(one):10,.0f} with threads=1, "
            f"{statistics.median(all_):,.0f} with threads=0: {share:.2f} of it"
        )


if __name__ == "__main__":
    main()
