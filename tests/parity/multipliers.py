#!/usr/bin/env python3
"""Records how OmniSafe's own multipliers move over made-up costs.

    pip install torch numpy
    pip install --no-deps omnisafe
    python tests/parity/multipliers.py          # writes tests/parity/multipliers.json

The two modules are loaded by their files, since the package as a whole wants simulators of robots.
"""
import importlib.util
import json
import os
import sys
import sysconfig

import numpy as np
import torch

torch.set_default_dtype(torch.float64)
FOLDER = sys.argv[1] if len(sys.argv) > 1 else sysconfig.get_paths()["purelib"]


def module(name):
    spec = importlib.util.spec_from_file_location(name, os.path.join(FOLDER, "omnisafe", "common", name + ".py"))
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def main():
    rng = np.random.default_rng(5)
    # Over the bound, well below it, over it again: multipliers rise, reach 0 and rise anew.
    costs = np.concatenate([np.linspace(2.0, 1.2, 20), np.full(15, 0.3), np.linspace(0.8, 1.9, 15)])
    costs += 0.1 * rng.standard_normal(costs.size)
    bound = 1.0
    adam = module("lagrange").Lagrange(cost_limit=bound, lagrangian_multiplier_init=0.001, lambda_lr=0.035,
                                       lambda_optimizer="Adam", lagrangian_upper_bound=0.5)
    pid = module("pid_lagrange").PIDLagrangian(
        pid_kp=0.1, pid_ki=0.01, pid_kd=0.01, pid_d_delay=10, pid_delta_p_ema_alpha=0.95, pid_delta_d_ema_alpha=0.95,
        sum_norm=True, diff_norm=False, penalty_max=100, lagrangian_multiplier_init=0.001, cost_limit=bound)
    recorded = {"costs": costs.tolist(), "bound": bound, "adam": [], "pid": []}
    for cost in costs:
        adam.update_lagrange_multiplier(float(cost))
        recorded["adam"].append(float(adam.lagrangian_multiplier.detach()))
        pid.pid_update(float(cost))
        recorded["pid"].append(float(pid.lagrangian_multiplier))
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "multipliers.json"), "w") as file:
        json.dump(recorded, file, indent=1)
        file.write("\n")


main()
