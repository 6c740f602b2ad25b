#!/usr/bin/env python3
"""SASRec training steps in PyTorch on CPU, for setting beside bench/sequence_bench's sasrec_step: d 64, 2 blocks, 1 head, batch
128, full-length sequences of uniform items, binary cross entropy with one uniform negative a position, dropout .2, Adam.

    pip install torch
    python bench/peers/sasrec_torch.py --threads 2 --length 50 --items 7583
    python bench/peers/sasrec_torch.py --threads 2 --length 50 --items 4370000 --sparse
"""
import argparse
import resource
import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn

WIDTH, BATCH, BLOCKS, DROP = 64, 128, 2, 0.2


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.query, self.key_value, self.out = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.inner, self.outer, self.drop = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH), nn.Dropout(DROP)

    def forward(self, x):
        y = self.first(x)
        k, v = self.key_value(y).chunk(2, -1)
        a = F.scaled_dot_product_attention(self.query(y)[:, None], k[:, None], v[:, None], is_causal=True)[:, 0]
        x = x + self.drop(self.out(a))
        return x + self.drop(self.outer(self.drop(F.relu(self.inner(self.second(x))))))


class SasRec(nn.Module):
    def __init__(self, items, length, sparse):
        super().__init__()
        self.items = nn.Embedding(items + 1, WIDTH, padding_idx=0, sparse=sparse)
        nn.init.normal_(self.items.weight, std=0.02)
        self.positions = nn.Embedding(length, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(BLOCKS))
        self.last, self.drop = nn.LayerNorm(WIDTH), nn.Dropout(DROP)

    def forward(self, sequence, positive, negative):
        x = self.drop(self.items(sequence) * WIDTH ** 0.5 + self.positions.weight) * (sequence != 0).unsqueeze(-1)
        for block in self.blocks:
            x = block(x)
        x, real = self.last(x), (positive != 0).float()
        liked, other = (x * self.items(positive)).sum(-1), (x * self.items(negative)).sum(-1)
        return ((F.softplus(-liked) + F.softplus(other)) * real).sum() / real.sum()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--length", type=int, default=50)
    parser.add_argument("--items", type=int, default=7583)
    parser.add_argument("--sparse", action="store_true", help="SparseAdam for the item table")
    parser.add_argument("--seconds", type=float, default=8.0)
    o = parser.parse_args()
    torch.set_num_threads(o.threads)
    torch.manual_seed(0)
    model = SasRec(o.items, o.length, o.sparse)
    rest = [p for name, p in model.named_parameters() if name != "items.weight"]
    if o.sparse:
        optimisers = [torch.optim.SparseAdam([model.items.weight], 1e-3), torch.optim.Adam(rest, 1e-3)]
    else:
        optimisers = [torch.optim.Adam(model.parameters(), 1e-3)]
    data = [torch.randint(1, o.items + 1, (3, BATCH, o.length)) for _ in range(8)]

    def step(i):
        for optimiser in optimisers:
            optimiser.zero_grad(set_to_none=True)
        model(*data[i % 8]).backward()
        for optimiser in optimisers:
            optimiser.step()

    for i in range(3):
        step(i)
    times = []
    while sum(times) < o.seconds or len(times) < 6:
        start = time.perf_counter()
        step(len(times))
        times.append(time.perf_counter() - start)
    median = statistics.median(times)
    print(f"torch {torch.__version__}: length {o.length}, {o.items} items{', sparse' if o.sparse else ''}, {o.threads} threads: "
          f"{1e3 * median:.1f} ms a step (best {1e3 * min(times):.1f}), {BATCH / median:.0f} sequences/s, "
          f"{BATCH * o.length / median:.0f} positions/s, peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
