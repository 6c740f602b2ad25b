#!/usr/bin/env python3
"""Judges a file of 'swipegym score' against KuaiRand's own CSV files, with nothing but the standard library and without
a line of swipegym: AUC, GAUC, NWTG@k, DS@k and NEG@k, printed as JSON. docs/guide/supervised.md has the
definitions.

    ranking_metrics.py --data KuaiRand-Pure/data --scores scores.csv [--k 10]
"""

import argparse
import csv
import glob
import json
import math
import os


def read_log(folder):
    """Standard rows by (user, video, time), the first one of repeated rows, in file order."""
    rows = {}
    for path in sorted(glob.glob(os.path.join(folder, "log_standard_*.csv"))):
        with open(path, newline="") as file:
            for row in csv.DictReader(file):
                key = (int(row["user_id"]), int(row["video_id"]), int(row["time_ms"]))
                if key not in rows:
                    rows[key] = {
                        "order": len(rows),
                        "play": int(row["play_time_ms"]),
                        "duration": int(row["duration_ms"]),
                        "feedback": any(row[name] == "1" for name in ("is_like", "is_follow", "is_comment")),
                    }
    return rows


def area(pairs):
    """Area under the ROC curve of (score, positive), ties half; None without both classes."""
    pairs = sorted(pairs)
    positives = sum(positive for _, positive in pairs)
    negatives = len(pairs) - positives
    if positives == 0 or negatives == 0:
        return None
    rank_sum, i = 0.0, 0
    while i < len(pairs):
        j = i
        while j < len(pairs) and pairs[j][0] == pairs[i][0]:
            j += 1
        rank_sum += (i + 1 + j) / 2 * sum(positive for _, positive in pairs[i:j])
        i = j
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def gain_ratio(gains, k):
    """Discounted gain of the first k over that of the best order; None when that is 0."""
    def discounted(values):
        return sum(value / math.log2(place + 2) for place, value in enumerate(values[:k]))
    ideal = discounted(sorted(gains, reverse=True))
    return discounted(gains) / ideal if ideal > 0 else None


def deviation(values):
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


def mean_of(values):
    known = [value for value in values if value is not None]
    return (sum(known) / len(known) if known else None), len(known)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--scores", required=True)
    parser.add_argument("--k", type=int, default=10)
    arguments = parser.parse_args()
    log = read_log(arguments.data)

    by_user = {}
    with open(arguments.scores, newline="") as file:
        for line in csv.DictReader(file):
            key = (int(line["user_id"]), int(line["video_id"]), int(line["time_ms"]))
            row = log.get(key)
            if row is None or row["duration"] <= 0:
                continue  # a random-exposure row, or one whose watch ratio nobody knows
            row = dict(row, score=float(line["score"]), time=key[2], wanted=row["play"] > 0.5 * row["duration"])
            by_user.setdefault(key[0], []).append(row)

    everything = [row for rows in by_user.values() for row in rows]
    weighted = total = 0.0
    nwtg, spread, neg = [], [], []
    for rows in by_user.values():
        own = area([(row["score"], row["wanted"]) for row in rows])
        if own is not None:
            weighted += own * len(rows)
            total += len(rows)
        if len(rows) <= arguments.k:
            continue
        rows.sort(key=lambda row: (row["time"], row["order"]))
        rows.sort(key=lambda row: -row["score"])  # stable: equal scores stay in the order of time
        nwtg.append(gain_ratio([row["play"] / 1000 for row in rows], arguments.k))
        spread.append(deviation([row["duration"] / 1000 for row in rows[: arguments.k]]))
        neg.append(gain_ratio([float(row["feedback"]) for row in rows], arguments.k))
    figures = {
        "rows": len(everything),
        "users": len(by_user),
        "auc": area([(row["score"], row["wanted"]) for row in everything]),
        "gauc": weighted / total if total else None,
    }
    for name, values in (("nwtg", nwtg), ("ds", spread), ("neg", neg)):
        figures[f"{name}_{arguments.k}"], figures[f"{name}_{arguments.k}_users"] = mean_of(values)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
