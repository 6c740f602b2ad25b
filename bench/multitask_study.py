#!/usr/bin/env python3
"""Multi-task networks beside single-task ones and LightGBM: prints the tables as Markdown.

    pip install numpy lightgbm
    python3 bench/multitask_study.py DATA OUT [--seeds 5] [--trials 4] [--resamples 500] [--program FILE]

Networks are trained by bench/multitask_study.cpp (built with -DSWIPEGYM_BENCH=ON), trees by LightGBM from what the
networks read, ids too. Everything is chosen and calibrated on the validation days; the test days are looked at by the
tables alone. Every model tries as many settings, the first of them its defaults. What is in OUT already is not made
again.
"""
import argparse
import json
import os
import subprocess
import time

import numpy as np

OUTPUTS = ["watch", "watched", "long_view", "click", "like", "follow", "comment", "forward", "hate", "leave"]
COMPARED = ["watched", "long_view", "click", "like"]
SINGLE = {"watched": "watch", "long_view": "long_view", "click": "click", "like": "like"}
BINS = 15


def read_part(out, part):
    labels = np.fromfile(os.path.join(out, part + ".labels.f32"), np.float32).reshape(-1, 1 + len(OUTPUTS))
    rows = np.fromfile(os.path.join(out, part + ".f32"), np.float32).reshape(len(labels), -1)
    return rows, labels[:, 0].astype(np.int64), labels[:, 1:]


def logit(p):
    p = np.clip(p.astype(np.float64), 1e-7, 1 - 1e-7)
    return np.log(p / (1 - p))


def platt(p, y):
    """Offset and slope as fit_platt() of policy/multitask/heads.h finds them."""
    z, a, b = logit(p), 0.0, 1.0
    for _ in range(50):
        q = 1 / (1 + np.exp(-(a + b * z)))
        g = np.array([a + np.sum(q - y), b - 1 + np.sum((q - y) * z)])
        w = q * (1 - q)
        step = np.linalg.solve(np.array([[1 + w.sum(), (w * z).sum()], [(w * z).sum(), 1 + (w * z * z).sum()]]), g)
        a, b = a - step[0], b - step[1]
        if np.abs(step).max() < 1e-9:
            break
    return a, b


def auc(p, y, weight=None):
    """Area under the ROC curve of weighted rows; ties count half."""
    order = np.argsort(p, kind="stable")
    return sorted_auc(p[order], y[order], np.ones(len(p)) if weight is None else weight[order])


def sorted_auc(p, y, weight):
    ends = np.append(np.nonzero(np.diff(p))[0], len(p) - 1)
    positive, negative = np.cumsum(weight * y)[ends], np.cumsum(weight * (1 - y))[ends]
    below = np.append(0.0, negative[:-1])
    mine = np.diff(np.append(0.0, positive))
    return float(np.sum(mine * (below + 0.5 * (negative - below))) / (positive[-1] * negative[-1]))


def trees(out, seeds, trials):
    import lightgbm as lgb

    parts = {part: read_part(out, part) for part in ("train", "validate", "test")}
    varies = parts["train"][0].std(0) > 0
    width = parts["train"][0].shape[1]
    base = dict(objective="binary", learning_rate=0.08, num_leaves=31, min_child_samples=50, feature_fraction=0.7,
                bagging_fraction=0.8, bagging_freq=1, lambda_l2=1.0, max_bin=63, num_threads=1, verbose=-1, ids="none")
    draw = np.random.default_rng(1)
    tried = [base] + [dict(base, num_leaves=int(draw.choice([7, 15, 31, 63])),
                           learning_rate=float(np.exp(draw.uniform(np.log(0.03), np.log(0.15)))),
                           min_child_samples=int(draw.choice([20, 50, 200, 500])),
                           feature_fraction=float(draw.uniform(0.2, 0.9)), lambda_l2=float(draw.choice([0, 1, 10, 100])),
                           ids=str(draw.choice(["none", "tag", "tag, author"]))) for _ in range(trials - 1)]

    def columns(settings):  # the last three are tag, author and video
        ids = {"none": [], "tag": [width - 3], "tag, author": [width - 3, width - 2]}[settings["ids"]]
        return np.append(np.nonzero(varies[:width - 3])[0], ids).astype(int), len(ids)

    def fit(output, settings, seed):
        used, ids = columns(settings)
        k = OUTPUTS.index(output)
        data = {part: (rows[:, used], labels[:, k]) for part, (rows, _, labels) in parts.items()}
        params = {name: value for name, value in settings.items() if name != "ids"}
        categories = list(range(len(used) - ids, len(used))) if ids else []
        train = lgb.Dataset(*data["train"], categorical_feature=categories, params=dict(max_bin=params["max_bin"]))
        model = lgb.train(dict(params, seed=seed, metric="auc"), train, 600, [train.create_valid(*data["validate"])],
                          callbacks=[lgb.early_stopping(30, verbose=False)])
        held, y = model.predict(data["validate"][0]), data["validate"][1]
        a, b = platt(held, y)
        return auc(held, y), 1 / (1 + np.exp(-(a + b * logit(model.predict(data["test"][0])))))

    for output in COMPARED:
        chosen = os.path.join(out, f"lightgbm-{output}.settings.json")
        log = open(os.path.join(out, "log-lightgbm.csv"), "a")
        if not os.path.exists(chosen):
            scores = []
            for number, settings in enumerate(tried):
                start = time.process_time()
                scores.append(fit(output, settings, 1)[0])
                log.write(f"{output} trial {number},{scores[-1]:.5f},{time.process_time() - start:.1f}\n")
                log.flush()
            with open(chosen, "w") as file:
                json.dump(tried[int(np.argmax(scores))], file)
        with open(chosen) as file:
            settings = json.load(file)
        for seed in range(1, seeds + 1):
            path = os.path.join(out, f"lightgbm-{output}-s{seed}.f32")
            if os.path.exists(path):
                continue
            start = time.process_time()
            score, said = fit(output, settings, seed)
            said.astype(np.float32).tofile(path)
            log.write(f"{output} seed {seed},{score:.5f},{time.process_time() - start:.1f}\n")
            log.flush()


