#!/usr/bin/env python3
"""Records what PyTorch makes of each layer, loss and optimiser of nn/: outputs and all gradients, in double.

    pip install torch numpy
    python tests/parity/layers.py          # writes tests/parity/layers.json

Read by tests/nn/test_layers_parity.cpp. Not here: the transformer, which SASRec's parity covers in all three orders of
normalisation (tests/parity/sasrec.py); dropout, whose mask is the project's own (tests/nn/test_layers.cpp shows that the
way back multiplies by it); and the soft top k, which PyTorch has not (tests/nn/test_soft_top_k.cpp compares it with
Sinkhorn's iteration, its hard limit and central differences).

Where conventions differ, the file records PyTorch's numbers in the project's convention:
  - Weights are [in, out], PyTorch's [out, in].
  - An element of a loss counts once: rows are weighed and their sum is divided by the sum of weights or a total that is
    given, while reduction="mean" also divides by the columns.
  - Sparse Adam adds epsilon to sqrt(v / (1 - beta2^t)), as Adam does; SparseAdam adds it to sqrt(v), so it is handed
    epsilon * sqrt(1 - beta2^t). Its decoupled decay, which SparseAdam has not, shrinks the rows touched.
"""
import json
import os

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(11)


def draw(*shape, scale=1.0, around=0.0):
    return torch.tensor(np.round(around + rng.normal(0, scale, shape), 3))  # three digits keep the file small


def leaf(*shape, **how):
    return draw(*shape, **how).requires_grad_()


def tensor(x):
    x = torch.atleast_2d(x.detach())
    return dict(rows=x.shape[0], columns=x.shape[1], values=[float(f"{v:.17g}") for v in x.contiguous().flatten()])


def layer(function, inputs, parameters=(), **settings):
    """A pass there and back, where the gradient of the output is `slopes`."""
    output = function()
    slopes = draw(*output.shape)
    output.backward(slopes)
    pair = lambda x: dict(value=tensor(x), gradient=tensor(x.grad))
    return dict(settings, inputs=[pair(x) for x in inputs], parameters=[pair(p) for p in parameters],
                slopes=tensor(slopes), output=tensor(output))


def linear():
    x, w, b = leaf(5, 4), leaf(4, 3), leaf(1, 3)
    return layer(lambda: F.linear(x, w.T, b[0]), [x], [w, b])


def mlp(activation):
    f = dict(relu=F.relu, silu=F.silu, tanh=torch.tanh, gelu=lambda x: F.gelu(x, approximate="tanh"))[activation]
    sizes = [4, 6, 5, 3]
    x, parameters = leaf(5, sizes[0]), []
    for a, b in zip(sizes, sizes[1:]):
        parameters += [leaf(a, b), leaf(1, b)]

    def forward():
        y = x
        for i in range(0, len(parameters), 2):
            y = F.linear(f(y) if i > 0 else y, parameters[i].T, parameters[i + 1][0])
        return y

    return layer(forward, [x], parameters, activation=activation, sizes=sizes)


def layer_norm(width):
    epsilon = 1e-2  # large enough to be seen
    x, gamma, beta = leaf(3, width, around=0.5), leaf(1, width, scale=0.5, around=1.0), leaf(1, width)
    return layer(lambda: F.layer_norm(x, (width,), gamma[0], beta[0], epsilon), [x], [gamma, beta], epsilon=epsilon)


def causal_attention(heads, width):
    lengths = [4, 1, 27]
    q, kv = leaf(sum(lengths), heads * width), leaf(sum(lengths), 2 * heads * width)

    def forward():
        split = lambda x: x.view(len(x), heads, width).transpose(0, 1)
        out = []
        for q_s, kv_s in zip(q.split(lengths), kv.split(lengths)):
            k, v = kv_s.chunk(2, -1)
            y = F.scaled_dot_product_attention(split(q_s), split(k), split(v), is_causal=True)
            out.append(y.transpose(0, 1).reshape(len(q_s), heads * width))
        return torch.cat(out)

    return layer(forward, [q, kv], heads=heads, lengths=lengths)


def dice(training):
    rows, width = 9, 5
    x = leaf(rows, width, scale=2.0, around=0.5)
    gamma, beta, alpha = leaf(1, width, scale=0.5, around=1.0), leaf(1, width), leaf(1, width, scale=0.5)
    mean, variance = draw(width), draw(width).abs() + 0.2
    before = [tensor(mean), tensor(variance)]

    def forward():
        p = torch.sigmoid(F.batch_norm(x, mean, variance, gamma[0], beta[0], training, 0.1, 1e-8))
        return p * x + alpha * (1 - p) * x

    out = layer(forward, [x], [gamma, beta, alpha], training=training, running=before)
    return dict(out, running_after=[tensor(mean), tensor(variance)])


def attention_pooling():
    dim, hidden, lengths = 3, 4, [3, 0, 1, 5]
    q, h = leaf(len(lengths), dim), leaf(sum(lengths), dim)
    parameters = [leaf(4 * dim, hidden), leaf(1, hidden), leaf(hidden, 1), leaf(1, 1)]
    w1, b1, w2, b2 = parameters

    def forward():
        pooled = []
        for q_i, h_i in zip(q, h.split(lengths)):
            wide = q_i.expand_as(h_i)
            inner = F.linear(torch.cat([wide, h_i, wide - h_i, wide * h_i], -1), w1.T, b1[0])
            pooled.append((F.linear(inner, w2.T, b2[0]) * h_i).sum(0))
        return torch.stack(pooled)

    return layer(forward, [q, h], parameters, dim=dim, hidden=hidden, lengths=lengths)


