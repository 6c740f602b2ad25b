"""Trees that score slots, and their files."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .. import _core, arguments
from ..encoder import Encoder
from ..formats.files import require_apart, whole_file
from ..log_schema import need
from ..simulators import load_simulator
from .settings import TreeSettings

lightgbm = need("lightgbm", "swipegym.boosted", "'swipegym[boosted]'")

FORMAT = "swipegym boosted trees, version 1"


class Columns:
    """What trees read of an observation."""

    def __init__(self, kind: str, simulator: _core.Simulator):
        self.kind, self.simulator = kind, simulator
        encoder = Encoder(simulator)
        if kind == "network":
            self.encoder, self.names, self.categories = encoder, encoder.columns, ["video.tag", "video.id"]
            return
        first = len(encoder.state_columns)
        beside = _core.USER_FEATURES + _core.CONTEXT_FEATURES
        self.encoder, self.categories = None, []
        self.names = encoder.columns[first : first + _core.VIDEO_FEATURES] + encoder.columns[:beside]

    @property
    def videos(self) -> str:
        """What an index in a column is of: a digest of the videos and their tags; empty where no column holds one."""
        if self.encoder is None:
            return ""
        digest = hashlib.sha256(self.simulator.video_id.tobytes())
        digest.update(self.simulator.tag.tobytes())
        return digest.hexdigest()[:16]

    def of(self, observation: Mapping[str, np.ndarray], slots: np.ndarray | None, threads: int) -> np.ndarray:
        """[rows, columns] float32 of the slots given, [rows] of them, or [rows, candidates, columns] of all."""
        if self.encoder is not None:
            return self.encoder.rows(observation, slots, threads=threads)
        rows, m = observation["candidate"].shape
        videos = observation["candidate_features"].reshape(rows, m, _core.VIDEO_FEATURES)
        beside = np.concatenate([observation["user_features"], observation["context"]], axis=1)
        if slots is not None:
            return np.concatenate([videos[np.arange(rows), slots], beside], axis=1)
        return np.concatenate([videos, np.broadcast_to(beside[:, None], (rows, m, beside.shape[1]))], axis=2)


class Trees:
    """A policy: takes the slot whose next reward its trees hold to be the largest. Made by train() and load()."""

    def __init__(self, booster, columns: Columns, about: Mapping):
        self.booster, self.columns = booster, columns
        self.about = dict(about)  # what it was trained with

    def score(self, observation: Mapping[str, np.ndarray], *, threads: int = 0) -> np.ndarray:
        """[rows, candidates] float32, the next reward of each slot; of a lone environment's observation [candidates]."""
        lone = np.ndim(observation["candidate"]) == 1
        if lone:
            observation = {name: np.asarray(array)[None] for name, array in observation.items()}
        rows = self.columns.of(observation, None, threads)
        flat = rows.reshape(-1, rows.shape[2])
        scores = self.booster.predict(flat, num_threads=threads).astype(np.float32).reshape(rows.shape[:2])
        return scores[0] if lone else scores

    def __call__(self, observation: Mapping[str, np.ndarray], info: Mapping, *, threads: int = 0) -> np.ndarray:
        """A slot a row, the best of those allowed: stands wherever a policy does, as in swipegym.evaluate."""
        scores = self.score(observation, threads=threads)
        return np.argmax(np.where(np.asarray(info["action_mask"], bool), scores, -np.inf), axis=-1)

    def save(self, path: str | os.PathLike) -> None:
        """One JSON file: what it was trained with, and under 'model' LightGBM's own text. Equal trees, equal bytes.

        Raises InputError for the simulator's own file, and where nothing can be written.
        """
        require_apart(path, "simulator", self.columns.simulator.path)
        model = self.booster.model_to_string(num_iteration=-1)
        model = re.sub(r"(?m)^\[num_threads: \d+\]$", "[num_threads: 0]", model)  # which leave no other trace
        out = {
            "format": FORMAT,
            **self.about,
            "videos": self.columns.videos,
            "digest": hashlib.sha256(model.encode()).hexdigest(),
            "model": model,
        }
        with whole_file(path) as place:
            Path(place).write_text(json.dumps(out, indent=1) + "\n")

    def __repr__(self) -> str:
        return f"Trees({self.booster.num_trees()} on {len(self.columns.names)} columns)"


def load(path: str | os.PathLike, simulator: _core.Simulator | str | os.PathLike | None = None) -> Trees:
    """Trees of save(), for a simulator with the same videos; of the columns 'features', for any.

    Raises InputError for what is no such file, is damaged, or was trained among other videos. LightGBM itself reads the
    model in it, and is no guard against files that were made to harm.
    """
    path = Path(arguments.path("path", path))
    loaded = load_simulator(simulator)
    again = "train it anew"
    try:
        stored = json.loads(path.read_text())
    except FileNotFoundError:
        raise _core.InputError(f"{path}: no such file") from None
    except OSError as error:
        raise _core.InputError(f"{path}: {error.strerror}; name a file of boosted trees") from None
    except (ValueError, RecursionError):  # no JSON, or no UTF-8
        stored = None
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        raise _core.InputError(f"{path}: no file of boosted trees ('{FORMAT}'); name one of swipegym.boosted")
    model = stored.get("model")
    if not isinstance(model, str) or stored.get("digest") != hashlib.sha256(model.encode(errors="replace")).hexdigest():
        raise _core.InputError(f"{path}: the trees are not those that were written; the file is damaged, {again}")
    try:
        how = TreeSettings(**stored["settings"])
        about = {name: stored[name] for name in ("settings", "world", "simulator")}
    except (KeyError, TypeError, _core.InputError) as error:
        raise _core.InputError(f"{path}: its settings: {error}; the file is damaged, {again}") from None
    columns = Columns(how.columns, loaded)
    if stored.get("videos") != columns.videos:
        raise _core.InputError(f"{path}: was trained among other videos than the simulator's; name its simulator, or {again}")
    try:
        booster = lightgbm.Booster(model_str=model)
    except lightgbm.basic.LightGBMError as error:
        raise _core.InputError(f"{path}: LightGBM says '{error}'; the file is damaged, {again}") from None
    if tuple(booster.feature_name()) != tuple(columns.names):
        raise _core.InputError(f"{path}: its trees read other columns than this release has; {again}")
    return Trees(booster, columns, about)
