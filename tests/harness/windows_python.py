"""A real Windows Python for Wine, put together from what package indexes and this machine have.

PyPI has no Python for Windows, but panda3d's wheels carry the libraries of CPython (for programs that are packed with
it). With the standard library of the Python that runs the tests and two programs of three lines it is complete, and
pip installs into it as on Windows: by the Windows markers, with `.exe` launchers.
"""

import fcntl
import hashlib
import os
import select
import shutil
import subprocess
import sys
import sysconfig
import time
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.harness.need import need

PACKAGES = "sudo apt-get install --no-install-recommends wine wine64 gcc-mingw-w64-x86-64-win32 xvfb xdotool"
COMPILER = "x86_64-w64-mingw32-gcc"
CPYTHON = "panda3d==1.10.16"
ROOT = Path(__file__).parents[2]
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
CACHE = Path.home() / ".cache" / f"trayd-wine-{VERSION}"
PYTHON = r"C:\Program Files\Python\python.exe"
PROGRAM_FILES = "drive_c/Program Files/Python"  # a blank in the path, as on most people's machines
# What this Python is said to want on Windows; pip on Linux goes by Linux's markers.
ONLY_ON_WINDOWS = ("pywin32", "pip")
LEFT_OUT = {"test", "site-packages", "lib-dynload", "dist-packages", "idlelib", "tkinter", "lib2to3", "ensurepip"}
LEFT_OUT |= {"EXTERNALLY-MANAGED"}  # Debian's word to pip that the system's Python is apt's
PROGRAM = """#include <windows.h>
#include <shellapi.h>
__declspec(dllimport) int Py_Main(int, wchar_t **);
int start(void) { int n; wchar_t **words = CommandLineToArgvW(GetCommandLineW(), &n); ExitProcess(Py_Main(n, words)); }
"""


def _recipe() -> str:
    """What the cache is made from; another recipe makes another cache."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    digest.update("\n".join(_project()["dependencies"]).encode())
    return digest.hexdigest()


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def environment() -> dict[str, str]:
    """What every program of Wine gets: its prefix, no noise, nothing offered for download."""
    kept = {name: os.environ[name] for name in ("PATH", "TRAYD_TEST_SESSION") if name in os.environ}
    return kept | {
        "HOME": str(CACHE),
        "LANG": "C.UTF-8",
        "WINEPREFIX": str(CACHE / "prefix"),
        "WINEARCH": "win64",
        "WINEDEBUG": "-all",
        "WINEDLLOVERRIDES": "mscoree,mshtml,winemenubuilder.exe=",
        "TRAYD_DISCOVER": "contexts,machines",
    }


@contextmanager
def prepared() -> Iterator[Path]:
    """The prefix with the Python and this tree's wheel in it, for one test run at a time; its programs are ended."""
    for program in ("wine", "wineserver", COMPILER):
        need(program, PACKAGES)
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            made = CACHE / "made-by"
            if not made.exists() or made.read_text() != _recipe():
                made.unlink(missing_ok=True)
                _build()
                _install_wheel()
                made.write_text(_recipe())
            else:
                _install_wheel("--force-reinstall", "--no-deps")
            yield CACHE / "prefix"
        finally:
            end()


def end() -> None:
    """End what runs in the prefix, and wait until it has ended."""
    for option in ("-k", "-w"):
        subprocess.run(["wineserver", option], env=environment(), check=False, capture_output=True, timeout=60)


