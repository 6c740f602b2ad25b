"""The page itself: one file with its data, its charts and what draws them."""

from __future__ import annotations

import functools
import json
import os
import tempfile
from pathlib import Path

import jinja2
import markupsafe

from .errors import ReportError
from .fields import Fields
from .inputs import Inputs, read_inputs
from .sections import build

HERE = Path(__file__).parent
MOST_BYTES = 3_000_000  # what a telephone still opens at once


def write_report(folder: str | os.PathLike, out: str | os.PathLike | None = None) -> Path:
    """Reads what is in the folder of a run and writes its page, DIR/report.html unless `out` says otherwise.

    Returns where it is. ReportError for a damaged file, for a folder without any figures, and where the page would
    replace a file that was read. The page appears whole or not at all; the same files give the same bytes.
    """
    folder = Path(folder)
    page = Path(out) if out is not None else folder / "report.html"
    inputs = read_inputs(folder)
    _require_apart(page, inputs)
    text = render(inputs).encode("utf-8", "replace")
    if len(text) > MOST_BYTES:
        raise ReportError(
            f"{folder}: the page would have {len(text) / 1e6:.1f} MB, at most {MOST_BYTES / 1e6:.0f}: give a folder "
            "with fewer results"
        )
    _write_whole(page, text)
    return page


def render(inputs: Inputs) -> str:
    sections, missing = build(inputs)
    if not sections:
        raise ReportError(
            f"{inputs.folder}: no file here holds figures of a run: 'swipegym quickstart --out {inputs.folder}' "
            "writes some, "
            "so do --json and --log of the commands"
        )
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["block"] = data_block
    return environment.get_template("page.html.j2").render(
        title=inputs.folder.resolve().name or "run",
        facts=_facts(inputs),
        mixed=_mixed(inputs),
        sections=sections,
        missing=missing,
        style=markupsafe.Markup((HERE / "page.css").read_text("utf-8")),
        script=markupsafe.Markup((HERE / "page.js").read_text("utf-8")),
        library=markupsafe.Markup(_library()),
    )


def data_block(value) -> markupsafe.Markup:
    """JSON as it may stand in a <script>: nothing in it ends the element."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=True)
    return markupsafe.Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


@functools.lru_cache(maxsize=1)
def _library() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script."""
    import vl_convert

    return vl_convert.javascript_bundle().replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _facts(inputs: Inputs) -> list[tuple[str, str]]:
    """What all results have in common."""
    facts = []
    for key, title in (("data_fingerprint", "data"), ("seed", "seed"), ("build", "made by")):
        values = _values(inputs, key)
        if len(values) == 1:
            facts.append((title, values[0]))
    return facts


def _mixed(inputs: Inputs) -> str:
    """A warning where figures do not belong together."""
    parts = [name for key, name in (("data_fingerprint", "data"), ("build", "builds")) if len(_values(inputs, key)) > 1]
    return (
        f"The files of this folder were made from different {' and '.join(parts)}: compare them with care."
        if parts
        else ""
    )


def _values(inputs: Inputs, key: str) -> list[str]:
    found = []
    for result in inputs.results:
        fields = Fields(result.path, result.content)
        if key in fields:
            found.append(str(fields.count(key)) if key == "seed" else fields.text(key))
    return list(dict.fromkeys(found))


def _require_apart(page: Path, inputs: Inputs):
    if page.is_dir():
        raise ReportError(f"{page}: a folder, expected a file to write: give --out {page / 'report.html'}")
    if page.exists():
        for path in inputs.read:
            if page.samefile(path):
                raise ReportError(f"{page}: is read for the page and would be replaced by it: choose another --out")
        if not _is_page(page):
            raise ReportError(f"{page}: is there and is no page of this program: choose another --out, or remove it")
    if not page.resolve().parent.is_dir():
        raise ReportError(
            f"{page}: the folder {page.resolve().parent} does not exist: make it, or choose another --out"
        )


def _is_page(path: Path) -> bool:
    with path.open("rb") as file:
        return b'content="swipegym report"' in file.read(1000)


def _write_whole(page: Path, text: bytes):
    """Under a temporary name beside where the path leads to, renamed when whole."""
    place = page.resolve()
    handle, part = tempfile.mkstemp(prefix=f".{place.name}.", suffix=".part", dir=place.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(part, 0o666 & ~mask)
        os.replace(part, place)
    except BaseException:
        os.unlink(part)
        raise
