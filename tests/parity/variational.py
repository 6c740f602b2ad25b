#!/usr/bin/env python3
"""Records what PyTorch makes of the loss of a variational two-tower: draws, the in-batch softmax of
unit vectors, the divergences, and the gradients of all means and log variances, in double.

    pip install torch numpy
    python tests/parity/variational.py          # writes tests/parity/variational.json

Read by tests/agents/test_variational.cpp. The loss is written here once more from its definition, the divergence by
torch.distributions.
"""
import json
import os

import numpy as np
import torch
from torch.distributions import Normal, kl_divergence

rng = np.random.default_rng(18)
PAIRS, WIDTH, VIDEOS, TEMPERATURE = 7, 5, 6, 0.2
VIDEO = torch.tensor([0, 3, 1, 3, 5, 2, 0])  # two videos stand in the batch twice
NAMES = ["user_mean", "user_log_variance", "item_mean", "item_log_variance"]


def draw(*shape, scale=1.0):
    return torch.tensor(np.round(rng.normal(0, scale, shape), 3))


def tensor(x):
    return dict(rows=x.shape[0], columns=x.shape[1], values=x.detach().flatten().tolist())


def main():
    leaves = {name: draw(PAIRS, WIDTH, scale=0.7).requires_grad_() for name in NAMES}
    noise = {side: draw(PAIRS, WIDTH) for side in ("user", "item")}
    log_q = torch.tensor(np.log(np.round(rng.uniform(0.05, 0.4, VIDEOS), 3)))
    weight = {side: torch.tensor(np.round(rng.uniform(0.01, 0.3, PAIRS), 3)) for side in ("user", "item")}

    def softmax(x):
        unit = {}
        for side in ("user", "item"):
            z = x[side + "_mean"] + torch.exp(0.5 * x[side + "_log_variance"]) * noise[side]
            unit[side] = z / (z.norm(dim=1, keepdim=True) + 1e-6)
        logits = unit["user"] @ unit["item"].T / TEMPERATURE - log_q[VIDEO]
        hit = (VIDEO[:, None] == VIDEO[None, :]) & ~torch.eye(PAIRS, dtype=torch.bool)
        return torch.nn.functional.cross_entropy(logits.masked_fill(hit, -1e9), torch.arange(PAIRS))

    def divergence(x):
        prior = Normal(torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64))
        return sum((weight[side][:, None] *
                    kl_divergence(Normal(x[side + "_mean"], torch.exp(0.5 * x[side + "_log_variance"])), prior)).sum()
                   for side in ("user", "item"))

    found = {"softmax": softmax(leaves), "kl": divergence(leaves)}
    (found["softmax"] + found["kl"]).backward()
    recorded = {name: tensor(leaves[name]) for name in NAMES}
    recorded |= {"d_" + name: tensor(leaves[name].grad) for name in NAMES}
    recorded |= {side + "_noise": tensor(noise[side]) for side in noise}
    recorded |= {side + "_kl_weight": weight[side].tolist() for side in weight}
    recorded |= {"video": VIDEO.tolist(), "log_q": log_q.tolist(), "temperature": TEMPERATURE,
                 **{name: value.item() for name, value in found.items()}}
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "variational.json"), "w") as file:
        json.dump(recorded, file, indent=1)
        file.write("\n")


main()
