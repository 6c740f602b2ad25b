#!/usr/bin/env python3
"""Records what PyTorch makes of a small multi-gate mixture of experts: outputs and every gradient, in double.

    pip install torch numpy
    python tests/parity/multitask.py    # writes tests/parity/multitask.json

Written as the paper has it (Ma et al., KDD 2018): every expert and every gate is a function of one input
x = [a(state), b(video), f(state) * g(video), cross], and a head reads sum_e softmax(G_k x)_e E_e(x). swipegym adds the
shares of state and video instead of joining them; tests/policy/test_multitask_network.cpp shows that the numbers are
the same.
"""
import json
import os

import numpy as np
import torch

STATE, ITEM, CROSS, TAGS, AUTHORS, IDS, DIM = 7, 4, 3, 3, 4, 6, 2
EXPERTS, WIDTH, EXPERT, TOWER, STATE_HIDDEN, ITEM_HIDDEN, OUTPUTS = 3, 3, [5, 4], [3], [6], [5], [4, 1, 1]
ROWS, VIDEOS, PAIRS = 4, 5, 9
FIRST = EXPERTS * EXPERT[0] + EXPERTS * len(OUTPUTS)
rng = np.random.default_rng(11)


def leaf(x):
    return torch.tensor(x, dtype=torch.float64, requires_grad=True)


def stack(sizes):
    return [(leaf(rng.normal(0, 0.5, (a, b))), leaf(rng.normal(0, 0.3, (1, b)))) for a, b in zip(sizes, sizes[1:])]


def run(layers, x, ends_active):
    for i, (weight, bias) in enumerate(layers):
        x = x @ weight + bias
        if ends_active or i + 1 < len(layers):
            x = torch.nn.functional.silu(x)
    return x


def forward(net, given):
    look = lambda table, rows: torch.cat([torch.zeros(1, DIM, dtype=torch.float64), table])[rows + 1]  # -1: unknown
    video = torch.cat([given["numbers"]] + [look(net[t], given[t]) for t in ("tag", "author", "id")], 1)
    a, b = run(net["state"], given["states"], False)[given["state_of"]], run(net["item"], video, False)[given["video_of"]]
    x = torch.cat([a[:, :FIRST], b[:, :FIRST], a[:, FIRST:] * b[:, FIRST:], given["cross"]], 1)
    eye = torch.eye(FIRST, dtype=torch.float64)
    layer = x @ torch.cat([eye, eye, net["meet"]])  # [a, b, product, cross] -> units and gates
    made = [run(e, torch.nn.functional.silu(layer[:, i * EXPERT[0]:(i + 1) * EXPERT[0]]), True) for i, e in enumerate(net["experts"])]
    outputs = []
    for k, tower in enumerate(net["towers"]):
        at = EXPERTS * (EXPERT[0] + k)
        gate = torch.softmax(layer[:, at:at + EXPERTS], 1)
        outputs.append(run(tower, sum(gate[:, e:e + 1] * made[e] for e in range(EXPERTS)), False))
    return outputs


def matrix(x):
    return dict(rows=x.shape[0], columns=x.shape[1], values=x.detach().flatten().tolist())


def main():
    net = dict(state=stack([STATE] + STATE_HIDDEN + [FIRST + WIDTH]),
               item=stack([ITEM + 3 * DIM] + ITEM_HIDDEN + [FIRST + WIDTH]), meet=leaf(rng.normal(0, 0.5, (WIDTH + CROSS, FIRST))),
               experts=[stack(EXPERT) for _ in range(EXPERTS)], towers=[stack([EXPERT[-1]] + TOWER + [n]) for n in OUTPUTS],
               tag=leaf(rng.normal(0, 1, (TAGS, DIM))), author=leaf(rng.normal(0, 1, (AUTHORS, DIM))),
               id=leaf(rng.normal(0, 1, (IDS, DIM))))
    draw = lambda *shape: torch.tensor(rng.normal(0, 1, shape).astype(np.float32).astype(np.float64))
    chosen = lambda low, high, count: torch.tensor(rng.integers(low, high, count))
    given = dict(states=draw(ROWS, STATE), numbers=draw(VIDEOS, ITEM), cross=draw(PAIRS, CROSS),
                 tag=chosen(-1, TAGS, VIDEOS), author=chosen(-1, AUTHORS, VIDEOS), id=chosen(-1, IDS, VIDEOS),
                 state_of=chosen(0, ROWS, PAIRS), video_of=chosen(0, VIDEOS, PAIRS))
    given["author"][0] = -1
    outputs = forward(net, given)
    slopes = [draw(*o.shape) for o in outputs]
    sum((o * s).sum() for o, s in zip(outputs, slopes)).backward()
    flat = lambda n: ([p for part in [n["state"], n["item"]] for layer in part for p in layer] + [n["meet"]] +
                      [p for part in list(n["experts"]) + list(n["towers"]) for layer in part for p in layer])
    pairs = lambda values: [dict(value=matrix(v), gradient=matrix(v.grad)) for v in values]
    tables = lambda n: [n["tag"], n["author"], n["id"]]
    record = dict(
        shape=dict(kind="mmoe", experts=EXPERTS, state_hidden=STATE_HIDDEN, item_hidden=ITEM_HIDDEN, width=WIDTH,
                   expert=EXPERT, tower=TOWER, dim=DIM, state=STATE, item=ITEM, cross=CROSS, tags=TAGS, authors=AUTHORS,
                   ids=IDS, outputs=OUTPUTS),
        states=matrix(given["states"]), numbers=matrix(given["numbers"]), cross=matrix(given["cross"]),
        outputs=[matrix(o) for o in outputs], slopes=[matrix(s) for s in slopes],
        parameters=pairs(flat(net)), tables=pairs(tables(net)))
    for name in ("tag", "author", "id", "state_of", "video_of"):
        record[name] = given[name].tolist()
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "multitask.json")
    with open(path, "w") as file:
        json.dump(record, file)
    print(path)


main()
