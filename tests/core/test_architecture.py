"""The plan of the house, read from the source: who may import whom."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "trayd"
ROOMS = ("core", "config", "engine", "tray", "desktop")
# Whatever stands above the rooms may import every room; a room imports itself, core and what has no room below it.
SHARED = {"trayd", "trayd.files"}
OWNERS = {
    "docker": "engine",
    "requests": "engine",
    "urllib3": "engine",
    "yaml": "config",
    "watchdog": "config",
    "pystray": "tray",
    "PIL": "tray",
    "jeepney": "tray",
    "Xlib": "desktop",
    "pyperclip": "desktop",
}
IMPURE = {
    "os",
    "sys",
    "time",
    "threading",
    "subprocess",
    "socket",
    "random",
    "pathlib",
    "io",
    "tempfile",
    "logging",
    "shutil",
    "queue",
    "ssl",
    "signal",
    "locale",
    "platform",
}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            if node.module in ("trayd", *(f"trayd.{room}" for room in ROOMS)):
                for alias in node.names:
                    yield f"{node.module}.{alias.name}"


def modules():
    return sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    """cli → app → {config, engine, tray, desktop} → core: a room beside another is never imported."""
    room = path.relative_to(PACKAGE).parts[0]
    for name in imports(path):
        if not name.startswith("trayd.") or room not in ROOMS:
            continue
        other = name.split(".")[1]
        allowed = {room, "core"} if room != "core" else {"core"}
        assert other in allowed or name in SHARED or name == "trayd.__version__", f"{path} imports {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_each_library_has_one_room(path):
    """docker, pystray, Pillow, YAML, D-Bus and the others are each imported in one room only."""
    room = path.relative_to(PACKAGE).parts[0]
    for name in imports(path):
        owner = OWNERS.get(name.split(".")[0])
        assert owner in (None, room), f"{path} imports {name}, which belongs to {owner}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "core").glob("*.py")), ids=lambda path: path.name)
def test_the_core_is_pure(path):
    """The core has no I/O, clock, thread or environment."""
    assert not IMPURE & {name.split(".")[0] for name in imports(path)}