def run(*command: str, seconds: float = 60, **more: str) -> subprocess.CompletedProcess[bytes]:
    """Run a Windows program to its end, and return both its outputs as one.

    They go through a pipe: a file is no valid handle to Wine. What Wine starts in the background inherits the pipe, so
    its end is not waited for.
    """
    program = subprocess.Popen(
        ["wine", *command],
        env=environment() | more,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert program.stdout
    with program.stdout as pipe:
        said, end_of_patience = b"", time.monotonic() + seconds
        while True:
            ended = program.poll() is not None
            if select.select([pipe], [], [], 0 if ended else 0.05)[0] and (more_said := os.read(pipe.fileno(), 65536)):
                said += more_said
            elif ended:
                return subprocess.CompletedProcess(command, program.returncode, said, b"")
            elif time.monotonic() > end_of_patience:
                program.kill()
                program.wait()
                raise AssertionError(f"{command} did not end within {seconds:g} s; it said {said[-800:]!r}")


def python(*arguments: str, seconds: float = 60, **more: str) -> subprocess.CompletedProcess[bytes]:
    """Run the Windows Python."""
    return run(PYTHON, *arguments, seconds=seconds, **more)


def _build() -> None:
    for old in ("prefix", "wheels", "wheel"):
        shutil.rmtree(CACHE / old, ignore_errors=True)
    _download()
    subprocess.run(
        ["wine", "wineboot", "-i"],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=180,
        check=True,
    )
    # Every program on one desktop, of the name that gets a taskbar.
    for key, name, value in ((r"", "Desktop", "shell"), (r"\Desktops", "shell", "1024x768")):
        run("reg", "add", rf"HKCU\Software\Wine\Explorer{key}", "/v", name, "/d", value, "/f")
    home = CACHE / "prefix" / PROGRAM_FILES
    libraries, modules = home / "Lib", home / "DLLs"
    shutil.copytree(
        sysconfig.get_path("stdlib"),
        libraries,
        ignore=lambda _, names: [name for name in names if name in LEFT_OUT or name.startswith(("config-", "__pyc"))],
    )
    modules.mkdir()
    (wheel,) = (CACHE / "wheels").glob("panda3d-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            folder, _, name = member.rpartition("/")
            # Wine has its own api-ms-…; _wmi makes `platform` wait for ever in Wine 8.
            if folder == "deploy_libs" and not name.startswith(("api-ms", "tcl", "tk", "_tkinter", "_wmi")):
                (modules if name.endswith(".pyd") else home).joinpath(name).write_bytes(archive.read(member))
    source = CACHE / "python.c"
    source.write_text(PROGRAM)
    (library,) = home.glob("python3??.dll")
    for name, kind in (("python.exe", "-mconsole"), ("pythonw.exe", "-mwindows")):
        command = [COMPILER, "-Os", "-nostdlib", "-e", "start", kind, "-o", home / name, source, library]
        subprocess.run([*command, "-lkernel32", "-lshell32"], check=True, timeout=60)
    (packer,) = (CACHE / "wheels").glob("pip-*.whl")
    with zipfile.ZipFile(packer) as archive:
        archive.extractall(libraries / "site-packages")


def _download() -> None:
    wanted = [line.partition(";")[0] for line in _project()["dependencies"] if "== 'linux'" not in line]
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    binary = ["--only-binary", ":all:", "--platform", "win_amd64", "--python-version", VERSION]
    folder = str(CACHE / "wheels")
    source = [one for one in wanted if one.startswith("pyperclip")]  # has no wheel
    rest = [one for one in wanted if one not in source]
    done = subprocess.run(
        [*pip, "download", *binary, "-d", folder, *rest, *ONLY_ON_WINDOWS], capture_output=True, text=True
    )
    if done.returncode == 0:
        done = subprocess.run(
            [*pip, "download", *binary, "--no-deps", "-d", folder, CPYTHON], capture_output=True, text=True
        )
    if done.returncode == 0:
        done = subprocess.run([*pip, "wheel", "--no-deps", "-w", folder, *source], capture_output=True, text=True)
    need(done.returncode == 0, f"pip cannot get the Windows wheels:\n{done.stderr[-800:]}")


def _install_wheel(*how: str) -> None:
    """Build this tree's wheel and install it, as a person would."""
    shutil.rmtree(CACHE / "wheel", ignore_errors=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "-q", "wheel", "--no-deps", "-w", str(CACHE / "wheel"), str(ROOT)],
        check=True,
        capture_output=True,
        timeout=180,
    )
    (wheel,) = (CACHE / "wheel").iterdir()
    pip = ["-m", "pip", "--disable-pip-version-check", "install", "-q", "--no-index", "--no-warn-script-location"]
    done = python(*pip, "--find-links", str(CACHE / "wheels"), "--no-compile", *how, str(wheel), seconds=300)
    assert done.returncode == 0, done.stdout.decode(errors="replace")
