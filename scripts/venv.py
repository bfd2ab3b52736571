"""Makes .venv in the clone and keeps it right: `python3 scripts/venv.py [--extra dev]`; scripts/start calls it.

It needs nothing but a Python: on Debian and Ubuntu python3-venv, pip and root rights may all be missing. It is told
apart from other programs' work by a stamp that is written last, so that whatever was interrupted is done again.

The first lines also run on old Pythons, whose users shall read a sentence and not a SyntaxError: keep this file
within the syntax of Python 3.7.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MINIMUM = (3, 11)
NEWER = ("python3.15", "python3.14", "python3.13", "python3.12", "python3.11")
PIP_TARGETS_OTHERS = (22, 3)  # the first pip with --python
WHEELS = Path("/usr/share/python-wheels")  # where Debian and Ubuntu keep the wheels that ensurepip would use
PIP_PACKAGE = "python3-pip-whl"


class SetupError(Exception):
    """What went wrong and what to do next, for a person."""


def say(text: str) -> None:
    """Tell a step that takes a while."""
    print(f"trayd: {text}", file=sys.stderr, flush=True)


# --- decisions: values in, values out -------------------------------------------------------------------------------


def new_enough(version: tuple[int, ...]) -> bool:
    """Whether a Python of this version can run trayd."""
    return tuple(version[:2]) >= MINIMUM


def version_of(text: str) -> tuple[int, ...]:
    """The numbers at the start of a version: "pip 23.0.1 from …" is (23, 0, 1)."""
    for word in text.split():
        numbers = word.split(".")
        if numbers[0].isdigit():
            return tuple(int(number) for number in numbers if number.isdigit())
    return ()


def ways(ensurepip: bool, pip: tuple[int, ...], uv: bool, wheel: bool, apt: bool) -> list[str]:
    """The ways to get pip into the venv that this machine has, the plainest first."""
    have = {"ensurepip": ensurepip, "pip": pip >= PIP_TARGETS_OTHERS, "uv": uv, "wheel": wheel, "apt": apt}
    return [way for way, possible in have.items() if possible]


def line_of(version: str) -> str:
    """The release line of a Python, as 3.11: packages live in a folder of this name, and survive a new 3.11.x."""
    return ".".join(str(number) for number in version_of(version)[:2])


def stamp_for(pyproject: bytes, root: str, python: str, extras: set[str]) -> dict[str, object]:
    """What the venv was made from; the root is in it because a venv that was moved starts nothing."""
    return {
        "pyproject": hashlib.sha256(pyproject).hexdigest(),
        "root": root,
        "python": python,
        "extras": sorted(extras),
    }


def extras_of(stamp: dict[str, object]) -> set[str]:
    """The extras that were asked for when the stamp was written."""
    extras = stamp.get("extras")
    return {str(extra) for extra in extras} if isinstance(extras, list) else set()


def last_words(output: str) -> str:
    """The line of pip's output that says most about a failure."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    # pip's "ERROR: no matching distribution …" says more than the "error: subprocess-exited-with-error" around it.
    causes = [line for line in lines if line.startswith(("ERROR:", "E:"))]
    errors = [line for line in lines if line.startswith("error:")]
    return (causes or errors or lines or ["it said nothing"])[-1]


# --- the machine ----------------------------------------------------------------------------------------------------


