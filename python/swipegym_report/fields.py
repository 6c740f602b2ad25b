"""What a file says, checked as it is read: a key that is missing or of another kind is one line that names it."""

from __future__ import annotations

from pathlib import Path

from .errors import ReportError
from .inputs import is_number

MOST_TEXT = 200  # characters of a name


class Fields:
    """An object in a JSON file, and the way to it."""

    def __init__(self, path: Path, content, where: str = ""):
        self._path, self._where = path, where
        if not isinstance(content, dict):
            self._refuse(where or "the file", content, "an object")
        self._content = content

    def __contains__(self, key: str) -> bool:
        return self._content.get(key) is not None

    def names(self) -> list[str]:
        return list(self._content)

    def number(self, key: str) -> float | None:
        """A number, or None where the figure is not defined."""
        value = self._given(key)
        if value is not None and not is_number(value):
            self._refuse(key, value, "a number or null")
        return value

    def figure(self, key: str) -> float:
        value = self.number(key)
        if value is None:
            self._refuse(key, value, "a number")
        return value

    def count(self, key: str) -> int:
        value = self._given(key)
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 2**63:
            self._refuse(key, value, "a whole number")
        return value

    def flag(self, key: str) -> bool:
        value = self._given(key)
        if not isinstance(value, bool):
            self._refuse(key, value, "true or false")
        return value

    def text(self, key: str) -> str:
        value = self._given(key)
        if not isinstance(value, str):
            self._refuse(key, value, "a text")
        return value if len(value) <= MOST_TEXT else value[: MOST_TEXT - 1] + "…"

    def interval(self, key: str) -> dict:
        """{mean, low, high}, each a number or None."""
        inside = self.object(key)
        return {name: inside.number(name) for name in ("mean", "low", "high")}

    def object(self, key: str) -> Fields:
        return Fields(self._path, self._given(key), self._way(key))

    def objects(self, key: str) -> list[Fields]:
        value = self._given(key)
        if not isinstance(value, list):
            self._refuse(key, value, "a list")
        return [Fields(self._path, one, f"{self._way(key)}[{i}]") for i, one in enumerate(value)]

    def lines(self, key: str) -> list[dict]:
        """A list of objects as it is, for what looks at some of their keys only."""
        return [one._content for one in self.objects(key)]

    def _given(self, key: str):
        if key not in self._content:
            raise ReportError(f"{self._path}: '{self._way(key)}' is missing: write the file again with this version")
        return self._content[key]

    def _way(self, key: str) -> str:
        return f"{self._where}.{key}" if self._where else key

    def _refuse(self, key: str, value, expected: str):
        way = key if key in (self._where, "the file") else self._way(key)
        shown = repr(value)
        raise ReportError(f"{self._path}: '{way}' is {shown[:60]}, expected {expected}")
