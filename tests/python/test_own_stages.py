"""What stages of one's own promise, in a composition."""

import pickle

import numpy as np
import pytest

import swipegym


def shelf(observation, info, count):
    """The same videos for everybody."""
    return np.tile(np.arange(40, 40 + count), (len(info["user"]), 1))


def minus_index(observation, info):
    return -observation["candidate"].astype(float)


def even(observation, info):
    return observation["candidate"] % 2 == 0


def backwards(observation, info):
    return np.arange(observation["candidate"].shape[1])[None, ::-1]


COMPOSITION = {"retrieve": [{"use": shelf, "count": 30}], "filter": even, "score": minus_index}


def test_stages_of_ones_own_serve_in_their_places():
    policy = swipegym.Policy(COMPOSITION)
    assert policy.name == "stages" and pickle.loads(pickle.dumps(policy)).name == "stages"
    log = swipegym.generate(policy, sessions=6, source="full")
    assert (log["video"] % 2 == 0).all() and (log["propensity"] == 1).all()
    first = np.flatnonzero(log["user"] == log["user"][0])  # whose sessions go through the shelf, and on behind its end
    assert np.array_equal(log["video"][first][:15], np.arange(40, 70, 2)[: len(first)])
    turned = swipegym.generate({**COMPOSITION, "order": [backwards]}, sessions=1, source="full")["video"]
    assert np.array_equal(turned[:15], np.arange(68, 39, -2)[: len(turned)])


def test_a_composition_of_functions_is_that_of_the_program_s_stages():
    mine = swipegym.Policy("longest")
    how = {"sessions": 60, "candidates": 12}
    for slate in (1, 3):
        own = swipegym.evaluate({"retrieve": {"use": "random", "count": 12}, "score": mine.score}, slate=slate, **how)
        named = swipegym.evaluate(
            {"retrieve": {"use": "random", "count": 12}, "score": {"use": "policy", "file": "longest"}}, slate=slate, **how
        )
        assert np.array_equal(own.reward, named.reward)
    assert np.array_equal(own.reward, swipegym.evaluate("longest", slate=3, **how).reward)


def test_an_orderer_fills_slates_and_sees_values():
    told = []

    def order(observation, info):
        told.append((observation["candidate"].copy(), info["value"].copy(), info["slate"]))
        return np.argsort(info["value"], axis=1, kind="stable")[:, : info["slate"]]  # the worst ones first

    worst = swipegym.evaluate({"retrieve": shelf, "score": minus_index, "order": order}, slate=3, sessions=20, source="full", max_steps=20)
    videos, value, slate = told[0]
    assert slate == 3 and np.array_equal(value, -videos) and (np.diff(value) < 0).all()
    assert worst.columns["videos"].min() >= 1
    plain = swipegym.evaluate({"retrieve": shelf, "score": minus_index}, slate=3, sessions=20, source="full", max_steps=20)
    assert not np.array_equal(plain.reward, worst.reward)


def test_draws_are_the_request_s_and_probabilities_know_them():
    class Coin:
        draws = 1

        def candidates(self, observation, info, count):
            return np.where(info["uniform"] < 0.25, 3, 4)

    spec = {"retrieve": {"use": Coin(), "count": 1}, "draws": 60}
    one, two = (swipegym.evaluate(spec, sessions=40, threads=threads) for threads in (1, 2))
    assert np.array_equal(one.reward, two.reward)
    log = swipegym.generate(spec, sessions=4, source="full", max_steps=1)
    threes = log["propensity"][log["video"] == 3]
    assert ((log["propensity"] > 0.1) & (log["propensity"] < 1)).any() and (threes < 0.5).all()


def test_candidates_bound_a_retriever():
    policy = swipegym.Policy({"retrieve": {"use": shelf, "count": 250}, "score": minus_index})
    log = swipegym.generate(policy, sessions=10, keep_candidates=True)
    among = np.where((log["candidate"] >= 40) & (log["candidate"] < 290), log["candidate"], 999).min(axis=1)
    assert np.array_equal(log["video"][among < 999], among[among < 999])
    observation, info = swipegym.ShortVideoEnv().reset(seed=1)
    assert policy.score(observation, info).argmax() == np.where(observation["candidate"] < 40, 999, observation["candidate"]).argmin()


