#!/usr/bin/env python3
"""Boosted trees beside policies of the program, at equal steps of one simulator (docs/results/learning.md).

    pip install lightgbm
    PYTHONPATH=build/release/python/package bench/boosted.py OUT --simulator sim.h5 \\
        --policies 'dqn_drawn=OUT/dqn_drawn-s*.h5,dqn_expected=OUT/dqn_expected-s*.h5'

For each kind of columns and of rewards: 14 random trials of LightGBM's settings on uniform rows, of which the one whose
choices the simulator expects most of is kept, on states that no judge sees; then its settings on epsilon-greedy rows of
four rounds, and the better of the two is trained by five seeds for each number of steps. All are judged as
`compare --expected` does, and by sessions of `swipegym.evaluate`, among each number of candidates. Intervals are of a
bootstrap over training seeds and sessions; differences are paired by sessions. What is in OUT already is not made again.
"""
import argparse
import glob
import json
import time
from functools import cached_property
from pathlib import Path

import numpy as np

import swipegym
from swipegym import boosted
from swipegym.boosted.training import Play, dataset, native
from swipegym.boosted.trees import Columns, lightgbm

SELECTION, STATES, SESSIONS = 1_000_001, 1_000_002, 1_000_003  # seeds: no judge knows what chose, or what was trained on
TRIED_AMONG = 10
MOST_TREES = {  # noise asks for fewer, and seven times the columns take seven times as long
    "features": {"expected": 600, "drawn": 300},
    "network": {"expected": 400, "drawn": 200},
}
FRACTIONS = {"features": (0.3, 1.0), "network": (0.1, 0.6)}  # of the columns, for a tree: most of 223 say little
GAIN = 0.002  # of greedy rows, that is worth ten times the time of uniform ones; less is noise of the held-out states
RESAMPLES = 1000
BLOCK = 512  # states scored at once


class UniformStates:
    """Every state of sessions of uniform choice, and what the simulator expects of each candidate."""

    def __init__(self, simulator, candidates: int, sessions: int, seed: int):
        envs = swipegym.ShortVideoVectorEnv(sessions, simulator=simulator, candidates=candidates, threads=1)
        observation, info = envs.reset(seed=swipegym._core.session_seeds(seed, sessions))
        rng = np.random.default_rng(seed)
        under_way, seen = np.ones(sessions, bool), []
        while under_way.any():
            expected = envs.expected_rewards()
            now = {**observation, "user": info["user"], "action_mask": info["action_mask"], "expected": expected}
            seen.append({name: array[under_way] for name, array in now.items()})
            seen[-1]["session"] = np.flatnonzero(under_way)
            mask = info["action_mask"].astype(bool)
            observation, _, over, cut, info = envs.step(np.where(mask, rng.random(mask.shape), -1).argmax(axis=1))
            under_way = under_way & ~(over | cut)
        self.columns = {name: np.concatenate([step[name] for step in seen]) for name in seen[0]}
        self.sessions, self.session, self.expected = sessions, self.columns.pop("session"), self.columns.pop("expected")
        mask = self.columns["action_mask"].astype(bool)
        self.random = self.sums(np.where(mask, self.expected, 0).sum(axis=1) / mask.sum(axis=1))
        self.oracle = self.sums(np.where(mask, self.expected, -np.inf).max(axis=1))

    def sums(self, values: np.ndarray) -> np.ndarray:
        """[sessions]: over a session's states."""
        return np.bincount(self.session, values, self.sessions)

    def of(self, choose) -> np.ndarray:
        """[sessions]: what choices are expected to earn. choose(observation, info) -> a slot or probabilities a row."""
        earned = np.empty(len(self.session))
        for first in range(0, len(earned), BLOCK):
            rows = slice(first, first + BLOCK)
            now = {name: array[rows] for name, array in self.columns.items()}
            info = {name: now.pop(name) for name in ("user", "action_mask")}
            chosen, expected = choose(now, info), self.expected[rows]
            if chosen.ndim == 1:
                earned[rows] = expected[np.arange(len(chosen)), chosen]
            else:
                earned[rows] = (chosen * expected).sum(axis=1)
        return self.sums(earned)

    def share(self, earned: np.ndarray) -> float:
        return float((earned.sum() - self.random.sum()) / (self.oracle.sum() - self.random.sum()))


