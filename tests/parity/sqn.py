#!/usr/bin/env python3
"""Records what PyTorch makes of one update of SQN and SAC (Xin et al. 2020), of SNQN and SA2C (Xin et al. 2022): targets,
losses and the gradient of every parameter of the network that learns, in double.

    pip install torch numpy
    python tests/parity/sqn.py          # writes tests/parity/sqn.json

Written as the paper has it, with full outputs of both heads and one-hot picks, where swipegym computes the values of
logged actions alone. The encoders are those of sasrec.py.
"""
import json
import os

import numpy as np
import torch
import torch.nn.functional as F

from sasrec import BLOCKS, EPSILON, HEADS, HIDDEN, INNER, ITEMS, AUTHORS, LENGTH, STEP, WIDTH, Case

DISCOUNT, VALUE_WEIGHT, TOTAL = 0.5, 0.7, 5  # a batch of five transitions, of which this pass has four
LENGTHS, NEXT_LENGTHS, NEXT = [4, 1, 6, 2], [5, 6, 3], [0, -1, 1, 2]
ACTION, REWARD = [2, 5, 2, 0], [0.2, 1.0, 0.2, 1.0]
UNSEEN, NEGATIVE_REWARD, IMPORTANCE = [[1, 0, 3], [0, 2, 2], [5, 4, 1], [2, 4, 3]], -0.3, 0.5  # of snqn and sa2c
SHARE = [0.4, 0.02, 0.3, 0.28]


def network(seed):
    case = Case("pre", seed)
    case.values = case.make(ITEMS, WIDTH + 1)
    return case


def histories(rng, lengths):
    rows = sum(lengths)
    padded = np.ones((len(lengths), LENGTH), bool)
    for s, n in enumerate(lengths):
        padded[s, LENGTH - n:] = False
    return dict(lengths=lengths, item=rng.integers(0, ITEMS, rows), author=rng.integers(0, AUTHORS, rows), step=rng.normal(0, 1, (rows, STEP)),
                padded=padded)


def newest(case, h):
    def pad(values):
        out = np.zeros((len(h["lengths"]), LENGTH) + values.shape[1:], dtype=values.dtype)
        out[~h["padded"]] = values
        return torch.tensor(out)

    return case.states(pad(h["item"]), pad(h["author"]), pad(h["step"]), torch.tensor(h["padded"]))[:, -1]


def values(case, state):
    return state @ case.values[:, :WIDTH].T + case.values[:, WIDTH]


def tensor(x):
    x = np.atleast_2d(np.asarray(x.detach() if torch.is_tensor(x) else x, float))
    return dict(rows=x.shape[0], columns=x.shape[1], values=[float(f"{v:.17g}") for v in x.ravel()])


def recorded(h):
    return dict(lengths=h["lengths"], item=h["item"].tolist(), author=h["author"].tolist(), step=tensor(h["step"]))


def record(method):
    learner, judge = network(11), network(12)
    rng = np.random.default_rng(13)
    state, next_state = histories(rng, LENGTHS), histories(rng, NEXT_LENGTHS)
    action, reward = torch.tensor(ACTION), torch.tensor(REWARD)
    with torch.no_grad():
        best = F.one_hot(values(learner, newest(learner, next_state)).argmax(-1), ITEMS)
        worth = (values(judge, newest(judge, next_state)) * best).sum(-1)
        after = torch.stack([worth[n] if n >= 0 else torch.tensor(0.0) for n in NEXT])
        target = reward + DISCOUNT * after
    h = newest(learner, state)
    own = (values(learner, h) * F.one_hot(action, ITEMS)).sum(-1)
    logits = h @ learner.items.T
    entropy = F.cross_entropy(logits, action, reduction="none")
    errors = (target - own) ** 2
    weight = torch.ones(len(ACTION))
    if method == "sac":
        weight = own.detach()
    if method in ("snqn", "sa2c"):
        unseen = values(learner, h).gather(1, torch.tensor(UNSEEN))
        with torch.no_grad():
            stays = values(judge, newest(judge, state)).gather(1, values(learner, h).argmax(-1, keepdim=True)).squeeze(1)
            stays = NEGATIVE_REWARD + DISCOUNT * stays
        errors = errors + ((stays[:, None] - unseen) ** 2).sum(-1)
    if method == "sa2c":
        advantage = own - torch.cat([own[:, None], unseen], 1).mean(-1)
        chance = F.softmax(logits, -1).gather(1, action[:, None]).squeeze(1)
        weight = (advantage.clamp(0, 10) * (chance / torch.tensor(SHARE)).clamp(0.1, 10) ** IMPORTANCE).detach()
    supervised = (weight * entropy).sum() / TOTAL
    value = errors.sum() / TOTAL
    (supervised + VALUE_WEIGHT * value).backward()
    gradient = lambda p: torch.zeros_like(p) if p.grad is None else p.grad
    return dict(
        method=method, state=recorded(state), next_state=recorded(next_state), target=tensor(target), own=tensor(own), weight=tensor(weight),
        supervised=supervised.item(), value=value.item(),
        parameters=[dict(value=tensor(p), gradient=tensor(gradient(p))) for p in learner.parameters],
        judge=[tensor(p) for p in judge.parameters])


if __name__ == "__main__":
    out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sqn.json")
    made = dict(
        torch=torch.__version__, width=WIDTH, heads=HEADS, inner=INNER, blocks=BLOCKS, max_length=LENGTH, epsilon=EPSILON, head_hidden=HIDDEN,
        items=ITEMS, authors=AUTHORS, discount=DISCOUNT, value_weight=VALUE_WEIGHT, total=TOTAL, next=NEXT, action=ACTION, reward=REWARD,
        unseen=sum(UNSEEN, []), negatives=len(UNSEEN[0]), negative_reward=NEGATIVE_REWARD, importance=IMPORTANCE, share=SHARE,
        cases=[record(method) for method in ("sqn", "sac", "snqn", "sa2c")])
    with open(out, "w") as file:
        file.write(json.dumps(made, separators=(",", ":")).replace('{"value"', '\n{"value"') + "\n")
    print(out, os.path.getsize(out), "bytes")
