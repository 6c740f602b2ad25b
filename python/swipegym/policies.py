"""The policies of the program, by name or from the files it writes."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np

from . import _core, arguments
from .functions import Choose, is_function, name_of, scores_of
from .settings import exploration
from .simulators import load_simulator, require_same_ids
from .stages import composed


class Policy:
    """A policy by name (random, popularity, shortest, longest, item-mean, oracle, oracle:K with pessimism K) or a policy
    file of `swipegym train` and `swipegym supervised`, whose videos are matched to the simulator's by id; or a function of
    (observation, info) that returns a slot a row, or scores [rows, candidates], which is asked for a batch at a time; or
    a composition of stages (docs/guide/staged.md) as a mapping, in which functions may stand where stages do:

        Policy({"retrieve": [{"use": "random", "count": 50}, my_retriever], "score": my_scorer, "order": my_order})

    retrieve: an object or function as of CandidateSource, with "count" (100) as {"use": it, "count": 20}.
    filter, score, order: functions of (observation, info) whose candidates are the videos of the stage. A scorer is asked
        for a batch and returns scores [rows, candidates]. The others are asked for one request, a row: a filter returns
        [1, candidates] bool, true for what may be shown; an orderer, whose candidates come best first and whose info has
        `value` [1, candidates] and `slate`, returns slots [1, slate or more] in the order they are watched.

    `policy(observation, info)` chooses slots, so that it stands wherever a function of both does. Observations are those
    of the environments here, with history_length at least that of the policy where it matters.
    """

    def __init__(self, spec: str | os.PathLike | Choose | Mapping, simulator: _core.Simulator | str | os.PathLike | None = None):
        self.spec = spec if is_function(spec) or isinstance(spec, Mapping) else arguments.path("policy", spec)
        self.simulator = load_simulator(simulator)
        if isinstance(spec, Mapping):
            self.native = composed(spec, self.simulator)
        elif is_function(spec):
            self.native = _core.FunctionPolicy(scores_of(spec), name_of(spec))
        else:
            self.native = _core.Policy.load(self.spec, self.simulator)

    @staticmethod
    def of(given: Policy | str | os.PathLike | Choose | Mapping, simulator: _core.Simulator) -> Policy:
        """A name, file or function for this simulator; a Policy as it is. Raises InputError for one whose simulator has other users
        or videos: indices would mean others to it."""
        if not isinstance(given, Policy):
            return Policy(given, simulator)
        require_same_ids(f"{given!r}", given.simulator.user_id, given.simulator.video_id, simulator)
        return given

    @property
    def name(self) -> str:
        """Of the agent that learned it: 'dqn', 'sasrec', ..."""
        return self.native.name

    @property
    def temperature(self) -> float:
        """Above 0: it was learned as probabilities, softmax(score / temperature). 0: it takes the best."""
        return self.native.temperature

    @property
    def history_length(self) -> int:
        """How many of the user's newest videos it looks at."""
        return self.native.history_length

    def score(
        self, observation: Mapping[str, np.ndarray], info: Mapping, *, seed: int = 0, threads: int = 0
    ) -> np.ndarray:
        """[rows, candidates] float32, higher is better; of a lone environment's observation [candidates].

        Only policies that are random by themselves look at the seed. Raises InputError for an observation of other
        shapes, and for 'oracle', which looks into the environment (use evaluate).
        """
        for where, given, names in (
            ("observation", observation, ("candidate",)),
            ("info", info, ("user", "action_mask")),
        ):
            for name in names:
                if not isinstance(given, Mapping) or name not in given:
                    raise _core.InputError(f"the {where} has no '{name}': give what reset or step returned")
        shape = np.shape(observation["candidate"])
        lone = len(shape) == 1
        rows = {name: np.asarray(array)[None] if lone else np.asarray(array) for name, array in observation.items()}
        scores = self.native.score(
            {name: np.ascontiguousarray(array) for name, array in rows.items()},
            np.atleast_1d(arguments.whole_numbers("info['user']", info["user"], shape[:-1], np.uint32)),
            np.atleast_2d(arguments.flags("info['action_mask']", info["action_mask"], shape)),
            self.simulator,
            arguments.seed("seed", seed),
            arguments.threads(threads),
        )
        return scores[0] if lone else scores

    def probabilities(
        self,
        observation: Mapping[str, np.ndarray],
        info: Mapping,
        *,
        epsilon: float = 0.0,
        temperature: float | None = None,
        threads: int = 0,
    ) -> np.ndarray:
        """[rows, candidates] float64: the chance of each slot, 0 where masked; of a lone environment [candidates].

        epsilon, temperature: as in generate; left alone, the best slot or softmax(score / self.temperature).
        """
        scores = self.score(observation, info, threads=threads)
        how = exploration(epsilon, temperature)
        mask = np.atleast_2d(arguments.flags("info['action_mask']", info["action_mask"], scores.shape))
        chance = _core.probabilities(self.native, np.atleast_2d(scores), mask, how)
        return chance[0] if scores.ndim == 1 else chance

    def __call__(
        self,
        observation: Mapping[str, np.ndarray],
        info: Mapping,
        *,
        rng: np.random.Generator | None = None,
        slate: int = 1,
        threads: int = 0,
    ) -> np.ndarray:
        """A slot a row among those allowed: the best one, or for a policy with a temperature one drawn by `rng`.

        slate: above 1, so many different slots a row, [rows, slate], the best or first drawn first. Raises InputError
        where fewer are allowed.
        """
        rng = np.random.default_rng() if rng is None else rng
        scores = self.score(observation, info, seed=int(rng.integers(2**63)), threads=threads)
        scores = np.where(np.asarray(info["action_mask"], bool), scores, -np.inf)
        if self.temperature > 0:
            # Gumbel's trick: the largest of score / T + noise is a draw from the softmax.
            scores = scores / self.temperature + rng.gumbel(size=scores.shape)
        slate = arguments.whole("slate", slate, 1, scores.shape[-1])
        if slate == 1:
            return np.argmax(scores, axis=-1)
        if (np.isfinite(scores).sum(axis=-1) < slate).any():
            raise _core.InputError(f"a slate of {slate}: fewer slots may be chosen in some row")
        return np.argsort(-scores, axis=-1, kind="stable")[..., :slate]

    @property
    def has_file(self) -> bool:
        """Whether it is a name or a file, which commands take."""
        return isinstance(self.spec, str)

    def __reduce__(self) -> tuple:
        spec = self.spec
        if self.has_file and os.path.exists(spec):
            spec = os.path.abspath(spec)
        return Policy, (spec, self.simulator)

    def __repr__(self) -> str:
        return f"Policy({self.spec!r})"
