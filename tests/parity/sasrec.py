#!/usr/bin/env python3
"""Records what PyTorch makes of small SASRec networks: states, loss and the gradient of every parameter, in double.

    pip install torch numpy
    python tests/parity/sasrec.py          # writes tests/parity/sasrec.json

Written in the usual way, on left-padded batches with masks, where swipegym packs sequences without padding; so the test
that reads the file (tests/policy/test_sasrec_parity.cpp) also shows that padding changes nothing.
"""
import json
import os

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
WIDTH, HEADS, INNER, BLOCKS, LENGTH = 6, 2, 5, 2, 6
ITEMS, AUTHORS, STEP, CANDIDATE, HIDDEN = 7, 4, 3, 2, 5
LENGTHS = [4, 1, 6]
EPSILON = 1e-6


class Case:
    def __init__(self, norm, seed):
        self.norm, self.rng, self.parameters = norm, np.random.default_rng(seed), []
        d = WIDTH
        self.positions = self.make(LENGTH, d)
        self.stranger = self.make(1, d)
        self.step = self.linear(STEP, d)
        self.input_norm = self.layer_norm() if norm == "post" else None
        self.blocks = []
        for _ in range(BLOCKS):
            self.blocks.append(dict(
                attention_norm=self.layer_norm(), ffn_norm=self.layer_norm(), query=self.linear(d, d), key_value=self.linear(d, 2 * d),
                projection=None if norm == "published" else self.linear(d, d), inner=self.linear(d, INNER), outer=self.linear(INNER, d)))
        self.last_norm = None if norm == "post" else self.layer_norm()
        self.head = [self.linear(3 * d + CANDIDATE, HIDDEN), self.linear(HIDDEN, 2)]
        self.items, self.authors = self.make(ITEMS, d), self.make(AUTHORS, d)

    def make(self, rows, columns, around=0.0):
        p = torch.tensor(around + self.rng.normal(0, 0.5, (rows, columns)), requires_grad=True)
        self.parameters.append(p)
        return p

    def linear(self, rows, columns):
        return self.make(rows, columns), self.make(1, columns)

    def layer_norm(self):
        return self.make(1, WIDTH, 1.0), self.make(1, WIDTH)

    def apply(self, layer, x):
        return x @ layer[0] + layer[1][0]

    def normal(self, layer, x):
        return F.layer_norm(x, (WIDTH,), layer[0][0], layer[1][0], EPSILON)

    def attention(self, block, q_in, kv_in, padded):
        b, n, d = q_in.shape
        split = lambda x: x.view(b, n, HEADS, d // HEADS).transpose(1, 2)
        q = split(self.apply(block["query"], q_in))
        k, v = (split(x) for x in self.apply(block["key_value"], kv_in).chunk(2, -1))
        score = q @ k.transpose(-1, -2) / (d // HEADS) ** 0.5
        hidden = torch.triu(torch.ones(n, n, dtype=torch.bool), 1)[None, None] | padded[:, None, None, :]
        weight = torch.softmax(score.masked_fill(hidden, -1e30), -1)
        return (weight @ v).transpose(1, 2).reshape(b, n, d)

    def states(self, item, author, step, padded):
        real = (~padded)[..., None].to(torch.get_default_dtype())
        x = (self.items[item] + self.authors[author]) * WIDTH ** 0.5 + self.positions + self.apply(self.step, step)
        if self.norm == "post":
            x = self.normal(self.input_norm, x)
        x = x * real
        f = (lambda z: F.gelu(z, approximate="tanh")) if self.norm == "post" else F.relu
        ffn = lambda block, y: self.apply(block["outer"], f(self.apply(block["inner"], y)))
        for block in self.blocks:
            first, second = (lambda y: self.normal(block["attention_norm"], y)), (lambda y: self.normal(block["ffn_norm"], y))
            if self.norm == "published":
                q = first(x)
                y = second(self.attention(block, q, x, padded) + q)
                x = y + ffn(block, y)
            elif self.norm == "pre":
                y = first(x)
                x = x + self.apply(block["projection"], self.attention(block, y, y, padded))
                x = x + ffn(block, second(x))
            else:
                y = second(x + self.apply(block["projection"], self.attention(block, x, x, padded)))
                x = first(y + ffn(block, y))
            x = x * real
        return x if self.norm == "post" else self.normal(self.last_norm, x)


def record(norm, seed, negatives):
    case = Case(norm, seed)
    rng = np.random.default_rng(seed + 1000)
    rows = sum(LENGTHS)
    item, author = rng.integers(0, ITEMS, rows), rng.integers(0, AUTHORS, rows)
    target, negative = rng.integers(0, ITEMS, rows), rng.integers(0, ITEMS, (rows, negatives))
    target[LENGTHS[0]] = -1
    step = rng.normal(0, 1, (rows, STEP))
    padded = np.ones((len(LENGTHS), LENGTH), bool)
    for s, n in enumerate(LENGTHS):
        padded[s, LENGTH - n:] = False

    def pad(values, width=None):
        out = np.zeros((len(LENGTHS), LENGTH) + (() if width is None else (width,)), dtype=values.dtype)
        out[~padded] = values
        return torch.tensor(out)

    mask = torch.tensor(padded)
    states = case.states(pad(item), pad(author), pad(step, STEP), mask)[~mask]

    real = torch.tensor(target >= 0)
    positive = (states * case.items[torch.tensor(np.maximum(target, 0))]).sum(-1)
    others = (states[:, None] * case.items[torch.tensor(negative)]).sum(-1)
    next_loss = ((F.softplus(-positive) + F.softplus(others).mean(-1)) * real).sum() / real.sum()

    state, candidate = [-1, 3, 10, 4, 3], rng.integers(0, ITEMS, 5)
    maker, dense = rng.integers(0, AUTHORS, 5), rng.normal(0, 1, (5, CANDIDATE))
    clicked, ratio = rng.integers(0, 2, 5).astype(float), rng.uniform(0, 2, 5)
    h = torch.stack([case.stranger[0] if s < 0 else states[s] for s in state])
    e = case.items[torch.tensor(candidate)] + case.authors[torch.tensor(maker)]
    z = case.apply(case.head[1], F.relu(case.apply(case.head[0], torch.cat([h, e, h * e, torch.tensor(dense)], -1))))
    loss = next_loss + F.binary_cross_entropy_with_logits(z[:, 0], torch.tensor(clicked)) + ((z[:, 1] - torch.tensor(ratio)) ** 2).mean()
    loss.backward()

    def tensor(x):
        x = np.atleast_2d(np.asarray(x.detach() if torch.is_tensor(x) else x, float))
        return dict(rows=x.shape[0], columns=x.shape[1], values=[float(f"{v:.17g}") for v in x.ravel()])

    return dict(
        norm=norm, activation="gelu" if norm == "post" else "relu", width=WIDTH, heads=HEADS, inner=INNER, blocks=BLOCKS, max_length=LENGTH,
        epsilon=EPSILON, items=ITEMS, authors=AUTHORS, head_hidden=HIDDEN, lengths=LENGTHS, item=item.tolist(), author=author.tolist(),
        step=tensor(step), target=target.tolist(), negatives=negative.ravel().tolist(), head_state=state, head_item=candidate.tolist(),
        head_author=maker.tolist(), head_features=tensor(dense), clicked=clicked.tolist(), ratio=ratio.tolist(),
        states=tensor(states), head_output=tensor(z), next_loss=next_loss.item(), loss=loss.item(),
        parameters=[dict(value=tensor(p), gradient=tensor(p.grad)) for p in case.parameters])


if __name__ == "__main__":
    out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sasrec.json")
    cases = [record("published", 1, 1), record("pre", 2, 3), record("post", 3, 2)]
    with open(out, "w") as file:
        file.write(json.dumps(dict(torch=torch.__version__, cases=cases), separators=(",", ":")).replace('{"value"', '\n{"value"') + "\n")
    print(out, os.path.getsize(out), "bytes")
