"""trayd as people install it: built once, then put into an empty home by pip, pipx or uv, from files alone.

pipx is the system's package, which is what people on Debian have; Debian has no uv, so that comes with the extra dev.
The index is asked once, by this Python's own pip: afterwards nothing can be installed that trayd does not ask for.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.harness.need import find, need

ROOT = Path(__file__).parents[2]
SYSTEM = "/usr/local/bin:/usr/bin:/bin"
# The Python that venvs are made from, as a person has it.
PYTHON = str(getattr(sys, "_base_executable", sys.executable))
# Besides trayd's own: what builds it from the sdist, and what an old pipx asks for in the folder that it shares.
BUILDERS = ("hatchling", "pip", "setuptools", "wheel")


class Built(NamedTuple):
    """What is given to people, and the wheel that comes straight from the tree."""

    wheel: Path
    sdist: Path
    from_tree: Path


def build(folder: Path) -> Built:
    """Build the sdist, the wheel from that, and a wheel from the tree."""
    for arguments in (["--outdir", folder / "dist"], ["--wheel", "--outdir", folder / "tree"]):
        _run(sys.executable, "-m", "build", "--no-isolation", *map(str, arguments), str(ROOT))
    (wheel,), (sdist,) = (folder / "dist").glob("*.whl"), (folder / "dist").glob("*.tar.gz")
    (from_tree,) = (folder / "tree").iterdir()
    return Built(wheel=wheel, sdist=sdist, from_tree=from_tree)


def fetch(wheel: Path, folder: Path) -> Path:
    """Fetch the wheels of all that trayd needs into a folder; trayd's own is not in it."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--timeout", "30"]
    done = subprocess.run(
        [*pip, "--retries", "2", "--dest", str(folder), str(wheel), *BUILDERS], capture_output=True, text=True
    )
    last = done.stderr.strip().rpartition("\n")[2]
    need(done.returncode == 0, f"pip has to reach the package index (pip config list), it says: {last}")
    (folder / wheel.name).unlink()
    return folder


def content(archive: Path) -> dict[str, bytes]:
    """The files of a wheel or an sdist; the folder around those of an sdist is left out."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist()}
    found = {}
    with tarfile.open(archive) as sdist:
        for member in sdist:
            if file := sdist.extractfile(member):
                found[member.name.partition("/")[2]] = file.read()
    return found


class Home:
    """An empty home, and an environment that knows nothing but the system's programs and a folder of wheels."""

    def __init__(self, folder: Path, tool: "Tool", wheels: Path) -> None:
        self.path = folder / "home"
        self.tool = tool
        (folder / "run").mkdir(mode=0o700)
        self.path.mkdir()
        self._environ = {
            "HOME": str(self.path),
            "LANG": "C.UTF-8",
            "PATH": f"{self.path / tool.programs}:{SYSTEM}",
            "XDG_RUNTIME_DIR": f"{folder}/run",
            "TRAYD_DISCOVER": "contexts,machines",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(wheels),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_NO_INDEX": "1",
            "UV_OFFLINE": "1",
            "UV_FIND_LINKS": str(wheels),
            "UV_PYTHON_DOWNLOADS": "never",
        }
        self._environ |= {name: value for name, value in os.environ.items() if name == "TRAYD_TEST_SESSION"}

    def environ(self, **more: str) -> dict[str, str]:
        """What programs get that are started here."""
        return self._environ | more

    def install(self, package: Path) -> None:
        """Install a wheel or an sdist of trayd."""
        self.tool.install(self, package)

    def uninstall(self) -> None:
        """Uninstall trayd."""
        self.tool.uninstall(self)

    def find(self, program: str) -> str | None:
        """Where a program is that a person types here."""
        return shutil.which(program, path=self._environ["PATH"])

    def run(self, *command: str, code: int | None = 0, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a program to its end, which has to be that exit code."""
        program = self.find(command[0])  # not by the tests' own PATH: their venv's trayd stands there
        assert program, f"{command[0]} is not on PATH {self._environ['PATH']}"
        return _run(program, *command[1:], code=code, cwd=self.path, env=self.environ(**more))

    def files(self) -> set[str]:
        """Everything in it that is no folder."""
        found = (path for path in self.path.rglob("*") if path.is_symlink() or not path.is_dir())
        return {str(path.relative_to(self.path)) for path in found}


class Tool(NamedTuple):
    """A way to install: what a person types, where the programs are then, and the tool's own folders."""

    name: str
    programs: str
    install: Callable[[Home, Path], None]
    uninstall: Callable[[Home], None]
    own: tuple[str, ...]


def _run(
    *command: str, code: int | None = 0, cwd: Path | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=300
    )
    said = f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert code in (None, done.returncode), said
    return done


def _pip(home: Home, *words: str) -> None:
    _run(sys.executable, "-m", "pip", "--python", str(home.path / "venv/bin/python"), *words, env=home.environ())


def _by_pip(home: Home, package: Path) -> None:
    _run(PYTHON, "-m", "venv", "--without-pip", str(home.path / "venv"), env=home.environ())
    _pip(home, "install", "--quiet", str(package))


def _by_pipx(home: Home, package: Path) -> None:
    need("pipx", "sudo apt-get install pipx")
    _run(str(find("pipx")), "install", "--python", PYTHON, str(package), env=home.environ())


def _without_pipx(home: Home) -> None:
    _run(str(find("pipx")), "uninstall", "trayd", env=home.environ())


def _uv(home: Home, *words: str) -> None:
    from uv import find_uv_bin

    _run(find_uv_bin(), "tool", *words, env=home.environ())


TOOLS = (
    Tool(
        name="pip",
        programs="venv/bin",
        install=_by_pip,
        uninstall=lambda home: _pip(home, "uninstall", "--quiet", "--yes", "trayd"),
        own=("venv/", ".cache/pip/"),
    ),
    Tool(
        name="pipx",
        programs=".local/bin",
        install=_by_pipx,
        uninstall=_without_pipx,
        own=(".local/pipx/", ".local/share/pipx/", ".local/state/pipx/", ".cache/pipx/", ".cache/pip/"),
    ),
    Tool(
        name="uv",
        programs=".local/bin",
        install=lambda home, package: _uv(home, "install", "--python", PYTHON, str(package)),
        uninstall=lambda home: _uv(home, "uninstall", "trayd"),
        own=(".local/share/uv/", ".cache/uv/"),
    ),
)