def test_rows_of_compare_are_functions_and_compositions(tmp_path):
    longest = swipegym.Policy("longest")

    def mine(observation, info):
        return longest.score(observation, info)

    def compare(policies, **how):
        return swipegym.commands.compare(simulator=swipegym.default_simulator(), policies=policies, sessions=60, seeds=1, **how)

    table = compare(["random", mine, "longest", {**COMPOSITION}], versus="longest", report=tmp_path / "page.html")
    rows = {row["name"]: row for row in table["policies"]}
    assert set(rows) == {"random", "mine", "longest", "stages"}
    assert rows["mine"]["metrics"] == rows["longest"]["metrics"] and rows["mine"]["versus"]["mean"] == 0.0
    assert "mine" in str(table) and "mine" in (tmp_path / "page.html").read_text()
    named = compare({"a, b": mine, "item": "item-mean"}, expected=True)
    assert {row["name"] for row in named["policies"]} == {"a, b", "item"}
    assert named["policies"][0]["metrics"] == rows["longest"]["metrics"]
    assert compare(mine)["policies"][0]["name"] == "mine"
    assert compare({"x": longest})["policies"][0]["metrics"] == rows["longest"]["metrics"]
    for policies, message in (
        ([mine, mine], "mine"),
        ({"a=b": mine}, "without '='"),
        ([lambda observation, info: info["user"][:3]], "slots of the function: got shape"),
        ({"ok": {"retrieve": []}}, "nothing is retrieved"),
        ([swipegym.Policy(mine, swipegym.Simulator.constant())], "the simulator has other users"),
    ):
        with pytest.raises(swipegym.InputError, match=message):
            compare(policies)


def test_compare_plays_in_simulators_without_a_file():
    class Patient:
        def respond(self, shown, state, uniform):
            return {"watch_ratio": uniform[:, 0], "leaves": uniform[:, 1] < 0.25}

    simulator = swipegym.simulator_of(Patient())
    how = {"policies": ["random", "longest"], "sessions": 80, "seeds": 1}
    table = swipegym.commands.compare(simulator=simulator, judge=swipegym.default_simulator(), **how)
    assert [world["name"] for world in table["simulators"]] == ["Patient", "default"]
    played = swipegym.evaluate("longest", simulator=simulator, sessions=80)
    row = next(row for row in table["policies"] if row["name"] == "longest")
    assert row["metrics"]["reward"]["mean"] == pytest.approx(played.mean, rel=1e-5)
    constant = swipegym.Simulator.constant()
    assert swipegym.commands.compare(simulator=constant, **how)["simulators"][0]["name"] == "constant"
    with pytest.raises(swipegym.InputError, match="made without a file"):
        swipegym.commands.session(simulator=simulator)
    with pytest.raises(swipegym.InputError, match="a function has no file"):
        swipegym.commands.session(simulator=swipegym.default_simulator(), policy=shelf)


@pytest.mark.parametrize(
    "spec, message",
    [
        ({}, "policy is {}, expected a composition"),
        ({"retrieve": 3}, r"retrieve\[0\]"),
        ({"retrieve": "shelf"}, r"retrieve\[0\]"),
        ({"retrieve": [{"use": shelf, "counts": 3}]}, "counts"),
        ({"retrieve": [{"use": shelf, "count": 0}]}, "count"),
        ({"retrieve": shelf, "sorted": True}, "sorted"),
        ({"retrieve": shelf, "score": {"use": minus_index}, "value": {"watch_s": 1}}, "watch_s"),
        ({"retrieve": shelf, "draws": np.nan}, "no JSON|draws"),
        ({"retrieve": shelf, "draws": {1, 2}}, "a value of the composition"),
        ({"retrieve": {"use": "vectors", "file": "none.h5"}}, "none.h5"),
    ],
)
def test_compositions_that_are_none_are_refused(spec, message):
    with pytest.raises(swipegym.InputError, match=message):
        swipegym.Policy(spec)


@pytest.mark.parametrize(
    "stage, message",
    [
        ({"retrieve": lambda o, i, count: np.zeros((len(i["user"]), 2), int)}, "videos of function list video 0 twice"),
        ({"retrieve": lambda o, i, count: [[300]] * len(i["user"])}, "is 300, expected 0 to 299"),
        ({"score": lambda o, i: np.full(o["candidate"].shape, np.inf)}, "scores of the function: holds inf"),
        ({"score": lambda o, i: np.zeros((1, 1))}, "scores of the function: got shape"),
        ({"filter": lambda o, i: np.full(o["candidate"].shape, 0.5)}, "flags of function: got float64"),
        ({"score": lambda o, i: [[1], [1, 2]]}, "scores of the function: no array"),
        ({"filter": lambda o, i: True}, "flags of function: got bool"),
        ({"order": lambda o, i: [[0, 0, 1]]}, "slots of function name a slot twice"),
        ({"order": lambda o, i: [[0, 99, 1]]}, "a slot of slots of function is 99"),
        ({"order": lambda o, i: [[0]]}, "slots of function: got shape"),
        ({"order": lambda o, i: [0, 1, 2]}, "slots of function: got shape"),
        ({"order": lambda o, i: 1 / 0}, "division"),
    ],
)
def test_answers_that_are_none_are_refused(stage, message):
    spec = {"retrieve": {"use": shelf, "count": 20}, "score": minus_index, **stage}
    with pytest.raises((swipegym.InputError, ZeroDivisionError), match=message):
        swipegym.evaluate(spec, sessions=3, source="full", slate=3, max_steps=20)
