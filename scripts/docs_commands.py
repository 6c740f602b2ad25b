#!/usr/bin/env python3
"""Holds every command line of README, docs/ and bench/*.sh against docs/reference/commands.md, which the tests hold
against the program: the command must be there, and so must its options. Prints what is not, and exits with 1."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = ROOT / "docs" / "reference" / "commands.md"
OF_PYTHON = {"report": {"out", "help"}}  # python/swipegym_report/command.py
LINE = re.compile(r"""(?:^|[ ;/"])\$?swipegym"? (?!import)([a-z][\w-]*)( [a-z][\w-]*)?([^#;|\n]*)""", re.M)


def known():
    """{command: its options} by the help pages."""
    pages = re.findall(r"\n## ([^\n]+)\n\n```\n(.*?)```", COMMANDS.read_text(encoding="utf-8"), re.S)
    return {name: set(re.findall(r"--([a-z][a-z-]*)", page)) for name, page in pages} | OF_PYTHON


def shell(path):
    """The shell text of a script, or of the blocks of a page."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.S | re.M)
        text = "".join(block for language, block in blocks if language in ("", "sh"))
    return text.replace("\\\n", " ")


def main():
    commands, lines, wrong = known(), 0, []
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "bench").glob("*.sh"))]:
        for first, second, rest in LINE.findall(shell(path)):
            name = first + second if first + second in commands else first
            lines += 1
            taken = commands.get(name)
            if taken is None and rest.lstrip(' "').startswith("$"):  # "train $agent": what any of them takes
                taken = set().union(*(options for other, options in commands.items() if other.startswith(f"{first} ")))
            if not taken:
                wrong.append(f"{path.relative_to(ROOT)}: no command 'swipegym {first}{second}'")
                continue
            options = re.findall(r"(?<=\s)--([a-z][a-z-]*)", second + rest)
            wrong += [f"{path.relative_to(ROOT)}: '{name}' has no --{o}" for o in options if o not in taken]
    print("\n".join([*wrong, f"{lines} command lines"]))
    return 1 if wrong or lines < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
