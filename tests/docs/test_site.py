"""The site is built whole, without a warning, and no link in it or in the Markdown leads nowhere."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.harness.need import need

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("README*.md"), ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built as scripts/docs does it."""
    need(bool(find_spec("sphinx") and find_spec("myst_parser") and find_spec("furo")), "pip install -e '.[docs]'")
    folder = tmp_path_factory.mktemp("docs")
    command = ["-q", "-W", "--keep-going", "-n", "-b", "html", "-c", "docs", "-d"]
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", *command, folder / "doctrees", ".", folder / "site"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=150,
        check=False,
    )
    assert built.returncode == 0, built.stdout
    return folder / "site"


@pytest.fixture
def links():
    need(bool(find_spec("markdown_it")), "pip install -e '.[docs]'")
    from tests.docs import links

    return links


def test_every_page_is_in_the_site(site):
    """Each Markdown page of docs/, each README and the changelog has a page; the folder's own address leads to the
    contents."""
    wanted = {page.relative_to(ROOT).with_suffix(".html").as_posix() for page in PAGES}
    assert wanted <= {page.relative_to(site).as_posix() for page in site.rglob("*.html")}
    assert "url=docs/index.html" in (site / "index.html").read_text(encoding="utf-8")


def test_no_link_in_the_site_leads_nowhere(site, links):
    """Every link, picture, style and anchor of every built page is there."""
    pages = [page for page in site.rglob("*.html") if "_static" not in page.parts]
    assert [line for page in pages for line in links.broken(page, links.html, site)] == []
    assert sum(len(links.html(page).links) for page in pages) > 500


def test_the_site_loads_nothing_from_elsewhere(site, links):
    """Who reads the site is known to nobody else: script, style, picture and font are all in it."""
    for page in site.rglob("*.html"):
        assert [link for link in links.html(page).loaded if "//" in link] == []
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert re.findall(r"""(?:url\(|@import )\s*["']?(?:https?:)?//""", text) == [], style


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_link_in_the_markdown_leads_nowhere(page, links):
    """Read on GitHub, every link of a page leads to a file of the repository, and to a heading that is in it."""
    assert links.broken(page, links.markdown, ROOT) == []


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("other.{}", ""),
        ("other.{}#a-heading", ""),
        ("#here", ""),
        ("https://example.org/x", ""),
        ("missing.{}", "there is no such file"),
        ("other.{}#another", "there is no such anchor"),
        ("#nowhere", "there is no such anchor"),
        ("https:/example.org", "this is no address"),
        ("file:///etc/passwd", "this is no address"),
        ("/other.{}", "this leads out of the folder"),
    ],
)
@pytest.mark.parametrize("kind", ["html", "markdown"])
def test_a_broken_link_is_found(tmp_path, links, kind, link, why):
    """What leads nowhere is told, and what leads somewhere is not, in both kinds of page."""
    end = {"html": "html", "markdown": "md"}[kind]
    link = link.format(end)
    page, other = tmp_path / f"page.{end}", tmp_path / f"other.{end}"
    if kind == "html":
        page.write_text(f'<h1 id="here">x</h1><a href="{link}">x</a>')
        other.write_text('<h1 id="a-heading">x</h1>')
    else:
        page.write_text(f"# Here\n\n[x]({link})\n")
        other.write_text("# A `heading`\n")
    wanted = [f"page.{end}: {link}: {why}"] if why else []
    assert links.broken(page, getattr(links, kind), tmp_path) == wanted
