#!/usr/bin/env python3
"""The tables of docs/results/retention.md from what `bench/headline.sh retention OUT` left: retention_table.py OUT"""

import csv
import json
import random
import re
import statistics
import sys
from pathlib import Path

USERS, DAYS = 300, 31  # of a month's log: the first users, who are the same under every policy; its days
SESSION_GAP_MS = 30 * 60_000


def interval(figure, digits):
    return "{mean:.{d}f} [{low:.{d}f}, {high:.{d}f}]".format(d=digits, **figure)


def sessions_table(at):
    report = json.loads(at.with_suffix(".json").read_text())
    print("| policy | back within a day (%) | less ppo's, paired | s a session | videos | ratio a video |")
    print("| --- | --- | --- | --- | --- | --- |")
    for policy in report["policies"]:
        metrics = policy["metrics"]
        paired = "" if policy["name"] == "ppo" else interval(policy["versus"], 2)
        back = {key: 100 * value for key, value in metrics["returns_in_day"].items()}
        row = [policy["name"], interval(back, 2), paired, interval(metrics["watch_s_per_session"], 1),
               f"{metrics['depth']['mean']:.1f}", f"{metrics['watch_ratio_per_video']['mean']:.3f}"]
        print("| " + " | ".join(row) + " |")
    ceiling = json.loads(Path(f"{at}-ceiling.json").read_text())["policies"][0]["metrics"]
    back = {key: 100 * value for key, value in ceiling["returns_in_day"].items()}
    print(f"| best watch ratio, one step | {interval(back, 2)} | | {interval(ceiling['watch_s_per_session'], 1)} "
          f"| {ceiling['depth']['mean']:.1f} | {ceiling['watch_ratio_per_video']['mean']:.3f} |\n")


def month(folder):
    """Seconds and sessions a day of each of the first users of a log, whose rows stand one user behind the other."""
    seconds, sessions, user, last = {}, {}, None, 0
    (log,) = folder.glob("log_*.csv")
    with log.open() as rows:
        for row in csv.DictReader(rows):
            time = int(row["time_ms"])
            if row["user_id"] != user:
                user = row["user_id"]
                if len(seconds) == USERS:
                    break
                if user in seconds:
                    sys.exit(f"retention_table: in {folder} the rows of user {user} do not stand together")
                seconds[user], sessions[user], last = 0.0, 0, 0
            seconds[user] += float(row["play_time_ms"]) / 1000
            sessions[user] += time - last > SESSION_GAP_MS
            last = time
    if len(seconds) < USERS:
        sys.exit(f"retention_table: {folder} has {len(seconds)} users, expected {USERS}: make it again")
    return [{user: of[user] / DAYS for user in of} for of in (seconds, sessions)]


def months_table(out):
    lived = {}
    for folder in sorted(out.glob("listens4-month-*")):
        name, seed = re.fullmatch(r"listens4-month-(.*)-s(\d+)", folder.name).groups()
        lived.setdefault(name, {})[int(seed)] = month(folder)
    if "ppo" not in lived:
        return
    print("| policy | sessions a user and day | s a user and day | less ppo's |")
    print("| --- | --- | --- | --- |")
    for name, seeds in lived.items():
        seconds, sessions, paired = [], [], []
        for seed, (watched, visits) in seeds.items():
            base = lived["ppo"][seed][0]
            common = watched.keys() & base.keys()
            seconds += [watched[user] for user in common]
            sessions += [visits[user] for user in common]
            paired.append([watched[user] - base[user] for user in sorted(common)])
        less = "" if name == "ppo" else bootstrap(paired)
        print(f"| {name} | {statistics.fmean(sessions):.3f} | {statistics.fmean(seconds):.2f} | {less} |")


def bootstrap(paired, draws=1000):
    """A mean with its 95 % interval, over training seeds and the users of each."""
    drawn = random.Random(1)
    means = []
    for _ in range(draws):
        chosen = drawn.choices(paired, k=len(paired))
        means.append(statistics.fmean(statistics.fmean(drawn.choices(users, k=len(users))) for users in chosen))
    means.sort()
    mean = statistics.fmean(statistics.fmean(users) for users in paired)
    return f"{mean:+.2f} [{means[round(0.025 * draws)]:.2f}, {means[round(0.975 * draws) - 1]:.2f}]"


def main():
    out = Path(sys.argv[1])
    for name in ("listens4", "listens1", "slice"):
        if Path(out / f"{name}.json").exists():
            print(f"{name}:\n")
            sessions_table(out / name)
    months_table(out)


main()
