"""The Open Bandit Pipeline's bandit_feedback.

An action is a slot of the candidates offered, so n_actions is m and what an action stands for changes from round to
round. Everything that looks at rewards, propensities, probabilities and reward estimates by [round, slot] holds as it
stands: all of obp's estimators and its tuning. What learns one parameter an action (RegressionModel, NNPolicyLearner)
would take slot 3 for the same video in every round: give it `candidate_features` and one model for all slots.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Mapping

import numpy as np

from .. import _core, arguments
from ..log import Log
from ..log_schema import SCHEMA_VERSION, check_version, require_rows_of
from ..policies import Policy
from ..simulators import load_simulator
from .files import Sequential, whole_file

NEEDED = ("n_rounds", "n_actions", "action", "reward", "pscore", "log.user")
RATIO_CLIP = 5.0  # as everywhere: a video left running overnight says nothing about taste


def bandit_feedback(
    log: Log,
    *,
    simulator: _core.Simulator | str | os.PathLike | None = None,
    reward: Mapping[str, float] | None = None,
    history_length: int = 50,
) -> dict:
    """A dict as obp's estimators, learners and data sets have it; needs the columns candidate and propensity.

    n_rounds, n_actions; context [rounds, 24 + 8 m]: user, context and candidate features of Log.observations; action
    [rounds]: the slot shown; reward [rounds]: of `reward` (seconds watched when None), as `swipegym evaluate` counts
    it; pscore [rounds]; position None. Beside obp's keys: candidate_features [rounds, m, 8], action_mask [rounds, m], and
    log: the rows themselves, by column. Raises InputError where a propensity is not known.
    """
    simulator = load_simulator(simulator)
    if "candidate" not in log or "propensity" not in log:
        raise _core.InputError(
            "bandit feedback needs the columns candidate and propensity: generate(keep_candidates=True)"
        )
    unknown = np.isnan(log["propensity"])
    if unknown.any():
        raise _core.InputError(f"row {np.flatnonzero(unknown)[0]} has no propensity: nothing says how likely it was")
    observation, info = log.observations(simulator, history_length)
    features = observation["candidate_features"]
    m = log["candidate"].shape[1]
    return {
        "n_rounds": log.rows,
        "n_actions": m,
        "context": np.hstack([observation["user_features"], observation["context"], features]).astype(np.float64),
        "action_context": np.eye(m, dtype=int),
        "action": np.argmax(log["candidate"] == log["video"][:, None], axis=1),
        "position": None,
        "reward": logged_reward(log, simulator, reward),
        "pscore": log["propensity"].astype(np.float64),
        "candidate_features": features.reshape(log.rows, m, -1),
        "action_mask": info["action_mask"],
        "log": dict(log),
    }


def action_dist(
    log: Log,
    policy: Policy | str | os.PathLike,
    *,
    simulator: _core.Simulator | str | os.PathLike | None = None,
    epsilon: float = 0.0,
    temperature: float | None = None,
) -> np.ndarray:
    """[rounds, m, 1] float64: how likely the policy chooses each slot, as obp's estimators take it. See generate for
    epsilon and temperature."""
    simulator = load_simulator(simulator)
    policy = Policy.of(policy, simulator)
    seen = log.observations(simulator, max(1, policy.history_length))
    return policy.probabilities(*seen, epsilon=epsilon, temperature=temperature)[:, :, None]


def estimates(
    feedback: Mapping,
    action_dist: np.ndarray,
    estimated_rewards: np.ndarray | None = None,
    *,
    seed: int = 1,
    resamples: int = 1000,
    threads: int = 0,
) -> dict[str, dict[str, float]]:
    """What `swipegym evaluate` estimates (docs/guide/off_policy.md), by name: mean; low and high, its 95 % interval by
    a studentised bootstrap over users; lambda, effective_rows and max_weight. For any policy whose chances are known,
    and any reward model.

    feedback: of bandit_feedback. action_dist: [rounds, m, 1] or [rounds, m], the judged policy's chances.
    estimated_rewards: the same shape, a model's mean rewards; None leaves out dm, dr and what builds on them.
    Raises InputError for arrays of other shapes, chances that do not sum to 1, numbers that are none, or a single user.
    """
    if not isinstance(feedback, Mapping):
        raise arguments.refused("feedback", feedback, "what bandit_feedback returns")
    missing = [name for name in ("n_rounds", "n_actions", "reward", "action", "pscore", "log") if name not in feedback]
    if missing or "user" not in feedback["log"]:
        raise _core.InputError(
            f"the feedback has no '{(missing or ['log.user'])[0]}': it was not made by bandit_feedback"
        )
    rounds = arguments.whole("feedback['n_rounds']", feedback["n_rounds"], 1)
    m = arguments.whole("feedback['n_actions']", feedback["n_actions"], 1)

    def table(name: str, array) -> np.ndarray:
        shape = (rounds, m, 1) if np.ndim(array) == 3 else (rounds, m)
        return arguments.numbers(name, array, shape).reshape(rounds, m)

    return _core.off_policy_estimates(
        arguments.numbers("feedback['reward']", feedback["reward"], (rounds,)),
        arguments.whole_numbers("feedback['action']", feedback["action"], (rounds,)),
        arguments.numbers("feedback['pscore']", feedback["pscore"], (rounds,)),
        table("action_dist", action_dist),
        None if estimated_rewards is None else table("estimated_rewards", estimated_rewards),
        arguments.whole_numbers("feedback['log']['user']", feedback["log"]["user"], (rounds,), np.uint32),
        arguments.seed("seed", seed),
        arguments.whole("resamples", resamples, 2, 10**6),
        arguments.threads(threads),
    )


def logged_reward(
    log: Log, simulator: _core.Simulator | None = None, reward: Mapping[str, float] | None = None
) -> np.ndarray:
    """[rows] float64: seconds watched, or the sum of `reward`: watch_s, watch_ratio and signals."""
    if simulator is not None:
        require_rows_of(log, simulator)
    columns = {name.removeprefix("is_"): name for name in _core.SIGNAL_NAMES}
    out = np.zeros(log.rows)
    for term, weight in arguments.weights("reward", {"watch_s": 1.0} if reward is None else reward).items():
        if term == "watch_s":
            value = log["play_time_ms"] / 1000.0
        elif term == "watch_ratio":
            duration = log["duration_ms"]
            if simulator is not None:
                duration = np.where(duration > 0, duration, simulator.duration_ms[log["video"]])
            value = np.minimum(log["play_time_ms"] / np.maximum(duration, 1), RATIO_CLIP)
        elif term in columns:
            value = log[columns[term]]
        else:
            expected = ", ".join(["watch_s", "watch_ratio", *columns])
            raise _core.InputError(f"reward names '{term}', which a row of a log does not have: {expected}")
        out += weight * value
    return out


def to_log(feedback: Mapping) -> Log:
    """The rows that the feedback was made of."""
    if "log" not in feedback:
        raise _core.InputError("this feedback has no 'log': it was not made by bandit_feedback")
    return Log(feedback["log"], "bandit feedback")


def save(feedback: Mapping, path: str | os.PathLike) -> None:
    """Everything in one .npz; obp has no file of its own for a whole feedback."""
    arrays = {name: value for name, value in feedback.items() if name not in ("log", "position")}
    arrays.update({f"log.{name}": array for name, array in feedback["log"].items()})
    with whole_file(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file if temporary.is_file() else Sequential(file), schema_version=SCHEMA_VERSION, **arrays)


def load(path: str | os.PathLike) -> dict:
    """What save() wrote. Raises InputError for a file that is none, or of a newer schema."""
    source = arguments.path("path", path)
    try:
        with zipfile.ZipFile(source):  # what else np.load reads is none of ours
            pass
        with np.load(source, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise _core.InputError(f"{source}: {error}") from error
    check_version(arrays.pop("schema_version", None), source)
    missing = [name for name in NEEDED if name not in arrays]
    if missing:
        raise _core.InputError(f"{source}: no bandit feedback of swipegym's, it has no {', '.join(missing)}")
    feedback: dict = {"position": None, "log": {}}
    for name, array in arrays.items():
        if name.startswith("log."):
            feedback["log"][name[len("log.") :]] = array
        else:
            feedback[name] = int(array) if name in ("n_rounds", "n_actions") else array
    return feedback
