#!/usr/bin/env python3
"""Writes docs/reference/python.md from the docstrings of the Python package, without importing it: nothing is built.

    scripts/python_reference.py           # writes the page anew
    scripts/python_reference.py --check   # exits with 1 when the page is not what it would write
"""

import ast
import re
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "python.md"
PACKAGE = ROOT / "python" / "swipegym"
BINDINGS = ROOT / "python" / "src"
ALSO = {"swipegym": [("Settings", "swipegym.settings")]}  # what other docstrings point to
MODULES = [
    "swipegym",
    "swipegym.platform",
    "swipegym.commands",
    "swipegym.training_log",
    "swipegym.tensorboard",
    "swipegym.boosted",
    "swipegym.sb3",
    "swipegym.torch",
    "swipegym.wrappers",
    "swipegym.ray",
    "swipegym.formats.open_bandit",
    "swipegym.formats.minari",
    "swipegym.formats.episodes",
    "swipegym.formats.rlds",
    "swipegym.formats.d3rlpy",
    "swipegym.formats.tensordict",
]
NATIVE = {  # of the engine, beside the classes that python/src binds
    "InputError": "A `ValueError`: what was got, what was expected, where, and what to do.",
    "SystemError": "An `OSError`: the machine failed, as when a disk is full.",
    "SIGNAL_NAMES": "The eight signals in the order of their bits: `is_click`, `is_like`, `is_follow`, `is_comment`, "
    "`is_forward`, `is_hate`, `long_view`, `is_profile_enter`.",
    "__version__": "Text.",
}
INTRO = """# The Python package

Every public name with its arguments. [guide/python.md](../guide/python.md) says what an observation holds and shows
the names at work. Every command of the program is a function of `swipegym.commands` too; their options are those of
[commands.md](commands.md).

<!-- scripts/python_reference.py writes this page from the docstrings -->
"""


def file_of(module):
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def public_names(module, tree):
    """Names of __all__, else of what the module defines; each with the module that defines it."""
    origins, listed = {}, None
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            base = module if file_of(module).name == "__init__.py" else module.rpartition(".")[0]
            for alias in node.names:
                origins[alias.asname or alias.name] = f"{base}.{node.module}" if node.module else f"{base}.{alias.name}"
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            listed = ast.literal_eval(node.value)
    own = [n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef)) and not n.name.startswith("_")]
    names = own if listed is None else listed
    return [(name, module if name in own else origins.get(name, module)) for name in names]


def prose(docstring):
    """A docstring as Markdown: lines `name: what it is` at the beginning of a paragraph become items."""
    out, item = [], False
    for line in textwrap.dedent(docstring).strip().splitlines():
        entry = re.match(r"((?:[a-z]\w*)(?:, [a-z]\w*)*): ", line)
        if not line.strip():
            item = False
        elif entry and (not out or not out[-1].strip() or (item and out[-1].endswith("."))):
            line = f"- `{entry[1]}`: {line[entry.end():]}"
            item = True
        elif item and re.match(r"[A-Z][\w ]*: |Raises ", line) and out[-1].endswith("."):
            out.append("")
            item = False
        elif item:
            line = "  " + line.strip()
        out.append(line)
    return "\n".join(out) + "\n"


def docstring(node):
    text = ast.get_docstring(node) or ""
    return prose(text) if text else ""


def signature(node, name, method=False):
    """A definition without its body, one argument a line where it would be long."""
    arguments = node.args
    if method and not any(getattr(d, "id", "") == "staticmethod" for d in node.decorator_list):
        arguments.args = arguments.args[1:]
    text = re.sub(r"(: [^=():]*[^=\s])=(?=\S)", r"\1 = ", ast.unparse(arguments))
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    line = f"{name}({text}){returns}"
    if len(line) > 100:
        parts, depth, part = [], 0, ""
        for character in text:
            depth += (character in "([{") - (character in ")]}")
            if character == "," and depth == 0:
                parts, part = [*parts, part.strip()], ""
            else:
                part += character
        line = f"{name}(\n" + "".join(f"    {p},\n" for p in [*parts, part.strip()]) + f"){returns}"
    return f"```python\n{line}\n```\n"