def losses():
    rows, columns, delta = 4, 11, 0.7
    z = leaf(rows, columns, scale=2.0)
    target = torch.tensor(np.round(rng.uniform(0, 1, (rows, columns)), 3))
    target[0, :4] = torch.tensor([0.0, 1.0, 1.0, 0.0])
    classes, weight, total = torch.tensor([2, 10, 0, 7]), torch.tensor([0.5, 2.0, 0.0, 1.25]), 7.0
    each = dict(
        softmax_cross_entropy=lambda: F.cross_entropy(z, classes, reduction="none"),
        binary_cross_entropy=lambda: F.binary_cross_entropy_with_logits(z, target, reduction="none").sum(1),
        huber=lambda: F.huber_loss(z, target, reduction="none", delta=delta).sum(1),
        mean_squared_error=lambda: F.mse_loss(z, target, reduction="none").sum(1))
    cases = []
    for name, loss in each.items():
        for weighted, divisor in ((False, rows), (True, weight.sum()), (True, total)):
            z.grad = None
            value = (loss() * weight if weighted else loss()).sum() / divisor
            value.backward()
            cases.append(dict(loss=name, weighted=weighted, total_weight=total if divisor is total else 0.0,
                              value=value.item(), gradient=tensor(z.grad)))
    return dict(input=tensor(z), target=tensor(target), classes=classes.tolist(), weight=weight.tolist(), delta=delta,
                cases=cases)


def embedding():
    ids = [4, 1, -1, 4, 0]  # -1 is padding, PyTorch's row 0
    table = leaf(6, 3)
    padded = lambda: torch.cat([torch.zeros(1, 3), table])
    return layer(lambda: F.embedding(torch.tensor(ids) + 1, padded(), padding_idx=0), [], [table], ids=ids)


RATE, BETA1, BETA2, EPSILON = 0.05, 0.8, 0.95, 0.02  # epsilon is large enough to be seen


def moments(optimiser, p):
    state = optimiser.state[p]
    return dict(first=tensor(state["exp_avg"]), second=tensor(state["exp_avg_sq"])) if "exp_avg" in state else {}


def dense_steps(kind, decay):
    """Of a matrix that decays and of a bias that does not."""
    w, b = leaf(3, 4), leaf(1, 4)
    start = [tensor(w), tensor(b)]
    groups = [dict(params=[w], weight_decay=decay), dict(params=[b], weight_decay=0.0)]
    adam = dict(lr=RATE, betas=(BETA1, BETA2), eps=EPSILON)
    optimiser = dict(adam=lambda: torch.optim.Adam(groups, **adam), adamw=lambda: torch.optim.AdamW(groups, **adam),
                     sgd=lambda: torch.optim.SGD(groups, lr=RATE))[kind]()
    steps = []
    for scale in (1.0, 0.1, 3.0):
        w.grad, b.grad = draw(3, 4, scale=scale), draw(1, 4, scale=scale)
        optimiser.step()
        steps.append([dict(gradient=tensor(p.grad), value=tensor(p), **moments(optimiser, p)) for p in (w, b)])
    return dict(kind=kind, weight_decay=decay, start=start, steps=steps)


def sparse_steps(decay):
    table = leaf(6, 3)
    start = tensor(table)
    optimiser = torch.optim.SparseAdam([table], lr=RATE, betas=(BETA1, BETA2), eps=EPSILON)
    steps = []
    for t, ids in enumerate(([1, 4, 1], [4, 0], [1, 3]), 1):
        rows = draw(len(ids), 3, scale=0.5)
        table.grad = torch.sparse_coo_tensor(torch.tensor([ids]), rows, table.shape, check_invariants=True)
        optimiser.param_groups[0]["eps"] = EPSILON * (1 - BETA2 ** t) ** 0.5
        with torch.no_grad():
            table[sorted(set(ids))] *= 1 - RATE * decay
        optimiser.step()
        steps.append(dict(ids=ids, gradient=tensor(rows), value=tensor(table), **moments(optimiser, table)))
    return dict(weight_decay=decay, start=start, steps=steps)


def main():
    record = dict(
        torch=torch.__version__, linear=linear(), mlp=[mlp(name) for name in ("relu", "silu", "tanh", "gelu")],
        layer_norm=[layer_norm(width) for width in (21, 32, 64)],  # 32 doubles and 64 floats have code of their own
        causal_attention=[causal_attention(1, 5), causal_attention(2, 4)], dice=[dice(True), dice(False)],
        attention_pooling=attention_pooling(), losses=losses(), embedding=embedding(),
        optimisers=dict(learning_rate=RATE, beta1=BETA1, beta2=BETA2, epsilon=EPSILON,
                        dense=[dense_steps("adam", 0.0), dense_steps("adamw", 0.4), dense_steps("sgd", 0.4)],
                        sparse=[sparse_steps(0.0), sparse_steps(0.4)]))
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "layers.json")
    with open(path, "w") as file:
        text = json.dumps(record, separators=(",", ":"))
        for name in ('"inputs"', '"parameters"', '"slopes"', '"output"', '{"value"', '{"gradient"', '{"loss"', '{"ids"'):
            text = text.replace(name, "\n" + name)
        file.write(text + "\n")
    print(path, os.path.getsize(path), "bytes")


if __name__ == "__main__":
    main()
