"""Which of a wheel's builds of the engine this processor runs."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

_AVX2 = frozenset({"abm", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"})
_AVX512 = frozenset({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"})
NEEDS = {"v4": _AVX512 | _AVX2, "v3": _AVX2}  # levels of x86-64, best first, in the words of /proc/cpuinfo
_NAME = {"v4": "AVX-512", "v3": "AVX2"}


def processor_flags() -> frozenset[str] | None:
    """What the processor can do and the system lets it do; None where there is no /proc/cpuinfo to say so."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("flags"):
            return frozenset(line.partition(":")[2].split())
    return None


def choose_level(flags: Collection[str] | None, wanted: str | None = None) -> str:
    """'v4' (AVX-512) or 'v3' (AVX2): the best that `flags` allow, or the one that is wanted.

    flags: None where they are not known; then v3, which any processor since 2015 runs, unless v4 is wanted.
    Raises ImportError for a wanted level that does not exist, and where the processor lacks what a level needs.
    """
    if wanted and wanted not in NEEDS:
        raise ImportError(f"SWIPEGYM_ARCH is '{wanted}', expected v3 (AVX2), v4 (AVX-512) or nothing")
    if flags is None:
        return wanted or "v3"
    for level in [wanted] if wanted else NEEDS:
        missing = NEEDS[level].difference(flags)
        if not missing:
            return level
    lacks = f"and this one lacks {', '.join(sorted(missing))}"
    if wanted:
        raise ImportError(f"SWIPEGYM_ARCH={wanted} needs a processor with {_NAME[wanted]}, {lacks}")
    raise ImportError(
        f"this wheel of swipegym needs a processor with AVX2, {lacks}: 'pip install .' in a clone of its source "
        "builds it for this machine"
    )


def engine_file(package: Path) -> Path:
    """The extension module that suits this processor, of those in the package's folders x86-64-v3 and x86-64-v4.

    The environment variable SWIPEGYM_ARCH (v3 or v4) asks for one of them.
    """
    level = choose_level(processor_flags(), os.environ.get("SWIPEGYM_ARCH"))
    folder = package / f"x86-64-{level}"
    for file in folder.glob("_core.*"):
        return file
    raise ImportError(f"{folder} holds no module of swipegym: install the package again")
