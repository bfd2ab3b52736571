"""The plan of the house, read from the source: who may import whom."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "trayd"
ROOMS = ("core", "config", "engine", "tray", "desktop")
# Whatever stands above the rooms may import every room; a room imports itself, core and what has no room below it.
SHARED = {"trayd", "trayd.files"}
OWNERS: dict[str, str | tuple[str, ...]] = {
    "docker": "engine",
    "requests": "engine",
    "urllib3": "engine",
    "yaml": "config",
    "watchdog": "config",
    "pystray": "tray",
    "PIL": "tray",
    "jeepney": "tray",
    "Xlib": ("desktop", "tray"),  # the clipboard's owner; the icon for trays of the old kind and its menu
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
    """docker, pystray, Pillow, YAML, D-Bus and the others are each imported in one room only, X in two."""
    room = path.relative_to(PACKAGE).parts[0]
    for name in imports(path):
        owner = OWNERS.get(name.split(".")[0], room)
        assert room in (owner if isinstance(owner, tuple) else (owner,)), (
            f"{path} imports {name}, which belongs to {owner}"
        )


# Modules of the tray that load python-xlib, and those that may import them: a start without X must not pay for it.
X_MODULES = {"trayd.tray.x11", "trayd.tray.xembed"} | {
    f"trayd.tray.xembed_{part}" for part in ("dock", "keys", "look", "menu", "popup")
}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_x_is_loaded_by_its_own_modules_only(path):
    """Outside the XEMBED icon's own modules, nothing in the tray imports X at the top of a file."""
    name = "trayd." + ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    if path.parent.name != "tray" or name in X_MODULES:
        return
    top = [
        node
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom | ast.Import)
    ]
    named = {alias.name for node in top for alias in node.names} | {getattr(node, "module", "") for node in top}
    assert not {each for each in named if each and (each in X_MODULES or each.split(".")[0] == "Xlib")}


@pytest.mark.parametrize("path", sorted((PACKAGE / "core").glob("*.py")), ids=lambda path: path.name)
def test_the_core_is_pure(path):
    """The core has no I/O, clock, thread or environment."""
    assert not IMPURE & {name.split(".")[0] for name in imports(path)}
