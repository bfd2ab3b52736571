"""What a person gets who installs trayd: what is in the packages, the first minutes, and what is left in the end."""

import gettext
import json
import re
import shutil
import socket
import stat
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import trayd as our_trayd
from tests.harness.desktop import PrivateBus, end
from tests.harness.host import Host
from tests.harness.install import ROOT, TOOLS, Built, Home, build, content, fetch
from tests.harness.poll import wait_until
from trayd import __version__
from trayd.desktop.autostart_xdg import parse_desktop_entry, parse_desktop_entry_exec

pytestmark = pytest.mark.timeout(400)  # pipx makes two virtual environments, which takes its time on a busy machine
PACKAGE = ROOT / "trayd"
INFO = f"trayd-{__version__}.dist-info"
LANGUAGES = sorted(path.parent.parent.name for path in PACKAGE.glob("locale/*/LC_MESSAGES/trayd.po"))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="session")
def wheels(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("wheels")
    yield fetch(built.wheel, folder)
    shutil.rmtree(folder)  # 25 MB


@pytest.fixture(scope="module", params=TOOLS, ids=lambda tool: tool.name)
def home(request: pytest.FixtureRequest, wheels: Path) -> Iterator[Home]:
    """An empty home for each tool; pytest's own folder has a name that is too long for a socket in it."""
    folder = Path(tempfile.mkdtemp(prefix="tri", dir="/tmp"))
    yield Home(folder, request.param, wheels)
    shutil.rmtree(folder)


def source() -> dict[str, bytes]:
    """What is in the package folder of the tree, without what Python and the translators alone need."""
    files = [path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in (".pyc", ".po")]
    return {str(path.relative_to(ROOT)): path.read_bytes() for path in files}


# --- what is in the packages


def test_the_wheel_is_the_program_with_samples_and_icon_and_nothing_else(built: Built) -> None:
    """Every file of the package as it stands in the tree, schema and translations too, the samples, the icon."""
    expected = source() | {"trayd/trayd.png": (ROOT / "icons" / "trayd.png").read_bytes()}
    expected |= {f"trayd/samples/{path.name}": path.read_bytes() for path in (ROOT / "config").iterdir()}
    assert {"trayd/config/profile.schema.json", "trayd/samples/remote-tls.yaml"} <= set(expected)
    found = content(built.wheel)
    about = {name for name in found if name.startswith(f"{INFO}/")}
    assert {name: data for name, data in found.items() if name not in about} == expected
    assert {name.removeprefix(f"{INFO}/") for name in about} == {
        "METADATA",
        "WHEEL",
        "RECORD",
        "entry_points.txt",
        "licenses/LICENSE",
    }


def test_every_language_is_in_the_wheel(built: Built) -> None:
    """A translation is a .mo file, made before: an installation compiles none."""
    found = content(built.wheel)
    for language in LANGUAGES:
        assert found[f"trayd/locale/{language}/LC_MESSAGES/trayd.mo"][:4] in (b"\xde\x12\x04\x95", b"\x95\x04\x12\xde")


def test_the_sdist_is_the_source_of_the_program_alone(built: Built) -> None:
    """Program, samples, icons and what a person reads first; no tests, no benchmarks, nothing a build left behind."""
    found = content(built.sdist)
    assert {name.partition("/")[0] for name in found} == {
        *("trayd", "config", "icons"),
        *("README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "PKG-INFO", ".gitignore"),
    }
    assert source().items() <= found.items()
    assert not [name for name in found if re.search(r"__pycache__|\.pyc$|\.venv|\.egg-info", name)]


def test_the_sdist_makes_the_same_wheel(built: Built) -> None:
    """Whoever builds trayd from the sdist, as distributions do, gets what we built from the tree, byte for byte."""
    assert content(built.wheel) == content(built.from_tree)
    assert built.wheel.name == built.from_tree.name == f"trayd-{__version__}-py3-none-any.whl"


def test_the_metadata_is_the_projects(built: Built) -> None:
    """Version, license, Python, programs and extras are said to installers as the project means them."""
    found = content(built.wheel)
    metadata = found[f"{INFO}/METADATA"].decode()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    head = metadata.partition("\n\n")[0].splitlines()
    assert {f"Version: {__version__}", "License-Expression: MIT", "Requires-Python: >=3.11"} <= set(head)
    assert len([line for line in head if "extra ==" not in line and line.startswith("Requires-Dist: ")]) == len(
        project["dependencies"]
    )
    programs = found[f"{INFO}/entry_points.txt"].decode()
    assert re.search(r"\[console_scripts\]\ntrayd = trayd.cli:main\n", programs)
    assert re.search(r"\[gui_scripts\]\ntraydw = trayd.cli:main\n", programs)


# --- in an empty home


def test_from_the_sdist_the_same_is_installed(built: Built, home: Home) -> None:
    """pip, pipx and uv make of the sdist what is in the wheel, and the program starts."""
    installed = put(built.sdist, home)
    found = {str(path.relative_to(installed.parent)): path for path in installed.rglob("*") if path.is_file()}
    found = {name: path for name, path in found.items() if path.suffix != ".pyc"}
    assert {name: path.read_bytes() for name, path in found.items()} == {
        name: data for name, data in content(built.wheel).items() if name.startswith("trayd/")
    }
    assert home.run("trayd", "--version").stdout == f"trayd {__version__}\n"


def test_from_the_first_minutes_to_the_end(built: Built, home: Home) -> None:
    """With the wheel everything works that a newcomer types; uninstalled, profiles, choice and log are left."""
    installed = put(built.wheel, home)
    assert home.run("trayd", "--version").stdout == f"trayd {__version__}\n"
    assert home.run("trayd", "config", "schema").stdout == (PACKAGE / "config/profile.schema.json").read_text()
    assert "bash" in home.run("trayd", "completion", "bash").stdout

    profile = a_profile_from_a_sample(home)
    told = json.loads(home.run("trayd", "profiles", "--json").stdout)
    assert told["active"] == "office" and told["profiles"][0]["path"] == str(profile)
    told = home.run("trayd", "status", code=1)
    assert "✖ stopped" in told.stdout and "refuses connections" in told.stdout
    menu = ("trayd", "menu", "--plain")
    wait_until(lambda: "office ✖ stopped" in home.run(*menu).stdout, 60, "a menu that did not come before the answer")
    for language in LANGUAGES:
        spoken = gettext.translation("trayd", PACKAGE / "locale", [language]).gettext("Settings")
        assert spoken in home.run(*menu, TRAYD_LANG=language).stdout
    told = json.loads(home.run("trayd", "doctor", "--json", code=1).stdout)  # 1: there is no desktop
    assert told["version"] == __version__
    assert {finding["name"]: finding["text"] for finding in told["findings"]}["profiles"].startswith("1 file in ")
    the_icon_is_drawn(home)

    entry = Path(home.run("trayd", "autostart", "enable").stdout.strip())
    assert home.run("trayd", "autostart", "status").stdout == "enabled\n"
    program, *arguments = parse_desktop_entry_exec(entry.read_text())
    assert Path(program).is_absolute() and installed.is_relative_to(Path(program).parents[1])
    assert arguments == ["run"]
    assert home.run(program, "--version").stdout == f"trayd {__version__}\n"
    icon = Path(parse_desktop_entry(entry.read_text())["Icon"])
    assert icon.read_bytes() == (ROOT / "icons/trayd.png").read_bytes()

    home.uninstall()
    assert not installed.exists()
    assert not home.find("trayd") and not home.find("traydw")
    # A trayd of another place, as the person may have one, sees what the uninstalled one could not take with it.
    elsewhere = {"HOME": str(home.path), "XDG_CONFIG_HOME": None}
    told = our_trayd("autostart", "status", **elsewhere)
    assert (told.returncode, told.stdout) == (1, "enabled\n")
    assert f"it starts {program}, which is not there any more" in told.stderr
    assert our_trayd("autostart", "disable", **elsewhere).returncode == 0
    made = {".config/trayd/office.yaml", ".config/trayd/profile.schema.json", "engine.sock"}
    assert left(home) == made | {".local/state/trayd/state.json", ".local/state/trayd/trayd.log"}


def put(package: Path, home: Home) -> Path:
    """Install, and return the folder that the package is in."""
    if list(home.path.rglob("site-packages/trayd")):
        home.uninstall()  # the test before this one installed it
    home.install(package)
    (found,) = home.path.rglob("site-packages/trayd")
    return found


def a_profile_from_a_sample(home: Home) -> Path:
    """What README says: a sample and the schema go into the profiles folder; the address is one's own."""
    folder = Path(home.run("trayd", "config", "path").stdout.strip())
    assert folder == home.path / ".config" / "trayd"
    folder.mkdir(parents=True)
    (folder / "profile.schema.json").write_text(home.run("trayd", "config", "schema").stdout)
    assert "ubuntu " in home.run("trayd", "config", "sample").stdout
    sample = home.run("trayd", "config", "sample", "ubuntu").stdout
    assert "unix:///var/run/docker.sock" in sample
    path = home.path / "engine.sock"
    with socket.socket(socket.AF_UNIX) as stopped:
        stopped.bind(str(path))
    profile = folder / "office.yaml"
    profile.write_text(sample.replace("/var/run/docker.sock", str(path)))
    assert home.run("trayd", "config", "check").stderr.startswith("1 profile in ")
    return profile


def the_icon_is_drawn(home: Home) -> None:
    """The installed program puts its icon, with pixels and menu, into a panel."""
    program = home.find("trayd")
    with PrivateBus() as bus, Host(bus.address) as host:
        running = subprocess.Popen([program, "run"], env=home.environ(DBUS_SESSION_BUS_ADDRESS=bus.address))
        try:
            wait_until(lambda: host.items, 60, "the icon of the installed trayd")
            sizes = {width: data for width, _, data in host.get("IconPixmap")}
            assert set(sizes) >= {16, 22, 24} and all(any(data) for data in sizes.values())
            assert any("office" in line for line in host.labels())
        finally:
            end(running)
        assert running.returncode == 0


def left(home: Home) -> set[str]:
    """What is in the home but the tool's own: its caches and logs, and there nothing that is a trayd to start."""
    files = home.files()
    own = {name for name in files if name.startswith(home.tool.own)}
    for name in own:
        path = home.path / name
        runs = path.is_symlink() or stat.S_IMODE(path.stat().st_mode) & 0o111
        assert not (path.name in ("trayd", "traydw") and runs), name
    return files - own