class Judge:
    """Figures of the test rows by resampled users: the same users for every model, so that gaps are paired."""

    def __init__(self, user, resamples):
        _, self.user = np.unique(user, return_inverse=True)
        users = self.user.max() + 1
        draw = np.random.default_rng(1)
        self.weight = [np.bincount(draw.integers(0, users, users), minlength=users).astype(np.float64)
                       for _ in range(resamples)]
        self.seed_draw = draw.integers(0, 1 << 30, (resamples, 64))
        self.starts = np.nonzero(np.diff(np.append(-1, self.user)))[0]

    def figures(self, p, y):
        """[1 + resamples, 4]: AUC, GAUC, log loss, ECE; row 0 is of every user once."""
        order = np.argsort(p, kind="stable")
        ps, ys, us = p[order], y[order], self.user[order]
        clipped = np.clip(p.astype(np.float64), 1e-7, 1 - 1e-7)
        loss = np.bincount(self.user, -np.log(np.where(y > 0, clipped, 1 - clipped)))
        count = np.bincount(self.user)
        bin_of = np.empty(len(p), int)
        bin_of[order] = np.arange(len(p)) * BINS // len(p)
        gap = np.zeros((BINS, len(count)))
        np.add.at(gap, (bin_of, self.user), y - p)
        top, bottom = np.zeros(len(count)), np.zeros(len(count))
        for first, last in zip(self.starts, np.append(self.starts[1:], len(p))):
            if 0 < y[first:last].sum() < last - first:
                top[self.user[first]] = auc(p[first:last], y[first:last]) * (last - first)
                bottom[self.user[first]] = last - first
        rows = []
        for weight in [np.ones(len(count))] + self.weight:
            rows.append([sorted_auc(ps, ys, weight[us]), (top @ weight) / (bottom @ weight), (loss @ weight) / (count @ weight),
                         np.abs(gap @ weight).sum() / (count @ weight)])
        return np.array(rows)

    def of_seeds(self, seeds):
        """Of figures() of several training seeds: means with drawn users and drawn seeds."""
        all_seeds = np.stack(seeds)
        n = len(seeds)
        out = all_seeds.mean(0)
        if n > 1:  # a handful of seeds understates its own spread, see evaluation/metrics/bootstrap.h
            wider = np.sqrt(n / (n - 1)) * {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}.get(n, 2.2) / 1.96
            for r in range(len(self.weight)):
                drawn = self.seed_draw[r, :n] % n
                out[r + 1] += wider * (all_seeds[drawn, r + 1].mean(0) - out[r + 1])
        return out


