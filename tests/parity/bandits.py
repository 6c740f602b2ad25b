#!/usr/bin/env python3
"""Records what MABWiser's bandits choose on shared streams, and their regret over many streams.

    pip install mabwiser
    python tests/parity/bandits.py              # writes tests/parity/bandits.json

Recorded with MABWiser 2.7.4. Every bandit begins with one show of each arm. Greedy, UCB1 and LinUCB draw nothing: on
one table of rewards their choices are facts. Epsilon-greedy and Thompson draw from generators of their own, so that
their mean regret over streams is compared, and LinUCB's over streams of its own too.
"""
import json
import os

import numpy as np
from mabwiser.mab import MAB, LearningPolicy

ARMS = 5
RATES = [0.1, 0.25, 0.35, 0.5, 0.45]
FEATURES = 4
THETA = [[0.3, -0.1, 0.0, 0.1], [-0.2, 0.2, 0.1, 0.0], [0.0, 0.1, -0.3, 0.2], [0.1, 0.1, 0.1, -0.2]]


def text(values):
    return "".join(str(int(value)) for value in values)


def choices(policy, rewards):
    """The arm of every step of a table [steps, arms]; the steps before the first are one show of each arm."""
    arms = rewards.shape[1]
    mab = MAB(list(range(arms)), policy)
    mab.fit(list(range(arms)), [int(rewards[0, a]) for a in range(arms)])
    chosen = []
    for row in rewards[1:]:
        arm = mab.predict()
        chosen.append(arm)
        mab.partial_fit([arm], [int(row[arm])])
    return chosen


def linear_choices(policy, contexts, rewards, seed=0):
    arms = rewards.shape[1]
    mab = MAB(list(range(arms)), policy, seed=seed)
    mab.fit(list(range(arms)), [int(rewards[a, a]) for a in range(arms)], contexts[:arms])
    chosen = []
    for x, row in zip(contexts[arms:], rewards[arms:]):
        arm = mab.predict([x])
        chosen.append(arm)
        mab.partial_fit([arm], [int(row[arm])], [x])
    return chosen


def linear_rates(contexts):
    return np.clip(0.5 + contexts @ np.array(THETA).T, 0.02, 0.98)


def shared(rng):
    streams = []
    for _ in range(6):
        rates = np.round(rng.beta(4.62, 8.46, ARMS), 3)
        rewards = rng.random((601, ARMS)) < rates
        streams.append({"rewards": [text(column) for column in rewards.T],
                        "greedy": text(choices(LearningPolicy.EpsilonGreedy(epsilon=0), rewards)),
                        "ucb1": text(choices(LearningPolicy.UCB1(alpha=1), rewards)),
                        "ucb1_quarter": text(choices(LearningPolicy.UCB1(alpha=0.25), rewards))})
    return streams


def shared_linear(rng):
    thousandths = np.round(1000 * rng.standard_normal((404, FEATURES))).astype(int)
    contexts = thousandths / 1000
    rewards = rng.random((len(contexts), len(THETA))) < linear_rates(contexts)
    return {"contexts": thousandths.ravel().tolist(), "rewards": [text(column) for column in rewards.T],
            "width": 0.5, "linucb": text(linear_choices(LearningPolicy.LinUCB(alpha=0.5), contexts, rewards))}


def summary(regrets, at):
    regrets = np.array(regrets)[:, [k - 1 for k in at]]
    return {"streams": len(regrets), "at": at, "mean": regrets.mean(0).tolist(),
            "error": (regrets.std(0, ddof=1) / np.sqrt(len(regrets))).tolist()}


def regret(make, rng, streams=200, steps=400):
    best, regrets = max(RATES), []
    for stream in range(streams):
        rewards = rng.random((steps + 1, ARMS)) < RATES
        arms = list(range(ARMS))
        mab = MAB(arms, make(), seed=stream)
        mab.fit(arms, [int(rewards[0, a]) for a in arms])
        lost = []
        for row in rewards[1:]:
            arm = mab.predict()
            lost.append(best - RATES[arm])
            mab.partial_fit([arm], [int(row[arm])])
        regrets.append(np.cumsum(lost))
    return summary(regrets, [steps // 4, steps])


def linear_regret(rng, streams=100, steps=300):
    regrets = []
    for _ in range(streams):
        contexts = rng.standard_normal((steps + len(THETA), FEATURES))
        rates = linear_rates(contexts)
        rewards = rng.random(rates.shape) < rates
        chosen = linear_choices(LearningPolicy.LinUCB(alpha=0.5), contexts, rewards)
        rates = rates[len(THETA):]
        regrets.append(np.cumsum(rates.max(1) - rates[np.arange(steps), chosen]))
    return summary(regrets, [steps // 4, steps])


def main():
    rng = np.random.default_rng(18)
    recorded = {"rates": RATES, "theta": THETA, "epsilon": 0.1, "width": 0.5,
                "shared": shared(rng), "shared_linear": shared_linear(rng),
                "epsilon_greedy": regret(lambda: LearningPolicy.EpsilonGreedy(epsilon=0.1), rng),
                "thompson": regret(LearningPolicy.ThompsonSampling, rng),
                "linucb": linear_regret(rng)}
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "bandits.json"), "w") as file:
        json.dump(recorded, file, indent=1)
        file.write("\n")


main()
