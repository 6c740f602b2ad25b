#!/usr/bin/env python3
"""Records what automatic differentiation makes of the loss of a variational two-tower: draws, the in-batch softmax of
unit vectors, the divergences, and the gradients of all means and log variances, in double.

    pip install autograd numpy
    python tests/parity/variational.py          # writes tests/parity/variational.json

Read by tests/agents/test_variational.cpp. autograd differentiates NumPy's functions; the loss is written here once more
from its definition, the divergence by its densities' own terms.
"""
import json
import os

import autograd.numpy as anp
import numpy as np
from autograd import grad
from autograd.scipy.special import logsumexp

rng = np.random.default_rng(18)
PAIRS, WIDTH, VIDEOS, TEMPERATURE = 7, 5, 6, 0.2
VIDEO = np.array([0, 3, 1, 3, 5, 2, 0])  # two videos stand in the batch twice
NAMES = ["user_mean", "user_log_variance", "item_mean", "item_log_variance"]


def draw(*shape, scale=1.0):
    return np.round(rng.normal(0, scale, shape), 3)


def tensor(x):
    return dict(rows=x.shape[0], columns=x.shape[1], values=[float(f"{v:.17g}") for v in x.flatten()])


def main():
    leaves = {name: draw(PAIRS, WIDTH, scale=0.7) for name in NAMES}
    noise = {side: draw(PAIRS, WIDTH) for side in ("user", "item")}
    log_q = np.log(np.round(rng.uniform(0.05, 0.4, VIDEOS), 3))
    weight = {side: np.round(rng.uniform(0.01, 0.3, PAIRS), 3) for side in ("user", "item")}

    def softmax(x):
        unit = {}
        for side in ("user", "item"):
            z = x[side + "_mean"] + anp.exp(0.5 * x[side + "_log_variance"]) * noise[side]
            unit[side] = z / (anp.sqrt(anp.sum(z**2, axis=1, keepdims=True)) + 1e-6)
        logits = anp.dot(unit["user"], unit["item"].T) / TEMPERATURE - log_q[VIDEO]
        hit = (VIDEO[:, None] == VIDEO[None, :]) & ~np.eye(PAIRS, dtype=bool)
        logits = anp.where(hit, -1e9, logits)
        return anp.mean(logsumexp(logits, axis=1) - anp.diag(logits))

    def divergence(x):
        # E_q of ln q - ln p: less the entropy of N(mean, variance), and the cross entropy with N(0, 1).
        total = 0.0
        for side in ("user", "item"):
            m, l = x[side + "_mean"], x[side + "_log_variance"]
            entropy = 0.5 * (anp.log(2 * np.pi * np.e) + l)
            cross = 0.5 * (anp.log(2 * np.pi) + m**2 + anp.exp(l))
            total = total + anp.sum(weight[side][:, None] * (cross - entropy))
        return total

    gradient = grad(lambda x: softmax(x) + divergence(x))(leaves)
    recorded = {name: tensor(leaves[name]) for name in NAMES}
    recorded |= {"d_" + name: tensor(gradient[name]) for name in NAMES}
    recorded |= {side + "_noise": tensor(noise[side]) for side in noise}
    recorded |= {side + "_kl_weight": weight[side].tolist() for side in weight}
    recorded |= {"video": VIDEO.tolist(), "log_q": log_q.tolist(), "temperature": TEMPERATURE,
                 "softmax": float(softmax(leaves)), "kl": float(divergence(leaves))}
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "variational.json"), "w") as file:
        json.dump(recorded, file, indent=1)
        file.write("\n")


main()
