#!/usr/bin/env python3
"""SASRec on MovieLens-100K by RecBole and by swipegym, under RecBole's own protocol: each user's last rating is the test, the one
before it the validation, all items are ranked and none is left out; sizes are RecBole's defaults. Prints NDCG@10 and Hit@10
of each seed, and the difference of the means with its 95 % interval (Welch's t).

    pip install torch "pandas<3" scipy pyyaml tqdm psutil colorlog==4.7.2 colorama==0.4.4 texttable thop tabulate tensorboard
    pip install --no-deps recbole==1.2.1       # its wheel has the data set; ray, which it wants too, is not needed
    python bench/peers/sasrec_recbole.py --program build/release/swipegym --seeds 5

RecBole takes hours on two cores, since every prefix of a history is a training row of its own: --only runs one side, and
results gather in --out, which a later run goes on from.
"""
import argparse
import csv
import json
import math
import os
import statistics
import subprocess
import sys
import time
import types

TRAIN_DAY, VALIDATE_DAY, TEST_DAY = 20220410, 20220411, 20220412
NOON = 1649563200  # 10 April 2022, 12:00 at Kuaishou


def example_folder():
    import importlib.util
    return os.path.join(os.path.dirname(importlib.util.find_spec("recbole").origin), "dataset_example")


def write_days(folder, path):
    """The ratings as a log of three days: the last of each user on the third, the one before on the second. Within a user the
    order is by time, ties as they stand in the file, which is RecBole's order."""
    users = {}
    with open(os.path.join(folder, "ml-100k", "ml-100k.inter"), newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            users.setdefault(row["user_id:token"], []).append((float(row["timestamp:float"]), row["item_id:token"]))
    with open(path, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["user", "item", "timestamp"])
        for user, ratings in users.items():
            ratings.sort(key=lambda rating: rating[0])
            for i, (_, item) in enumerate(ratings):
                day = max(0, i - (len(ratings) - 3))
                out.writerow([user, item, NOON + 86400 * day + i])


def run_recbole(seed, epochs, folder):
    sys.modules.setdefault("ray", types.ModuleType("ray"))
    sys.modules["ray"].tune = types.ModuleType("ray.tune")
    import numpy
    for old, new in (("bool", bool), ("int", int), ("float", float), ("object", object), ("long", int), ("float_", float),
                     ("complex_", complex), ("unicode_", str)):
        if not hasattr(numpy, old):
            setattr(numpy, old, new)
    import torch
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.model.sequential_recommender import SASRec
    from recbole.trainer import Trainer
    from recbole.utils import init_seed
    load = torch.load
    torch.load = lambda *a, **k: load(*a, **{**k, "weights_only": False})  # its checkpoints hold its configuration
    argv, sys.argv = sys.argv, sys.argv[:1]
    config = Config(model="SASRec", dataset="ml-100k", config_dict={
        "seed": seed, "epochs": epochs, "data_path": folder, "use_gpu": False, "gpu_id": "", "show_progress": False,
        "train_neg_sample_args": None, "metrics": ["NDCG", "Hit"], "topk": [10], "valid_metric": "NDCG@10",
        "eval_args": {"split": {"LS": "valid_and_test"}, "group_by": "user", "order": "TO", "mode": "full"},
        "checkpoint_dir": os.environ.get("TMPDIR", "/tmp")})
    sys.argv = argv
    init_seed(seed, True)
    dataset = create_dataset(config)
    train, valid, test = data_preparation(config, dataset)
    model = SASRec(config, train.dataset)
    trainer = Trainer(config, model)
    started, seen = time.time(), []

    def tell(epoch, score):
        seen.append(score)
        print(f"RecBole seed {seed} epoch {epoch}: validation NDCG@10 {score:.4f}, {time.time() - started:.0f} s", flush=True)

    trainer.fit(train, valid, verbose=False, saved=True, callback_fn=tell)
    result = trainer.evaluate(test, load_best_model=True)
    return {"ndcg": float(result["ndcg@10"]), "hit": float(result["hit@10"]), "epochs": len(seen), "seconds": time.time() - started}


def run_ours(program, config, store, seed, threads):
    started = time.time()
    out = store + f".s{seed}"
    subprocess.run([program, "supervised", "sasrec-next", "--data", store, "--until", str(TRAIN_DAY), "--validate-until",
                    str(VALIDATE_DAY), "--test-until", str(TEST_DAY), "--config", config, "--seed", str(seed), "--threads",
                    str(threads), "--out", out + ".h5", "--json", out + ".json", "--quiet"], check=True, stdout=subprocess.DEVNULL)
    with open(out + ".json") as file:
        figures = json.load(file)["tables"]["retrieval"]["lines"]
    figures = next(line for line in figures if line["policy"] == "sasrec-next")["figures"]
    return {"ndcg": figures["next_ndcg_10"]["mean"], "hit": figures["next_hit_10"]["mean"], "seconds": time.time() - started}


def interval(ours, theirs):
    """Mean of `ours` less that of `theirs`, and half the 95 % interval."""
    from scipy.stats import t
    va, vb = statistics.variance(ours) / len(ours), statistics.variance(theirs) / len(theirs)
    freedom = (va + vb) ** 2 / (va ** 2 / (len(ours) - 1) + vb ** 2 / (len(theirs) - 1))
    return statistics.mean(ours) - statistics.mean(theirs), t.ppf(.975, freedom) * math.sqrt(va + vb)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/release/swipegym")
    parser.add_argument("--config", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "sasrec_ml100k.json"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=300, help="of RecBole at most; it stops after 10 without gain")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=["recbole", "swipegym"])
    parser.add_argument("--out", default="sasrec_recbole.json")
    args = parser.parse_args()
    folder = example_folder()
    results = json.load(open(args.out)) if os.path.exists(args.out) else {"recbole": {}, "swipegym": {}}
    store = os.path.splitext(args.out)[0] + ".h5"
    write_days(folder, store + ".csv")
    subprocess.run([args.program, "data", "import", store + ".csv", "--format", "interactions", "--out", store], check=True)
    for seed in range(1, args.seeds + 1):
        for side in ("swipegym", "recbole"):
            if args.only not in (None, side) or str(seed) in results[side]:
                continue
            if side == "recbole":
                import torch
                torch.set_num_threads(args.threads)
                results[side][str(seed)] = run_recbole(seed, args.epochs, folder)
            else:
                results[side][str(seed)] = run_ours(args.program, args.config, store, seed, args.threads)
            print(side, seed, results[side][str(seed)], flush=True)
            with open(args.out, "w") as file:
                json.dump(results, file, indent=1)
    for figure in ("ndcg", "hit"):
        values = {side: [run[figure] for run in results[side].values()] for side in results}
        for side, list_ in values.items():
            if list_:
                print(f"{figure}@10 {side}: mean {statistics.mean(list_):.4f} of {len(list_)} seeds", [round(v, 4) for v in list_])
        if all(len(list_) > 1 for list_ in values.values()):
            gap, half = interval(values["swipegym"], values["recbole"])
            print(f"{figure}@10 swipegym less RecBole: {gap:+.4f} [{gap - half:+.4f}, {gap + half:+.4f}]")


if __name__ == "__main__":
    main()
