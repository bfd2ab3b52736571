"""The two Pythons: the one trayd runs in, and the reference's, which is Debian's with python3-gi.

Both arms of a comparison should run on the same interpreter build, so trayd gets a fresh venv of /usr/bin/python3
with exactly the packages of the venv that runs the bench, if both have the same version. That is what a person on
Debian has who installs trayd with pip.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

SYSTEM = "/usr/bin/python3"
ROOT = Path(__file__).resolve().parent.parent
SCRIPT = """#!{python}
# -*- coding: utf-8 -*-
import re
import sys
from trayd.cli import main
if __name__ == '__main__':
    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])
    sys.exit(main())
"""


@dataclass(frozen=True)
class Pythons:
    """How both are started; `reference` is None when there is no reference, and `why` says why."""

    python: str
    trayd: str
    reference: tuple[str, ...] | None
    reference_path: str
    why: str


def prepare(folder: Path, wished: str = "", tree: Path = ROOT) -> Pythons:
    """Make the venv of the trayd in `tree` and find the reference; everything made is below `folder`."""
    packages = sysconfig.get_paths()["purelib"]
    ours = _version(sys.executable)
    base = wished or (SYSTEM if _version(SYSTEM) == ours else sys.executable)
    venv = folder / "venv"
    subprocess.run([base, "-m", "venv", "--without-pip", venv], check=True)
    python = f"{venv}/bin/python"
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    (Path(site) / "bench.pth").write_text(f"{packages}\n{tree}\n")
    script = venv / "bin/trayd"
    script.write_text(SCRIPT.format(python=python))
    script.chmod(0o755)
    subprocess.run([script, "--version"], check=True, stdout=subprocess.DEVNULL)
    path, why = _reference_packages(folder, packages, ours)
    command = None if why else (SYSTEM, str(ROOT / "bench/reference_icon.py"))
    return Pythons(python, str(script), command, path, why)


def version(python: str) -> str:
    """The full version of a Python and what it is built from."""
    return _ask(python, "import sys; print(sys.version.replace(chr(10), ' '))")


def _reference_packages(folder: Path, packages: str, ours: str) -> tuple[str, str]:
    """The PYTHONPATH on which the reference finds pystray, and why there is none."""
    if not Path(SYSTEM).exists():
        return "", f"there is no {SYSTEM}"
    indicator = "import gi; gi.require_version('AyatanaAppIndicator3', '0.1'); print(1)"
    if _ask(SYSTEM, indicator) != "1":
        return "", "sudo apt-get install python3-gi gir1.2-ayatanaappindicator3-0.1 gir1.2-gtk-3.0"
    if _ask(SYSTEM, "import importlib.util as u; print(bool(u.find_spec('pystray')))") == "True":
        return "", ""
    target = folder / "reference"
    target.mkdir()
    if _version(SYSTEM) == ours:
        # The very packages that trayd runs with, and nothing else of its venv.
        for name in ("pystray", "PIL", "pillow.libs", "six.py"):
            (target / name).symlink_to(Path(packages, name))
        return str(target), ""
    command = [SYSTEM, "-m", "pip", "install", "--quiet", "--target", target, "pystray"]
    done = subprocess.run(command, capture_output=True, text=True)
    return str(target), "" if done.returncode == 0 else f"pystray cannot be had: {done.stderr.strip()[-200:]}"


def _version(python: str) -> str:
    return _ask(python, "import sys; print(*sys.version_info[:2], sys.implementation.name)")


def _ask(python: str, code: str) -> str:
    try:
        return subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""