def run(*command: object, cwd: Path | None = None) -> str:
    """Run a program quietly and return what it says; a failure is a SetupError with its last words."""
    words = [str(word) for word in command]
    # PIP_USER=0: in a venv pip refuses the setting `user = true`. The rest of the user's pip configuration stays.
    env = dict(os.environ, PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1", LC_ALL="C.UTF-8")
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    except OSError as error:
        raise SetupError(f"{words[0]} does not start: {error.strerror}", str(error)) from None
    if done.returncode:
        raise SetupError(f"{Path(words[0]).name} failed: {last_words(done.stdout)}", done.stdout)
    return done.stdout


def answer(*command: object) -> str:
    """What a program says, or nothing if it fails or is not there."""
    with contextlib.suppress(SetupError):
        return run(*command)
    return ""


def base_python() -> str:
    """The Python that venvs are made from, also if a venv's own Python runs this file."""
    return getattr(sys, "_base_executable", None) or sys.executable


def scripts_folder(venv: Path, platform: str = os.name) -> Path:
    """Where a venv keeps its programs."""
    return venv / ("Scripts" if platform == "nt" else "bin")


def discard(folder: Path) -> None:
    """Remove a folder, or the link in its place."""
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


class Venv:
    """The clone's venv."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.old = root / ".venv.old"
        self.python = scripts_folder(self.folder) / ("python.exe" if os.name == "nt" else "python")
        self.stamp = self.folder / "trayd-stamp.json"
        self.log = self.folder / "setup.log"

    def version(self) -> str:
        """The release line of the venv's Python; nothing if it does not start or is too old."""
        code = "import sys; print(sys.version if sys.prefix != sys.base_prefix else '')"
        version = answer(self.python, "-I", "-c", code).strip()
        # A Python that was replaced by the next one (3.11 by 3.12) starts, and finds none of its packages.
        packages = self.folder / "lib" / f"python{line_of(version)}"
        return line_of(version) if new_enough(version_of(version)) and (os.name == "nt" or packages.is_dir()) else ""

    def read_stamp(self) -> dict[str, object]:
        """The stamp, empty if there is none that can be read."""
        with contextlib.suppress(OSError, ValueError):
            stamp = json.loads(self.stamp.read_text(encoding="utf-8"))
            return stamp if isinstance(stamp, dict) else {}
        return {}

    def wanted(self, extras: set[str]) -> dict[str, object]:
        """The stamp as it should be."""
        pyproject = (self.root / "pyproject.toml").read_bytes()
        return stamp_for(pyproject, str(self.root), self.version(), extras)

    def right(self, extras: set[str]) -> bool:
        """Whether there is nothing to do."""
        stamp = self.read_stamp()
        program = scripts_folder(self.folder) / ("trayd.exe" if os.name == "nt" else "trayd")
        if not stamp or not extras <= extras_of(stamp) or not program.exists():
            return False
        return stamp == self.wanted(extras_of(stamp))

    def ensure(self, extras: set[str]) -> None:
        """Make it, repair it, or do nothing, whichever is needed."""
        if self.right(extras):
            return
        stamp = self.read_stamp()
        extras = extras | extras_of(stamp)
        # A venv that was made by hand has no stamp: it is completed, not thrown away.
        moved = bool(stamp) and stamp.get("root") != str(self.root)
        works = bool(self.version()) and not moved and self.has_pip()
        if works:
            with contextlib.suppress(FileNotFoundError):
                self.stamp.unlink()
            try:
                self.install(extras)
            except SetupError as error:
                say(error.args[0])
                works = False
        if not works:
            with self.set_aside():
                self.create()
                self.install(extras)
        temporary = self.stamp.with_suffix(".tmp")
        temporary.write_text(json.dumps(self.wanted(extras), indent=2) + "\n", encoding="utf-8")
        os.replace(temporary, self.stamp)
        discard(self.old)

    @contextlib.contextmanager
    def set_aside(self) -> Iterator[None]:
        """Keep the .venv that is there until the new one is whole: without a network the old one is all there is."""
        old = self.old
        discard(old)
        if os.path.lexists(self.folder):
            say("making .venv anew (the old one comes back if that fails)")
            os.replace(self.folder, old)
        try:
            yield
        except BaseException:
            if old.exists():
                with contextlib.suppress(OSError):
                    os.replace(self.log, old / self.log.name)
                discard(self.folder)
                os.replace(old, self.folder)
            raise

    def has_pip(self) -> bool:
        """Whether the venv's own pip starts."""
        return bool(answer(self.python, "-I", "-m", "pip", "--version"))

    def install(self, extras: set[str]) -> None:
        """Install trayd in place, so that what `git pull` brings is there without another step."""
        target = str(self.root) + (f"[{','.join(sorted(extras))}]" if extras else "")
        say("installing trayd and what it needs into .venv (a minute or so)")
        try:
            run(self.python, "-I", "-m", "pip", "install", "--editable", target)
        except SetupError as error:
            self.log.write_text(error.args[1], encoding="utf-8")
            raise SetupError(
                f"pip could not install trayd: {last_words(error.args[1])}\n"
                f"  All that pip said is in {self.log}. Is the package index reached? pip uses your own pip "
                "configuration (pip config list). Run this again when it is."
            ) from None

    # --- the ways to a venv with pip in it

    def create(self) -> None:
        """Make an empty venv with pip, in the first way that works."""
        say(f"making .venv with Python {'.'.join(str(number) for number in sys.version_info[:3])}")
        python = base_python()
        uv = shutil.which("uv")
        possible = ways(
            ensurepip=bool(answer(python, "-I", "-c", "import venv, ensurepip; print('yes')")),
            pip=version_of(answer(python, "-P", "-m", "pip", "--version")),
            uv=uv is not None,
            wheel=bool(self.wheels(WHEELS)),
            apt=bool(shutil.which("apt-get") and shutil.which("dpkg-deb")),
        )
        failures = []
        for way in possible:
            try:
                getattr(self, f"by_{way}")(python)
                if self.has_pip():
                    return
                failures.append(f"{way}: no pip in the venv afterwards")
            except SetupError as error:
                failures.append(f"{way}: {error.args[0]}")
        tried = "".join(f"\n  tried {failure}" for failure in failures)
        raise SetupError(
            f"{python} can make no venv here: it lacks the modules venv or ensurepip, and no other way to pip worked."
            f"{tried}\n  Next: sudo apt install python3-venv   (then run this again)"
        )

    def bare(self, python: str) -> None:
        """Make a venv without pip."""
        run(python, "-I", "-m", "venv", "--clear", "--without-pip", self.folder)

    def by_ensurepip(self, python: str) -> None:
        """Python's own way."""
        run(python, "-I", "-m", "venv", "--clear", self.folder)

    def by_pip(self, python: str) -> None:
        """A pip outside that installs into the venv; a system Python that is "externally managed" stays untouched."""
        self.bare(python)
        run(python, "-P", "-m", "pip", "--python", self.python, "install", "pip")

    def by_uv(self, python: str) -> None:
        """The program uv; it brings pip, and pip does the rest, with the user's own pip configuration."""
        discard(self.folder)
        run("uv", "venv", "--python", python, self.folder)
        run("uv", "pip", "install", "--python", self.python, "pip")

    def by_wheel(self, python: str) -> None:
        """Debian's wheel of pip."""
        self.bare(python)
        self.unpack_pip(WHEELS)

    def by_apt(self, python: str) -> None:
        """Debian's wheel of pip, fetched by apt into a folder that is thrown away; this needs no root."""
        self.bare(python)
        say(f"fetching pip from the package {PIP_PACKAGE} (nothing is installed on the system)")
        with tempfile.TemporaryDirectory(prefix="trayd-") as name:
            folder = Path(name)
            self.download(folder)
            for package in folder.glob("*.deb"):
                run("dpkg-deb", "-x", package, folder / "files")
            self.unpack_pip(folder / "files" / WHEELS.relative_to("/"))

    def download(self, folder: Path) -> None:
        """Fetch the package with the system's lists, and with lists of our own where those are missing or old."""
        private = ["-o", f"Dir::State::Lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache"]
        common = ["-q", "-o", "Acquire::Languages=none", "-o", "Acquire::Retries=2"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            common += ["-o", "APT::Sandbox::User=root"]  # the user _apt may not write into our folder
        try:
            run("apt-get", *common, "download", PIP_PACKAGE, cwd=folder)
        except SetupError:
            (folder / "lists" / "partial").mkdir(parents=True)
            (folder / "cache" / "archives" / "partial").mkdir(parents=True)
            run("apt-get", *common, *private, "update", cwd=folder)
            run("apt-get", *common, *private, "download", PIP_PACKAGE, cwd=folder)

    @staticmethod
    def wheels(folder: Path) -> list[Path]:
        """The wheels of pip in a folder."""
        return sorted(folder.glob("pip-*.whl"))

    def unpack_pip(self, folder: Path) -> None:
        """Let the pip in a wheel install that wheel: a wheel is a zip that Python can run."""
        wheels = self.wheels(folder)
        if not wheels:
            raise SetupError(f"no wheel of pip in {folder}", "")
        run(self.python, "-I", wheels[-1] / "pip", "install", "--no-index", "--no-deps", wheels[-1])


@contextlib.contextmanager
def alone(root: Path) -> Iterator[None]:
    """Only one set-up at a time, however many terminals start trayd."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with open(root / "pyproject.toml", "rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up of this clone")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def become_newer(arguments: list[str]) -> None:
    """Go on in a newer Python if this one is too old and the machine has one."""
    minimum = ".".join(map(str, MINIMUM))
    for path in [*map(shutil.which, NEWER), answer("uv", "python", "find", f">={minimum}").strip()]:
        if path and answer(path, "-c", "print('yes')"):
            os.execv(path, [path, str(Path(__file__).resolve()), *arguments])
    raise SetupError(
        f"Python {minimum} or newer is needed, and {sys.executable} is "
        f"{'.'.join(map(str, sys.version_info[:3]))}.\n"
        "  Next: install a newer Python (sudo apt install python3.11 where the system has it, or uv python install "
        "3.12) and run this again. It is found by its name, python3.11 or the like."
    )


def main(arguments: list[str]) -> int:
    """Set up, or say in a sentence why not."""
    parser = argparse.ArgumentParser(description="make .venv in the clone, or repair it")
    parser.add_argument("--extra", action="append", default=[], help="an optional group of pyproject.toml, as dev")
    wanted = parser.parse_args(arguments)
    try:
        if not new_enough(sys.version_info[:2]):
            become_newer(arguments)
        venv = Venv(ROOT)
        if not venv.right(set(wanted.extra)):
            with alone(ROOT):
                venv.ensure(set(wanted.extra))
    except SetupError as error:
        say(str(error.args[0]))
        return 1
    except OSError as error:
        say(f"cannot set up {ROOT / '.venv'}: {error.strerror or error} ({error.filename or ''})")
        return 1
    except KeyboardInterrupt:
        say("interrupted; the next start goes on")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