def members(node, name):
    out = ""
    for child in node.body:
        if not isinstance(child, ast.AnnAssign) or child.target.id.startswith("_"):
            continue
        if f"{child.target.id}:" not in (ast.get_docstring(node) or ""):
            out += f"- `{child.target.id}`: `{ast.unparse(child.annotation)}`\n"
    for child in node.body:
        if not isinstance(child, ast.FunctionDef) or (child.name.startswith("_") and child.name != "__call__"):
            continue
        is_property = any(getattr(d, "id", "") == "property" for d in child.decorator_list)
        if is_property:
            kind = f": `{ast.unparse(child.returns)}`" if child.returns else ""
            out += f"\n`{name}.{child.name}`{kind}\n\n{docstring(child)}"
        elif ast.get_docstring(child):
            called = name.lower() if child.name == "__call__" else f"{name}.{child.name}"
            out += f"\n{signature(child, called, method=True)}\n{docstring(child)}"
    return out


def entry(name, node):
    heading = f"### {name}\n\n"
    if isinstance(node, ast.ClassDef):
        init = next((c for c in node.body if isinstance(c, ast.FunctionDef) and c.name == "__init__"), None)
        made = signature(init, name, method=True) + "\n" if init else ""
        return heading + made + docstring(node) + "\n" + members(node, name)
    return heading + signature(node, name) + "\n" + docstring(node)


def bound_class(name):
    """A class of the engine, by the texts of its binding in python/src; None where none of that name is bound."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(BINDINGS.glob("bind_*.cpp")))
    literal = r'"((?:[^"\\]|\\.)*)"'
    begin = re.search(rf'nb::class_<\w+>\(\s*module, "{name}",\s*((?:{literal}\s*)+)(?:, *\s*nb::dynamic_attr\(\))?\)', text)
    if begin is None:
        return None
    body = text[begin.end() : text.index(";\n", begin.end())]
    out = f"### {name}\n\n" + "".join(re.findall(literal, begin[1])) + "\n\n"
    for chunk in re.split(r"\n\s+\.def", body)[1:]:
        shown = re.match(rf"\w*\(\s*{literal}", chunk)[1]
        signed = None if chunk.startswith("_prop") else re.search(rf"nb::sig\(\s*{literal}\)", chunk)
        said = re.search(rf'((?:{literal}\s*)+)\)$', chunk.strip())
        what = "".join(re.findall(literal, said[1])) if said and not said[1].startswith(f'"{shown}"') else ""
        if signed:
            out += f"\n```python\n{name}.{signed[1].removeprefix('def ')}\n```\n\n{what}\n"
        else:
            out += f"\n- `{shown}`" + (f": {what}" if what else "") + "\n"
    return re.sub(r"(\n- .*)\n(?=\n- )", r"\1", re.sub(r"\n\n\n+", "\n\n", out))


def module_text(module):
    tree = ast.parse(file_of(module).read_text(encoding="utf-8"))
    out = f"\n## {module}\n\n" + docstring(tree)
    for name, origin in public_names(module, tree) + ALSO.get(module, []):
        if origin == f"{module}.{name}" and file_of(origin).is_file():
            continue  # a module, which has its own section
        if origin.endswith("._core"):
            out += "\n" + (bound_class(name) or f"### {name}\n\n{NATIVE[name]}\n")
            continue
        nodes = ast.parse(file_of(origin).read_text(encoding="utf-8")).body
        out += "".join("\n" + entry(name, node) for node in nodes if getattr(node, "name", "") == name)
    return out


def page():
    text = INTRO + "".join(map(module_text, MODULES))
    text = re.sub(r"\bdocs/(\w+/\w+\.md)", r"[\1](../\1)", text)
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"


def main():
    text = page()
    if "--check" in sys.argv[1:]:
        if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text:
            return 0
        print(f"{PAGE.relative_to(ROOT)} is not what the docstrings say: run scripts/python_reference.py")
        return 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
