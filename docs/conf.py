"""How Sphinx makes the site of the Markdown in this repository; `scripts/docs` runs it.

The source folder is the whole repository: so README and changelog are pages too, and every link leads in the site
where it leads on GitHub. No page has a word of Sphinx's in it: the table of contents comes from the links in
docs/index.md.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, ROOT)

from sphinx.addnodes import pending_xref  # noqa: E402

from trayd import __version__  # noqa: E402

project = "trayd"
version = release = __version__
root_doc = "docs/index"
include_patterns = ["README*.md", "CHANGELOG.md", "docs/*.md"]
exclude_patterns = [".*", "build", "trayd", "tests", "bench", "icons", "config", "scripts"]
extensions = ["myst_parser"]
myst_heading_anchors = 4  # the anchors that GitHub gives to headings
language = "en"
smartquotes = False  # it would make one dash of the two before an option
nitpicky = True

html_theme = "furo"
html_title = f"trayd {release}"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_favicon = "../icons/trayd.ico"
html_logo = "../icons/trayd.svg"
html_copy_source = html_show_sourcelink = False
html_show_copyright = False
linkcheck_timeout = 20

_PART = re.compile(r"^## (.+)$", re.MULTILINE)
_LINK = re.compile(r"^- \[[^]]*\]\(([^)#:]+)\.md\)", re.MULTILINE)
_FRONT = (
    '<!doctype html><meta charset="utf-8"><title>trayd</title>'
    '<meta http-equiv="refresh" content="0; url={0}"><a href="{0}">trayd</a>\n'
)


def contents(app: Any, name: str, source: list[str]) -> None:
    """Give Sphinx the list in docs/index.md as its table of contents; what is not in the list is a warning.

    A README in another language needs no place of its own there: the README leads to it.
    """
    if name.startswith("README."):
        source[0] = f"---\norphan: true\n---\n{source[0]}"
    if name == root_doc:
        _, *parts = _PART.split(source[0])
        for title, text in zip(parts[::2], parts[1::2], strict=True):
            pages = "\n".join(os.path.normpath(os.path.join("/docs", page)) for page in _LINK.findall(text))
            source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n{pages}\n```\n"


def folders(app: Any, tree: Any) -> None:
    """A link to a folder of the repository is only its name in the site, which has no pages for folders."""
    for link in list(tree.findall(pending_xref)):
        if os.path.isdir(app.env.relfn2path(link["reftarget"])[1]):
            link.replace_self(link.children)


def front(app: Any, problem: Exception | None) -> None:
    """The address of the folder itself leads to the contents."""
    if problem is None and app.builder.name == "html":
        with open(os.path.join(app.outdir, "index.html"), "w", encoding="utf-8") as file:
            file.write(_FRONT.format(f"{root_doc}.html"))


def setup(app: Any) -> None:
    """What Sphinx calls first."""
    app.connect("source-read", contents)
    app.connect("doctree-read", folders)
    app.connect("build-finished", front)
