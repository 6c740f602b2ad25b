"""What MkDocs does not know of this tree: pages link to files outside docs/ (settings, examples, sources). Each such file
becomes a file of the site, as text, under source/; a link to a file that is not there fails the strict build."""

import logging
import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"(?<=\]\()([^)\s#]+)(?=[)#])")
log = logging.getLogger("mkdocs.plugins.sources")


def outside(page, target):
    """The path in the tree that a page's link leads to, where that is outside docs/; else None."""
    if re.match(r"[a-z]+:", target):
        return None
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), target))
    return None if path.startswith("docs/") else path


def on_files(files, config):
    linked = set()
    for page in files.documentation_pages():
        for target in LINK.findall(page.content_string):
            path = outside(page.src_uri, target)
            if path is None or path in linked:
                continue
            linked.add(path)
            if not (ROOT / path).is_file():
                log.warning("%s links to %s, which is no file", page.src_uri, path)
                continue
            text = (ROOT / path).read_text(encoding="utf-8")
            files.append(File.generated(config, f"source/{path}.txt", content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    def to_source(match):
        path = outside(page.file.src_uri, match[1])
        if path is None:
            return match[1]
        return posixpath.relpath(f"source/{path}.txt", posixpath.dirname(page.file.src_uri) or ".")

    return LINK.sub(to_source, markdown)
