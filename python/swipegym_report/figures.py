"""Numbers as a person reads them."""

from __future__ import annotations

import math

SIGNALS = {
    "is_click": "click",
    "long_view": "long view",
    "is_like": "like",
    "is_profile_enter": "visit of the profile",
    "is_comment": "comment",
    "is_follow": "follow",
    "is_forward": "forward",
    "is_hate": "hate",
}
NONE = "–"


def number(value: float | None, digits: int = 3) -> str:
    """With so many significant digits, never fewer than stand before the point."""
    if value is None:
        return NONE
    size = abs(value)
    decimals = 0 if size == 0 else max(0, digits - 1 - math.floor(math.log10(size)))
    return fixed(value, min(decimals, 6))


def fixed(value: float | None, decimals: int) -> str:
    if value is None:
        return NONE
    text = f"{value:,.{decimals}f}"
    return (text[1:] if text.startswith("-") and not text.strip("-0.,") else text).replace("-", "−")


def count(value: int | None) -> str:
    return NONE if value is None else f"{value:,}"


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def plural(number: int, one: str, many: str | None = None) -> str:
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def percent(value: float | None, digits: int = 3) -> str:
    return NONE if value is None else f"{number(100 * value, digits)} %"


def interval(one: dict | None, scale: float = 1.0) -> str:
    """ "74.8 [68.5, 81.6]": as many decimals as say where the interval ends to a fiftieth of its width or so."""
    if one is None or one["mean"] is None:
        return NONE
    mean, low, high = one["mean"] * scale, one["low"], one["high"]
    if low is None or high is None:
        return number(mean)
    low, high = low * scale, high * scale
    width = high - low
    if width <= 0:
        return number(mean)
    decimals = min(6, max(0, math.ceil(1.3 - math.log10(width))))
    return f"{fixed(mean, decimals)} [{fixed(low, decimals)}, {fixed(high, decimals)}]"


def duration(seconds: float) -> str:
    """ "0:42", "12:05"."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}"


def day(date: int) -> str:
    """20220504 as 2022-05-04."""
    text = f"{date:08}"
    return f"{text[:4]}-{text[4:6]}-{text[6:]}"