def trial(number: int, columns: str, rewards: str) -> tuple[dict, int]:
    """LightGBM's settings and a number of trees; of trial 0 its own."""
    rng = np.random.default_rng([7, number])
    most, (low, high) = MOST_TREES[columns][rewards], FRACTIONS[columns]
    if number == 0:
        return dict(boosted.settings.DEFAULTS), most // 2
    log = lambda least, largest: float(np.exp(rng.uniform(np.log(least), np.log(largest))))  # noqa: E731
    return {
        "num_leaves": round(log(15, 256)),
        "learning_rate": log(0.03, 0.3),
        "min_data_in_leaf": round(log(10, 1000)),
        "feature_fraction": rng.uniform(low, high),
        "bagging_fraction": rng.uniform(0.5, 1.0),
        "bagging_freq": 1,
        "lambda_l2": log(0.01, 100),
        "cat_smooth": log(1, 100),
    }, round(log(most / 3, most))


class Search:
    """Trials of LightGBM's settings on uniform rows of one kind of columns and rewards; rows are made when asked for."""

    def __init__(self, simulator, columns: str, rewards: str, options, states: UniformStates):
        self.simulator, self.options, self.states = simulator, options, states
        self.how = boosted.TreeSettings(steps=options.steps[0], columns=columns, rewards=rewards, seed=SELECTION)
        self.name = f"{columns}, {rewards}"

    @cached_property
    def rows(self):
        play = Play(self.simulator, self.how, {}, 1)
        values, labels = play.steps(self.how.steps)
        return dataset([values], labels, play.columns, 1)

    @cached_property
    def held(self) -> np.ndarray:
        """[states * candidates, columns] of the states that choose."""
        columns = Columns(self.how.columns, self.simulator)
        blocks = [
            columns.of({name: array[first : first + BLOCK] for name, array in self.states.columns.items()}, None, 1)
            for first in range(0, len(self.states.session), BLOCK)
        ]
        return np.concatenate([block.reshape(-1, block.shape[2]) for block in blocks])

    def tried(self, number: int) -> dict:
        """The best number of trees of a trial, and its share of the way."""
        parameters, trees = trial(number, self.how.columns, self.how.rewards)
        rows, begun = self.rows, time.process_time()
        settings = boosted.TreeSettings(**{**self.how.figures(), "parameters": parameters})
        booster = lightgbm.train(native(settings, 1), rows, trees)
        mask, out = self.states.columns["action_mask"].astype(bool), []
        for part in sorted({max(1, trees // 4), max(1, trees // 2), trees}):  # fewer trees cost no training
            scores = booster.predict(self.held, num_iteration=part, num_threads=1).reshape(mask.shape)
            best = np.where(mask, scores, -np.inf).argmax(axis=1)
            share = self.states.share(self.states.sums(self.states.expected[np.arange(len(best)), best]))
            out.append({"trial": number, "trees": part, "share": share, "parameters": parameters})
        found = max(out, key=lambda one: one["share"])
        print(f"  {self.name}: {found}, {time.process_time() - begun:.0f} s", flush=True)
        return found

    def best(self) -> dict:
        """The best settings, what uniform rows come to by them, and greedy ones."""
        cache = self.options.out / f"trials-{self.how.columns}-{self.how.rewards}"
        cache.mkdir(exist_ok=True)
        all_tried = [made(cache / f"{n}.json", lambda: self.tried(n)) for n in range(self.options.trials)]
        best = max(all_tried, key=lambda one: one["share"])
        out = {"trees": best["trees"], "parameters": best["parameters"], "rounds": 1}
        if "greedy" not in self.options.rows:
            return {"chosen": out, "uniform": best["share"]}
        greedy = {**out, "rounds": 4, "epsilon": 0.2}
        begun = time.process_time()
        share = self.states.share(self.states.of(boosted.train(self.simulator, **{**self.how.figures(), **greedy}, threads=1)))
        spent = time.process_time() - begun
        print(f"  {self.name}: uniform {best['share']:.3f}, greedy {share:.3f}, {spent:.0f} s", flush=True)
        return {"chosen": greedy if share > best["share"] + GAIN else out, "uniform": best["share"], "greedy": share}


def made(path: Path, make) -> dict:
    if not path.exists():
        content = make()
        part = path.with_suffix(".part")
        part.write_text(json.dumps(content, indent=1))
        part.rename(path)
    return json.loads(path.read_text())


def trained(simulator, options) -> dict[str, list[Path]]:
    """Files of trees by name, one a training seed, and beside each the processor seconds it took."""
    states, out = None, {}
    for columns in options.columns:
        for rewards in options.rewards:
            found = options.out / f"trees-{columns}-{rewards}.json"
            if not found.exists() and states is None:
                states = UniformStates(simulator, TRIED_AMONG, options.held_out, SELECTION)
            chosen = made(found, lambda: Search(simulator, columns, rewards, options, states).best())["chosen"]
            for steps in options.steps:
                name = f"trees_{columns}_{rewards}_{steps // 1000}k"
                for seed in range(1, options.seeds + 1):
                    path = options.out / f"{name}-s{seed}.json"
                    out.setdefault(name, []).append(path)
                    if path.exists():
                        continue
                    begun = time.process_time()
                    kind = {"columns": columns, "rewards": rewards, "steps": steps, "seed": seed}
                    boosted.train(simulator, **{**chosen, **kind}, threads=1).save(path)
                    path.with_suffix(".seconds").write_text(f"{time.process_time() - begun:.1f}\n")
                    print(f"  {name}, seed {seed}: {time.process_time() - begun:.0f} s", flush=True)
    return out


def chooser(path: Path, simulator):
    """What chooses slots or gives their probabilities: (observation, info) -> array."""
    if path.suffix == ".json":
        trees = boosted.load(path, simulator)
        return lambda observation, info: trees(observation, info, threads=1)
    policy = swipegym.Policy(path, simulator)
    if policy.temperature > 0:
        return lambda observation, info: policy.probabilities(observation, info, threads=1)
    return lambda observation, info: policy(observation, info, threads=1)


def returns(given, simulator, candidates: int, sessions: int) -> list[float]:
    if Path(given).suffix == ".json":
        given = chooser(given, simulator)
    about = {"sessions": sessions, "seed": SESSIONS, "candidates": candidates, "simulator": simulator, "threads": 1}
    return swipegym.evaluate(given, **about).reward.tolist()


def judged(simulator, policies: dict[str, list[Path]], candidates: int, options) -> dict:
    """Sums of sessions: {"expected" or "return": {name: [training seeds, sessions]}}."""
    cache = options.out / f"judged-{candidates}"
    cache.mkdir(exist_ok=True)
    states = None

    def expected(name: str, given) -> list[float]:
        nonlocal states
        states = states or UniformStates(simulator, candidates, options.states[candidates], STATES)
        return (getattr(states, name) if given == name else states.of(chooser(given, simulator))).tolist()

    kinds = {"expected": (options.states.get(candidates, 0), expected)}
    kinds["return"] = options.sessions.get(candidates, 0), lambda name, given: returns(
        given, simulator, candidates, options.sessions[candidates]
    )
    out = {}
    for kind, (sessions, of) in kinds.items():
        if sessions == 0:
            continue
        out[kind] = {}
        for name, given in {"random": ["random"], "oracle": ["oracle"], **policies}.items():
            out[kind][name] = np.array(
                [made(cache / f"{Path(one).stem}.{kind}-{sessions}.json", lambda: of(name, one)) for one in given]
            )
        print(f"  judged among {candidates}: {kind}", flush=True)
    return out


def intervals(sums: dict[str, np.ndarray], versus: list[str]) -> dict:
    """Of each policy its share of the way from random to oracle, and of the difference from others: (mean, low, high)."""
    rng = np.random.default_rng(1)
    sessions = sums["random"].shape[1]
    draws = [None] + [rng.multinomial(sessions, np.full(sessions, 1 / sessions)) for _ in range(RESAMPLES)]
    shares = {}
    for name, values in sums.items():
        shares[name] = np.empty(len(draws))
        for i, weights in enumerate(draws):
            over = [values[0:1], sums["random"], sums["oracle"]]
            over[0] = values if weights is None else values[rng.integers(len(values), size=len(values))]
            mean = [(one if weights is None else one * weights).sum() / len(one) for one in over]
            shares[name][i] = (mean[0] - mean[1]) / (mean[2] - mean[1])
    figure = lambda drawn: [float(drawn[0]), *map(float, np.quantile(drawn[1:], [0.025, 0.975]))]  # noqa: E731
    out = {}
    for name, drawn in shares.items():
        out[name] = {"share": figure(drawn), "mean": float(sums[name].mean())}
        out[name]["versus"] = {other: figure(drawn - shares[other]) for other in versus if other != name}
    return out


def table(figures: dict, seconds: dict, versus: list[str]) -> str:
    show = lambda f: f"{f[0]:.3f} [{f[1]:.3f}, {f[2]:.3f}]" if f else ""  # noqa: E731
    lines = []
    for candidates, kinds in figures.items():
        head = [f"m = {candidates}"]
        for kind in kinds:
            head += [f"{kind}, s", f"share, {kind}", *(f"less {other}" for other in versus)]
        lines += ["| " + " | ".join([*head, "training, s"]) + " |", "| --- " * (len(head) + 1) + "|"]
        for name in next(iter(kinds.values())):
            row = [name]
            for figure in (kind[name] for kind in kinds.values()):
                row += [f"{figure['mean']:.1f}", show(figure["share"]), *(show(figure["versus"].get(one)) for one in versus)]
            lines.append("| " + " | ".join([*row, seconds.get(name, "")]) + " |")
        lines.append("")
    return "\n".join(lines)


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    options.add_argument("out", type=Path)
    options.add_argument("--simulator", required=True)
    options.add_argument("--policies", default="", help="NAME=GLOB,... of policy files, one a training seed")
    options.add_argument("--columns", default="features,network")
    options.add_argument("--rewards", default="expected,drawn")
    options.add_argument("--rows", default="uniform,greedy", help="'uniform' leaves epsilon-greedy ones out")
    options.add_argument("--steps", default="400000,1000000")
    options.add_argument("--trials", type=int, default=14)
    options.add_argument("--seeds", type=int, default=5, help="training seeds (%(default)s)")
    options.add_argument("--sessions", default="10=2000,100=512", help="candidates=sessions of returns (%(default)s)")
    options.add_argument("--states", default="10=800,100=120", help="candidates=sessions of expected choices (%(default)s)")
    options.add_argument("--held-out", type=int, default=300, help="sessions that choose settings (%(default)s)")
    options = options.parse_args()
    pairs = lambda text: {int(m): int(n) for m, n in (item.split("=") for item in text.split(","))}  # noqa: E731
    options.sessions, options.states = pairs(options.sessions), pairs(options.states)
    options.columns, options.rewards = options.columns.split(","), options.rewards.split(",")
    options.steps = [int(steps) for steps in options.steps.split(",")]
    options.out.mkdir(parents=True, exist_ok=True)

    simulator = swipegym.load_simulator(options.simulator)
    policies = {}
    for item in filter(None, options.policies.split(",")):
        name, pattern = item.split("=", 1)
        policies[name] = [Path(path) for path in sorted(glob.glob(pattern))]
        if not policies[name]:
            raise swipegym.InputError(f"--policies: no file is like '{pattern}'")
    versus = list(policies)
    trees = trained(simulator, options)
    seconds = {}
    for name, paths in trees.items():
        spent = [float(path.with_suffix(".seconds").read_text()) for path in paths if path.with_suffix(".seconds").exists()]
        if spent:
            seconds[name] = f"{np.mean(spent):.0f}"
    policies.update(trees)
    figures = {}
    for candidates in sorted({**options.states, **options.sessions}):
        sums = judged(simulator, policies, candidates, options)
        figures[str(candidates)] = {kind: intervals(one, versus) for kind, one in sums.items()}
    (options.out / "boosted.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(table(figures, seconds, versus))


if __name__ == "__main__":
    main()
