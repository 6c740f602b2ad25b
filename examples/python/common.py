"""What the examples share: observations as one vector, and a fair evaluation."""

import gymnasium as gym
import numpy as np
import swipegym

# Features only: what a video is called tells a network of numbers nothing.
KEYS = ["context", "candidate_features", "user_features"]


def flat(env: gym.Env) -> gym.Env:
    """Observations of a lone environment as one vector of the entries of KEYS, in alphabetical order."""
    return gym.wrappers.FlattenObservation(gym.wrappers.FilterObservation(env, KEYS))


def flat_rows(observation: dict) -> np.ndarray:
    """The same of a vectorised environment: [rows, features]."""
    return np.concatenate([observation[name] for name in sorted(KEYS)], axis=1)


def returns_of(choose, sessions: int, num_envs: int = 256, seed: int = 10_000) -> np.ndarray:
    """Seconds watched in each of `sessions` fresh sessions, the same ones for every caller.

    choose(rows, masks) gives a slot a row; None chooses at random.
    """
    envs = gym.make_vec(swipegym.ENV_ID, num_envs=num_envs, autoreset_mode=gym.vector.AutoresetMode.DISABLED)
    random = np.random.default_rng(seed)
    returns = []
    for first in range(0, sessions, num_envs):
        observation, info = envs.reset(seed=seed + first)
        total, over = np.zeros(num_envs), np.zeros(num_envs, bool)
        while not over.all():
            masks = info["action_mask"].astype(bool)
            if choose is None:
                actions = random.integers(masks.shape[1], size=num_envs)
            else:
                actions = choose(flat_rows(observation), masks)
            if over.any():  # sessions that are over wait, in a fresh one that nobody counts
                envs.reset(seed=seed, options={"reset_mask": over})
            observation, reward, terminated, truncated, info = envs.step(np.where(over, 0, actions))
            total += np.where(over, 0.0, reward)
            over |= terminated | truncated
        returns.append(total)
    return np.concatenate(returns)[:sessions]


def show(name: str, returns: np.ndarray) -> tuple[float, float]:
    """Prints the mean and its 95 % interval, and returns the interval."""
    mean, error = returns.mean(), 1.96 * returns.std(ddof=1) / len(returns) ** 0.5
    print(f"{name:16} {mean:7.2f} s a session [{mean - error:.2f}, {mean + error:.2f}]")
    return mean - error, mean + error
