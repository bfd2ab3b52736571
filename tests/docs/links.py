"""Which links of a built site and of a Markdown page lead nowhere. Nothing is asked of the network."""

import re
from collections import Counter
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt

# What a page loads by itself, against what a person may click.
LOADING = {"img": "src", "script": "src", "iframe": "src", "source": "src", "link": "href"}


class Found(NamedTuple):
    """What a page has: its anchors, its links, and which of those a browser loads unasked."""

    anchors: set[str]
    links: list[str]
    loaded: list[str]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found = Found(set(), [], [])

    def handle_starttag(self, tag, attrs):
        values = {key: value or "" for key, value in attrs}
        self.found.anchors.update(values[key] for key in ("id", "name") if values.get(key))
        if tag in LOADING and (link := values.get(LOADING[tag])):
            self.found.links.append(link)
            if tag != "link" or values.get("rel") not in ("index", "search", "next", "prev", "canonical"):
                self.found.loaded.append(link)
        elif tag in ("a", "area") and "href" in values:
            self.found.links.append(values["href"])


@cache
def html(page: Path) -> Found:
    """What is in a page of the site."""
    reader = _Reader()
    reader.feed(page.read_text(encoding="utf-8"))
    return reader.found


@cache
def markdown(page: Path) -> Found:
    """What is in a page of Markdown, with the anchors that GitHub gives to its headings."""
    found, headings = Found(set(), [], []), Counter()
    parser = MarkdownIt("commonmark").enable("table")
    parser.validateLink = lambda link: True  # it would pass over those that it holds for dangerous
    tokens = parser.parse(page.read_text(encoding="utf-8"))
    for token, inline in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "heading_open":
            text = "".join(child.content for child in inline.children if child.type in ("text", "code_inline"))
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            found.anchors.add(slug + (f"-{headings[slug]}" if headings[slug] else ""))
            headings[slug] += 1
        for child in token.children or ():
            if link := child.attrs.get("href") or child.attrs.get("src"):
                found.links.append(link)
    return found


def broken(page: Path, read, root: Path) -> list[str]:
    """The links of a page that lead nowhere, each with why; addresses elsewhere only have to look like some."""
    wrong = ((link, _wrong(page, link, read)) for link in read(page).links)
    return [f"{page.relative_to(root)}: {link}: {why}" for link, why in wrong if why]


def _wrong(page: Path, link: str, read) -> str:
    address = urlsplit(link)
    if address.scheme:
        well = address.scheme in ("http", "https") and re.fullmatch(r"[\w.-]+\.\w+(:\d+)?", address.netloc)
        return "" if well or address.scheme == "mailto" else "this is no address"
    if address.netloc or address.path.startswith("/"):
        return "this leads out of the folder"
    target = (page.parent / unquote(address.path)).resolve() if address.path else page
    if not target.exists():
        return "there is no such file"
    anchor = unquote(address.fragment)
    if anchor and target.suffix in (".html", ".md") and anchor not in read(target).anchors:
        return "there is no such anchor"
    return ""
