#!/usr/bin/env python3
"""Can RL run a platform? PPO on swipegym/Platform-v0 beside constant knobs found by random search, at an equal number of
world-days (docs/results/platform.md).

    pip install stable-baselines3
    platform_rl.py [SIMULATOR] [--episodes 300] [--users 200] [--days 60] [--uploads W] [--test 10] [--seed 1]

Random search plays each of its candidates for one season, then its best ten for as many seasons again as are left; the
best mean wins. Both are judged on --test worlds that neither met, paired with the knobs of zeros.
"""
import argparse
import math

import numpy as np
from stable_baselines3 import PPO
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from swipegym.platform import PlatformEnv

T975 = {4: 2.776, 9: 2.262, 19: 2.093}


def season(env, seed, act):
    """Mean reward a day, and the mean of each measure."""
    observation, _ = env.reset(seed=seed)
    rewards, measures, over = [], [], False
    while not over:
        observation, reward, _, over, info = env.step(act(observation))
        rewards.append(reward)
        measures.append(info["measures"])
    return np.mean(rewards), {k: np.mean([m[k] for m in measures if k in m]) for k in ("seconds", "uploads", "creators")}


def with_half(values):
    """The mean and half of its 95 % interval over worlds."""
    half = T975.get(len(values) - 1, 1.96) * values.std(ddof=1) / math.sqrt(len(values))
    return f"{values.mean():.2f} ± {half:.2f}"


def search(env, episodes, random):
    first = episodes * 2 // 3
    candidates = [np.zeros(7)] + [random.uniform(-1, 1, 7) for _ in range(first - 1)]
    found = [(season(env, 10_000 + i, lambda _, a=action: a)[0], i) for i, action in enumerate(candidates)]
    best = [i for _, i in sorted(found, reverse=True)[:10]]
    again = (episodes - first) // len(best)
    means = {}
    for i in best:
        scores = [season(env, 20_000 + k, lambda _, a=candidates[i]: a)[0] for k in range(again)]
        means[i] = np.mean(scores)
    return candidates[max(means, key=means.get)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("simulator", nargs="?", help="a file of 'swipegym fit'; absent: the one in the package")
    for name, default in (("episodes", 300), ("users", 200), ("days", 60), ("test", 10), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--uploads", type=float, default=0.0)
    a = parser.parse_args()

    def make():
        rewards = {"seconds": 1.0, "uploads": a.uploads}
        return PlatformEnv(a.simulator, users=a.users, days=a.days, rewards=rewards, threads=1)

    steps = a.days - 1
    env = VecNormalize(DummyVecEnv([lambda: Monitor(make())]), gamma=0.95)
    model = PPO("MlpPolicy", env, n_steps=10 * steps, batch_size=steps, gamma=0.95, seed=a.seed, device="cpu")
    model.learn(a.episodes * steps)
    env.training = False
    knobs = search(make(), a.episodes, np.random.default_rng(a.seed))
    policies = {
        "zeros": lambda _: np.zeros(7),
        "random search": lambda _: knobs,
        "PPO": lambda observation: model.predict(env.normalize_obs(observation), deterministic=True)[0],
    }
    judge = make()
    rows = {name: [season(judge, 100_000 + k, act) for k in range(a.test)] for name, act in policies.items()}
    print(f"{a.episodes} seasons of {a.users} users x {a.days} days each; reward a second a user-day + {a.uploads:g} an "
          f"upload a hundred users; {a.test} worlds")
    print("random search's knobs:", np.round(knobs, 2).tolist())
    print("| policy | reward a day | less zeros' | less random search's | seconds | uploads | creators |\n|" + " --- |" * 7)
    rewards = {name: np.array([reward for reward, _ in results]) for name, results in rows.items()}
    for name, results in rows.items():
        less = " | ".join(with_half(rewards[name] - rewards[other]) for other in ("zeros", "random search"))
        means = [np.mean([m[k] for _, m in results]) for k in ("seconds", "uploads", "creators")]
        print(f"| {name} | {rewards[name].mean():.2f} | {less} | " + " | ".join(f"{m:.1f}" for m in means) + " |")


if __name__ == "__main__":
    main()