def cell(values, digits=4):
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return f"{values[0]:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def tables(out, seeds, resamples):
    _, user, labels = read_part(out, "test")
    judge = Judge(user, resamples)
    kept = {}

    def figures(model, output):
        if (model, output) in kept:
            return kept[model, output]
        k, made = OUTPUTS.index(output), []
        for seed in range(1, seeds + 1):
            path = os.path.join(out, f"{model}-s{seed}.f32")
            if not os.path.exists(path):
                return None
            said = np.fromfile(path, np.float32)
            made.append(said if model.startswith("lightgbm") else said.reshape(len(user), -1)[:, k])
        y = labels[:, k].astype(np.float64)
        if np.isnan(y).any():
            known = ~np.isnan(y)
            y, made = y[known], [m[known] for m in made]
            part = Judge(user[known], resamples)
        else:
            part = judge
        kept[model, output] = part.of_seeds([part.figures(m, y) for m in made])
        return kept[model, output]

    print(f"{len(user):,} test rows of {len(np.unique(user)):,} users, {seeds} seeds\n")
    print("| answer | model | AUC | GAUC | log loss | ECE |\n| --- | --- | --- | --- | --- | --- |")
    for output in COMPARED:
        for name, model in (("multi-task", "multitask"), ("single task", SINGLE[output]), ("LightGBM", "lightgbm-" + output)):
            f = figures(model, output)
            if f is not None:
                print(f"| {output} | {name} | " + " | ".join(cell(f[:, i]) for i in range(4)) + " |")
    print("\n| answer | rate | AUC | GAUC | log loss | ECE |\n| --- | --- | --- | --- | --- | --- |")
    for output in OUTPUTS[1:]:
        f = figures("multitask", output)
        if f is not None and output not in COMPARED:
            rate = np.nanmean(labels[:, OUTPUTS.index(output)])
            print(f"| {output} | {rate:.4f} | " + " | ".join(cell(f[:, i]) for i in range(4)) + " |")
    print("\n| AUC, multi-task minus | " + " | ".join(COMPARED) + " |\n| --- |" + " --- |" * len(COMPARED))
    for name, other in (("single task", SINGLE.get), ("LightGBM", lambda o: "lightgbm-" + o),
                        ("itself without creators", lambda o: "multitask-no-creator")):
        gaps = [(figures("multitask", o), figures(other(o), o)) for o in COMPARED]
        print(f"| {name} | " + " | ".join("" if b is None or a is None else cell(a[:, 0] - b[:, 0]) for a, b in gaps) + " |")
    print("\n| AUC, statistics without | " + " | ".join(COMPARED) + " |\n| --- |" + " --- |" * len(COMPARED))
    for name, model in (("the row's day", "multitask"), ("the row", "multitask-left-out-row"),
                        ("nothing", "multitask-left-out-nothing")):
        line = [figures(model, o) for o in COMPARED]
        print(f"| {name} | " + " | ".join("" if f is None else cell(f[:, 0]) for f in line) + " |")
    authors(out, seeds, resamples)
    print("\n| AUC at rows | model | " + " | ".join(COMPARED) + " |\n| --- | --- |" + " --- |" * len(COMPARED))
    for share in ("", "-30", "-10", "-3"):
        rows = {name: [figures(model(o) + share, o) for o in COMPARED]
                for name, model in (("multi-task", lambda o: "multitask"), ("single task", SINGLE.get))}
        for name, line in rows.items():
            print(f"| {share[1:] or '100'} % | {name} | " + " | ".join("" if f is None else cell(f[:, 0]) for f in line) + " |")
        if all(f is not None for line in rows.values() for f in line):
            print(f"| {share[1:] or '100'} % | gap | " + " | ".join(
                cell(a[:, 0] - b[:, 0]) for a, b in zip(rows["multi-task"], rows["single task"])) + " |")


def authors(out, seeds, resamples):
    """What the networks recommend, over authors: users are drawn again, seeds are pooled."""
    table = np.fromfile(os.path.join(out, "authors.u32"), np.uint32).reshape(-1, 2).astype(np.int64)
    author, shown, number = table[:, 0], table[:, 1], table[:, 0].max() + 1
    draw = np.random.default_rng(1)
    print("\n| creator id | Gini over authors | slots of authors with < 10 exposures, % | authors recommended |\n"
          "| --- | --- | --- | --- |")
    for name, model in (("on", "multitask"), ("off", "multitask-no-creator")):
        paths = [os.path.join(out, f"{model}-s{seed}.top.u32") for seed in range(1, seeds + 1)]
        if not all(map(os.path.exists, paths)):
            continue
        best = np.stack([np.fromfile(path, np.uint32).reshape(-1, 10) for path in paths])
        rows = []
        for r in range(1 + resamples):
            users = draw.integers(0, best.shape[1], best.shape[1]) if r else np.arange(best.shape[1])
            each = []
            for videos in best[:, users].reshape(len(best), -1):
                slots = np.sort(np.bincount(author[videos], minlength=number))
                gini = 2 * np.sum(np.arange(1, number + 1) * slots) / (number * slots.sum()) - (number + 1) / number
                each.append([gini, 100 * np.mean(shown[videos] < 10), np.count_nonzero(slots)])
            rows.append(np.mean(each, 0))
        rows = np.array(rows)
        print(f"| {name} | {cell(rows[:, 0], 3)} | {cell(rows[:, 1], 2)} | {rows[0, 2]:.0f} |")
    at_all = np.bincount(author, minlength=number) > 0
    few = np.unique(author[shown < 10])
    print(f"\n{at_all.sum():,} authors, {len(few):,} with fewer than 10 exposures, which have "
          f"{100 * np.mean(shown < 10):.1f} % of the videos")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--program", default="build/release/bench/multitask_study")
    parser.add_argument("--resamples", type=int, default=500, help="draws of users and seeds behind an interval")
    parser.add_argument("--part", choices=["all", "networks", "trees", "tables"], default="all")
    given = parser.parse_args()
    space = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../configs/search/multitask.json")
    if not os.path.exists(os.path.join(given.out, "test.labels.f32")):
        subprocess.run([given.program, "rows", given.data, given.out], check=True)
    if given.part in ("all", "networks"):
        subprocess.run([given.program, "fit", given.data, given.out, str(given.seeds), str(given.trials), space], check=True)
    if given.part in ("all", "trees"):
        trees(given.out, given.seeds, given.trials)
    if given.part in ("all", "tables"):
        tables(given.out, given.seeds, given.resamples)


main()
