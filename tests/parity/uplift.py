#!/usr/bin/env python3
"""Records what well-kept packages make of the estimators of evaluation/uplift on the same rows: S-, T- and X-learner
of EconML with least squares and ridge regressions, two-stage least squares of linearmodels and least squares of
statsmodels with errors by clusters, and scikit-uplift's Qini.

    pip install econml scikit-uplift linearmodels statsmodels scikit-learn numpy
    python tests/parity/uplift.py              # writes tests/parity/uplift.json

Read by tests/evaluation/test_uplift_parity.cpp. Packages differ from evaluation/uplift in one convention: their errors
by clusters leave out sqrt(G / (G - 1)), which the test puts in.
"""
import json
import os

import econml
import linearmodels
import numpy as np
import pandas as pd
import sklift
import statsmodels
import statsmodels.api as sm
from econml.metalearners import SLearner, TLearner, XLearner
from linearmodels.iv import IV2SLS
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, StandardScaler
from sklift.metrics import qini_auc_score, qini_curve

PENALTY = 0.05  # of the mean squared error; scikit-learn's is of the sum
rng = np.random.default_rng(19)
creators, days = 30, 10
rows = creators * days

creator = np.repeat(np.arange(creators), days)
quality = rng.normal(0, 1, creators)[creator]
known = np.round(quality + rng.normal(0, 1, rows), 2)  # what features tell of it
idle = np.round(rng.exponential(2, rows), 1)
newcomer = (rng.random(creators) < 0.4).astype(float)[creator]
x = np.stack([known, idle, newcomer], 1)
propensity = 0.25 + 0.5 * newcomer
treated = (rng.random(rows) < propensity).astype(int)
impressions = treated * rng.poisson(4, rows)
exposure = rng.poisson(np.exp(0.5 + 0.6 * quality)) + rng.binomial(impressions, 0.6)
outcome = rng.poisson(np.exp(-1 + 0.5 * quality) + np.maximum(0, 0.1 + 0.05 * known) * exposure).astype(float)
binary = (outcome > 0).astype(int)


class Known(BaseEstimator):
    """The chance that was set, which the third feature tells."""

    def fit(self, x, t):
        return self

    def predict_proba(self, x):
        e = 0.25 + 0.5 * x[:, 2]
        return np.stack([1 - e, e], 1)


def products(width, flags):
    """Features, products and squares; not the squares of those that are 0 or 1."""
    polynomial = PolynomialFeatures(2, include_bias=False).fit(np.zeros((1, width)))
    keep = [i for i, power in enumerate(polynomial.powers_) if not any(power[f] == 2 for f in flags)]
    return make_pipeline(polynomial, FunctionTransformer(lambda m: m[:, keep]), StandardScaler())


class Penalised(BaseEstimator):
    """Ridge regression with a penalty of the mean, on products."""

    def columns(self, x):
        return np.delete(x, 3, 1) if x.shape[1] == 5 else x  # EconML's S-learner adds 1 - T beside T

    def fit(self, x, y):
        x = self.columns(x)
        flags = [c for c in range(x.shape[1]) if np.isin(x[:, c], [0, 1]).all()]
        self.model = make_pipeline(products(x.shape[1], flags), Ridge(alpha=PENALTY * len(y))).fit(x, y)
        return self

    def predict(self, x):
        return self.model.predict(self.columns(x))


def taus(base):
    learners = {
        "s": SLearner(overall_model=base()),
        "t": TLearner(models=base()),
        "x": XLearner(models=base(), cate_models=base(), propensity_model=Known()),
    }
    return {name: [float(f"{t:.12g}") for t in learner.fit(outcome, treated, X=x).effect(x)]
            for name, learner in learners.items()}


def coefficient(fit, name):
    errors = fit.bse if hasattr(fit, "bse") else fit.std_errors
    return {"tau": float(fit.params[name]), "error": float(errors[name])}


controls = pd.DataFrame(products(3, [2]).fit_transform(x)).add_prefix("c").assign(one=1.0)
frame = pd.DataFrame({"w": exposure.astype(float), "t": treated.astype(float), "z": impressions.astype(float)})
weight = pd.Series(np.where(treated == 1, 1 / propensity, 1 / (1 - propensity)))
standard = StandardScaler().fit_transform(x)
crossed = pd.DataFrame({f"w{c}": exposure * standard[:, c] for c in range(3)})
crossed_t = pd.DataFrame({f"t{c}": treated * standard[:, c] for c in range(3)})
by_creator = dict(cov_type="cluster", cov_kwds=dict(groups=creator, use_correction=False))
clustered = dict(cov_type="clustered", clusters=creator, debiased=False)


def two_stages(held_fixed, instrument):
    fit = IV2SLS(outcome, held_fixed, frame[["w"]], frame[[instrument]], weights=weight)
    return coefficient(fit.fit(**clustered), "w")


effects = {
    "naive": coefficient(sm.OLS(outcome, controls.assign(w=frame.w)).fit(**by_creator), "w"),
    "difference": coefficient(sm.WLS(outcome, sm.add_constant(frame[["t"]]), weights=weight).fit(**by_creator), "t"),
    "wald": two_stages(controls[["one"]], "t"),
    "treatment": two_stages(controls, "t"),
    "impressions": two_stages(controls, "z"),
    "first_stage": coefficient(sm.WLS(exposure, controls.assign(t=frame.t), weights=weight).fit(**by_creator), "t"),
}
varied = IV2SLS(outcome, controls, pd.concat([frame[["w"]], crossed], axis=1),
                pd.concat([frame[["t"]], crossed_t], axis=1), weights=weight).fit(**clustered)
effects["heterogeneous"] = {"coefficients": [float(varied.params[n]) for n in ["w", "w0", "w1", "w2"]]}

linear = taus(LinearRegression)
score = np.round(linear["t"], 1)  # has ties
curve = qini_curve(binary, score, treated)
assert len(np.unique(score)) < rows
qini = {"share": (curve[0] / rows).tolist(), "gain": (curve[1] / rows).tolist(),
        "coefficient": float(qini_auc_score(binary, score, treated, negative_effect=True))}

made_by = (f"EconML {econml.__version__}, scikit-uplift {sklift.__version__}, linearmodels {linearmodels.__version__}, "
           f"statsmodels {statsmodels.__version__}, numpy {np.__version__}")
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "uplift.json"), "w") as file:
    json.dump({"made_by": made_by, "rows": rows, "width": 3, "penalty": PENALTY, "creator": creator.tolist(),
               "features": x.reshape(-1).tolist(), "propensity": propensity.tolist(), "treated": treated.tolist(),
               "impressions": impressions.tolist(), "exposure": exposure.tolist(), "outcome": outcome.tolist(),
               "least_squares": linear, "ridge": taus(Penalised), "effects": effects, "score": score.tolist(),
               "qini": qini}, file, separators=(",", ":"))
    file.write("\n")
