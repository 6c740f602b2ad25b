#!/usr/bin/env python3
"""Records what the Open Bandit Pipeline makes of the estimators of evaluation/off_policy: values on the same arrays, the
lambdas its SLOPE prefers, and the reward models it fits by least squares, plain and with MRDR's weights.

    pip install obp            # 0.5.7, with --ignore-requires-python beyond Python 3.9
    python tests/parity/off_policy.py          # writes tests/parity/off_policy.json

Read by tests/off_policy/test_parity.cpp. Not here: NCIS (capped SNIPS), which the pipeline has not; it is SNIPS of capped
weights, and recorded so by numpy.
"""
import json
import os

import numpy as np
from obp.ope import (DirectMethod, DoublyRobust, DoublyRobustTuning, DoublyRobustWithShrinkage,
                     DoublyRobustWithShrinkageTuning, InverseProbabilityWeighting, InverseProbabilityWeightingTuning,
                     RegressionModel, ReplayMethod, SelfNormalizedDoublyRobust,
                     SelfNormalizedInverseProbabilityWeighting, SubGaussianDoublyRobust, SubGaussianDoublyRobustTuning,
                     SubGaussianInverseProbabilityWeighting, SubGaussianInverseProbabilityWeightingTuning,
                     SwitchDoublyRobust, SwitchDoublyRobustTuning)
from obp.version import __version__
from sklearn.linear_model import LinearRegression

rng = np.random.default_rng(5)
rows, actions, width = 120, 4, 3


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


# Probabilities in 64ths and rewards in tenths keep the file small and the arrays the same in both languages.
def probabilities(x, least):
    p = np.maximum(np.floor(softmax(x) * 64), least)
    p[np.arange(len(p)), p.argmax(1)] += 64 - p.sum(1)
    return p / 64


context = np.round(rng.normal(0, 1, (rows, width)), 2)
behaviour = probabilities(context @ rng.normal(0, 1, (width, actions)), 2)
evaluation = probabilities(context @ rng.normal(0, 1.5, (width, actions)), 0)
action = np.array([rng.choice(actions, p=p) for p in behaviour])
mean = 1 + context @ rng.normal(0, 1, (width, actions)) + np.arange(actions)
reward = np.round(mean[np.arange(rows), action] + rng.normal(0, 1, rows), 1)
q_hat = np.round(mean + rng.normal(0, 0.7, mean.shape), 1)
pscore = behaviour[np.arange(rows), action]
greedy = np.eye(actions)[evaluation.argmax(1)]

cube = lambda x: x[:, :, np.newaxis]
data = dict(reward=reward, action=action, pscore=pscore, action_dist=cube(evaluation))
both = dict(data, estimated_rewards_by_reg_model=cube(q_hat))
position = dict(position=np.zeros(rows, dtype=int))
value = lambda estimator, how=both: float(estimator.estimate_policy_value(**how, **position))

weight = evaluation[np.arange(rows), action] / pscore
capped = np.minimum(weight, 2.0)
values = [
    ("dm", 0, value(DirectMethod())),
    ("replay", 0, value(ReplayMethod(), dict(data, action_dist=cube(greedy)))),
    ("ips", None, value(InverseProbabilityWeighting(), data)),
    ("ips", 3.0, value(InverseProbabilityWeighting(lambda_=3.0), data)),
    ("snips", 0, value(SelfNormalizedInverseProbabilityWeighting(), data)),
    ("ncis", 2.0, float((capped * reward).sum() / capped.sum())),
    ("sub_gaussian", 0.1, value(SubGaussianInverseProbabilityWeighting(lambda_=0.1), data)),
    ("dr", 0, value(DoublyRobust())),
    ("sndr", 0, value(SelfNormalizedDoublyRobust())),
    ("switch_dr", 3.0, value(SwitchDoublyRobust(lambda_=3.0))),
    ("dros", 20.0, value(DoublyRobustWithShrinkage(lambda_=20.0))),
    ("dr_pessimistic", 3.0, value(DoublyRobust(lambda_=3.0))),
    ("sub_gaussian_dr", 0.1, value(SubGaussianDoublyRobust(lambda_=0.1))),
]

grids = {
    "ips": (InverseProbabilityWeightingTuning, [0.2, 0.5, 1.0, 2.0, 4.0, 8.0]),
    "sub_gaussian": (SubGaussianInverseProbabilityWeightingTuning, [0.0, 0.01, 0.1, 0.3, 0.6, 0.9]),
    "switch_dr": (SwitchDoublyRobustTuning, [0.2, 0.5, 1.0, 2.0, 4.0, 8.0]),
    "dros": (DoublyRobustWithShrinkageTuning, [0.1, 1.0, 10.0, 100.0, 1000.0]),
    "dr_pessimistic": (DoublyRobustTuning, [0.2, 0.5, 1.0, 2.0, 4.0, 8.0]),
    "sub_gaussian_dr": (SubGaussianDoublyRobustTuning, [0.0, 0.01, 0.1, 0.3, 0.6, 0.9]),
}
slope = []
for name, (tuner, lambdas) in grids.items():
    # A reward model that is far off, so that shrinking has a price and the choice is not always the same.
    for shift in (0.0, 3.0):
        estimator = tuner(lambdas=list(lambdas), tuning_method="slope", delta=0.1)
        how = data if name in ("ips", "sub_gaussian") else dict(both, estimated_rewards_by_reg_model=cube(q_hat + shift))
        found = float(estimator.estimate_policy_value(**how, **position))
        slope.append(dict(name=name, shift=shift, lambdas=lambdas, chosen=float(estimator.best_hyperparam), value=found))

models = {}
for method in ("normal", "mrdr"):
    model = RegressionModel(n_actions=actions, base_model=LinearRegression(), fitting_method=method)
    fitted = model.fit_predict(context=context, action=action, reward=reward, pscore=pscore, action_dist=cube(evaluation),
                               n_folds=1, random_state=1)
    models[method] = dict(q_hat=[float(f"{v:.12g}") for v in fitted[:, :, 0].flatten()],
                          dr=value(DoublyRobust(), dict(data, estimated_rewards_by_reg_model=fitted)))

flat = lambda x: [float(v) for v in np.asarray(x).flatten()]
recorded = dict(
    made_by=f"Open Bandit Pipeline {__version__}, numpy {np.__version__}", rows=rows, actions=actions, width=width,
    context=flat(context), reward=flat(reward), action=[int(a) for a in action], behaviour_64ths=flat(pscore * 64),
    evaluation_64ths=flat(evaluation * 64), q_hat=flat(q_hat),
    values=[dict(name=n, value=v) | ({} if l is None else {"lambda": l}) for n, l, v in values], slope=slope, models=models)
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "off_policy.json")
with open(path, "w") as file:
    json.dump(recorded, file, separators=(",", ":"))
    file.write("\n")
for name, l, v in values:
    print(f"{name:16} {l} {v:.6f}")
for one in slope:
    print(one["name"], one["shift"], one["chosen"], one["value"])
print("max weight", weight.max(), "mean", weight.mean())
