#!/usr/bin/env python3
"""Records what PyTorch makes of a small DIN: outputs, running statistics and the gradient of every parameter, in double.

    pip install torch numpy
    python tests/parity/din.py          # writes tests/parity/din.json

Written in the usual way: left-padded histories with a mask, both linear layers of the attention, torch's BatchNorm1d
inside Dice. swipegym folds the attention's layers into one and packs histories; tests/policy/test_din_parity.cpp shows
that the numbers are the same.
"""
import json
import os

import numpy as np
import torch
from torch import nn

torch.set_default_dtype(torch.float64)
USERS, VIDEOS, BUCKETS, TAGS, DIM, HIDDEN, LENGTH, ROWS, USER_NUMBERS, VIDEO_NUMBERS = 5, 7, 92, 3, 4, 6, 5, 11, 2, 3
LAYERS = [9, 6]
rng = np.random.default_rng(7)


class Dice(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.BatchNorm1d(width, eps=1e-8)
        self.alpha = nn.Parameter(torch.zeros(width))

    def forward(self, x):
        p = torch.sigmoid(self.norm(x))
        return p * x + self.alpha * (1 - p) * x


class Din(nn.Module):
    def __init__(self):
        super().__init__()
        table = lambda n: nn.Embedding(n + 1, DIM, padding_idx=0)  # row 0 is padding
        self.user, self.video, self.bucket, self.tag = table(USERS), table(VIDEOS), table(BUCKETS), table(TAGS)
        self.first, self.second = nn.Linear(12 * DIM, HIDDEN), nn.Linear(HIDDEN, 1)
        sizes = [7 * DIM + USER_NUMBERS + VIDEO_NUMBERS] + LAYERS + [1]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
        self.dice = nn.ModuleList(Dice(width) for width in LAYERS)

    def describe(self, video, bucket, tag):
        return torch.cat([self.video(video), self.bucket(bucket), self.tag(tag)], -1)

    def forward(self, rows):
        q = self.describe(rows["video"], rows["bucket"], rows["tag"])
        h = self.describe(rows["history_video"], rows["history_bucket"], rows["history_tag"])
        wide = q.unsqueeze(1).expand_as(h)
        score = self.second(self.first(torch.cat([wide, h, wide - h, wide * h], -1))).squeeze(-1)
        score = score.masked_fill(rows["padding"], 0.0)
        pooled = (score.unsqueeze(-1) * h).sum(1)
        x = torch.cat([q, pooled, self.user(rows["user"]), rows["user_numbers"], rows["video_numbers"]], -1)
        for layer, dice in zip(self.layers, self.dice):
            x = dice(layer(x))
        return self.layers[-1](x)


def main():
    torch.manual_seed(1)
    net = Din()
    with torch.no_grad():
        for p in net.parameters():
            p += torch.tensor(rng.normal(0, 0.3, tuple(p.shape)))
        for e in (net.user, net.video, net.bucket, net.tag):
            e.weight[0] = 0
    known = rng.integers(0, LENGTH + 1, ROWS)
    known[0], known[1] = 0, LENGTH
    padding = np.arange(LENGTH)[None, :] < LENGTH - known[:, None]
    draw = lambda n, *shape: rng.integers(1, n + 1, shape)
    rows = dict(user=draw(USERS, ROWS), video=draw(VIDEOS, ROWS), bucket=draw(BUCKETS, ROWS), tag=draw(TAGS, ROWS))
    rows["user"][2] = 0  # a user nobody knows
    for name, n in (("video", VIDEOS), ("bucket", BUCKETS), ("tag", TAGS)):
        rows["history_" + name] = np.where(padding, 0, draw(n, ROWS, LENGTH))
    given = {k: torch.tensor(v) for k, v in rows.items()}
    given["padding"] = torch.tensor(padding)
    # As float32 numbers, since inputs are single precision in swipegym.
    given["user_numbers"] = torch.tensor(rng.normal(0, 1, (ROWS, USER_NUMBERS)).astype(np.float32).astype(np.float64))
    given["video_numbers"] = torch.tensor(rng.normal(0, 1, (ROWS, VIDEO_NUMBERS)).astype(np.float32).astype(np.float64))
    slopes = torch.tensor(rng.normal(0, 1, (ROWS, 1)))
    net.train()
    output = net(given)
    (output * slopes).sum().backward()
    ordered = [(net.first.weight.T, net.first.weight.grad.T), (net.first.bias[None], net.first.bias.grad[None]),
               (net.second.weight.T, net.second.weight.grad.T), (net.second.bias[None], net.second.bias.grad[None])]
    for layer in net.layers:
        ordered += [(layer.weight.T, layer.weight.grad.T), (layer.bias[None], layer.bias.grad[None])]
    for dice in net.dice:
        for p in (dice.norm.weight, dice.norm.bias, dice.alpha):
            ordered.append((p[None], p.grad[None]))
    tables = [(e.weight[1:], e.weight.grad[1:]) for e in (net.user, net.video, net.bucket, net.tag)]
    numbers = lambda x: [float(v) for v in x.detach().contiguous().flatten()]
    statistics = [s for dice in net.dice for s in (dice.norm.running_mean, dice.norm.running_var)]
    net_statistics = [numbers(s) for s in statistics]
    net.eval()
    record = dict(
        shape=dict(users=USERS, videos=VIDEOS, tags=TAGS, dim=DIM, hidden=HIDDEN, layers=LAYERS,
                   user_numbers=USER_NUMBERS, video_numbers=VIDEO_NUMBERS),
        rows={k: (v - 1).tolist() for k, v in rows.items()}, known=known.tolist(),
        user_numbers=numbers(given["user_numbers"]), video_numbers=numbers(given["video_numbers"]),
        slopes=numbers(slopes), output=numbers(output), statistics=net_statistics, prediction=numbers(net(given)),
        parameters=[dict(value=numbers(p), gradient=numbers(g)) for p, g in ordered],
        tables=[dict(value=numbers(p), gradient=numbers(g)) for p, g in tables])
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "din.json")
    with open(path, "w") as file:
        json.dump(record, file)
    print(path, torch.__version__)


main()
