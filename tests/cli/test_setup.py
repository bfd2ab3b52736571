"""What scripts/venv.py decides: when there is something to do, in which way, and what a person is told."""

import ast
import importlib.util
import itertools
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"


@pytest.fixture(scope="module")
def setup():
    spec = importlib.util.spec_from_file_location("trayd_scripts_venv", SCRIPTS / "venv.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- pure decisions


@pytest.mark.parametrize(
    ("version", "good"), [((3, 11, 0), True), ((3, 15), True), ((4, 0), True), ((3, 10, 9), False), ((), False)]
)
def test_new_enough(setup, version, good):
    assert setup.new_enough(version) is good


def test_the_minimum_is_the_projects(setup):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={'.'.join(map(str, setup.MINIMUM))}"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("pip 23.0.1 from /usr/lib/python3/dist-packages/pip (python 3.11)", (23, 0, 1)),
        ("3.11.2 (main, Apr 28 2025, 14:11:48) [GCC 12.2.0]", (3, 11, 2)),
        ("3.14.0rc1 (main)", (3, 14)),
        ("/usr/bin/python3: No module named pip", ()),
        ("", ()),
    ],
)
def test_version_of(setup, text, version):
    assert setup.version_of(text) == version


def test_the_ways_in_order(setup):
    assert setup.ways(True, (23, 0, 1), True, True, True) == ["ensurepip", "pip", "uv", "wheel", "apt"]
    assert setup.ways(False, (), False, False, True) == ["apt"]
    assert setup.ways(False, (), False, False, False) == []


@pytest.mark.parametrize(("pip", "possible"), [((22, 2, 2), False), ((22, 3), True), ((22, 3, 1), True), ((25,), True)])
def test_an_old_pip_cannot_install_elsewhere(setup, pip, possible):
    assert ("pip" in setup.ways(False, pip, False, False, False)) is possible


def test_every_way_exists(setup):
    for way in setup.ways(True, (99,), True, True, True):
        assert callable(getattr(setup.Venv, f"by_{way}"))


def test_the_stamp_tells_everything_that_matters(setup):
    stamps = [
        setup.stamp_for(*arguments)
        for arguments in itertools.product((b"a", b"b"), ("/x", "/y"), ("3.11", "3.12"), (set(), {"dev"}))
    ]
    assert len({json.dumps(stamp) for stamp in stamps}) == 16
    assert setup.extras_of(stamps[1]) == {"dev"}
    assert setup.extras_of({"extras": None}) == setup.extras_of({}) == set()


def test_a_new_patch_release_of_python_changes_nothing(setup):
    assert setup.line_of("3.11.2 (main)") == setup.line_of("3.11.9 (main)") == "3.11"


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (
            "  error: subprocess-exited-with-error\n    ERROR: No matching distribution found for hatchling\n  [end]\n"
            "error: subprocess-exited-with-error\n",
            "ERROR: No matching distribution found for hatchling",
        ),
        ("Reading…\nE: Unable to locate package python3-pip-whl\n", "E: Unable to locate package python3-pip-whl"),
        ("one\ntwo\n\n", "two"),
        ("", "it said nothing"),
    ],
)
def test_last_words(setup, output, words):
    assert setup.last_words(output) == words


# --- a clone whose venv is only played


@pytest.fixture
def clone(setup, tmp_path, monkeypatch):
    """A venv that is right; `done` lists what was done to it."""
    root = tmp_path / "clone"
    bin_folder = root / ".venv" / "bin"
    bin_folder.mkdir(parents=True)
    (root / "pyproject.toml").write_text("[project]")
    (bin_folder / "trayd").touch()
    venv = setup.Venv(root)
    venv.done = []
    venv.reached = True

    def create():
        venv.done.append("create")
        bin_folder.mkdir(parents=True)

    def install(extras):
        venv.done.append(f"install {sorted(extras)}")
        if not venv.reached:
            raise setup.SetupError("no index", "")
        (bin_folder / "trayd").touch()

    monkeypatch.setattr(venv, "version", lambda: "3.11" if bin_folder.exists() else "")
    monkeypatch.setattr(venv, "has_pip", lambda: True)
    monkeypatch.setattr(venv, "create", create)
    monkeypatch.setattr(venv, "install", install)
    venv.stamp.write_text(json.dumps(venv.wanted(set())))
    return venv


def test_nothing_is_done_twice(clone):
    clone.ensure(set())
    assert clone.done == []


def test_an_extra_is_added_and_stays(clone):
    clone.ensure({"dev"})
    clone.ensure(set())
    clone.ensure({"dev"})
    assert clone.done == ["install ['dev']"]
    (clone.root / "pyproject.toml").write_text("[project]\n# changed")
    clone.ensure(set())
    assert clone.done[1:] == ["install ['dev']"]


@pytest.mark.parametrize("content", [None, "", "[]", "{}", "not JSON"])
def test_a_venv_made_by_hand_is_completed(clone, content):
    clone.stamp.unlink()
    if content is not None:
        clone.stamp.write_text(content)
    clone.ensure(set())
    clone.ensure(set())
    assert clone.done == ["install []"]


def test_a_missing_program_is_installed(clone):
    (clone.folder / "bin" / "trayd").unlink()
    clone.ensure(set())
    assert clone.done == ["install []"]


def test_a_venv_from_another_place_is_made_anew(clone):
    stamp = json.loads(clone.stamp.read_text())
    clone.stamp.write_text(json.dumps({**stamp, "root": "/elsewhere"}))
    clone.ensure(set())
    assert clone.done == ["create", "install []"]
    assert clone.right(set())
    assert not clone.old.exists()


def test_a_python_that_is_gone_makes_it_anew(clone, monkeypatch):
    versions = iter(["", ""])
    monkeypatch.setattr(clone, "version", lambda: next(versions, "3.11"))
    clone.ensure(set())
    assert clone.done == ["create", "install []"]


def test_without_a_network_the_old_venv_stays(setup, clone):
    (clone.root / "pyproject.toml").write_text("[project]\n# changed")
    (clone.folder / "mine").touch()
    clone.reached = False
    with pytest.raises(setup.SetupError):
        clone.ensure(set())
    assert clone.done == ["install []", "create", "install []"]
    assert (clone.folder / "mine").exists()
    assert (clone.folder / "bin" / "trayd").exists()
    assert not clone.right(set())


def test_an_interrupted_installation_is_not_taken_for_right(clone, monkeypatch):
    def interrupted(extras):
        raise KeyboardInterrupt

    monkeypatch.setattr(clone, "install", interrupted)
    with pytest.raises(KeyboardInterrupt):
        clone.ensure({"dev"})
    assert not clone.right(set())


def test_no_way_at_all_is_said_with_the_next_step(setup, tmp_path, monkeypatch):
    monkeypatch.setattr(setup, "answer", lambda *command: "")
    monkeypatch.setattr(setup, "WHEELS", tmp_path)
    monkeypatch.setattr(setup.shutil, "which", lambda name: None)
    with pytest.raises(setup.SetupError, match="sudo apt install python3-venv"):
        setup.Venv(tmp_path).create()


def test_a_way_that_fails_is_followed_by_the_next(setup, tmp_path, monkeypatch):
    venv = setup.Venv(tmp_path)
    tried = []

    def fails(python):
        tried.append("wheel")
        raise setup.SetupError("no", "")

    monkeypatch.setattr(setup, "ways", lambda **kwargs: ["wheel", "apt"])
    monkeypatch.setattr(setup, "answer", lambda *command: "")
    monkeypatch.setattr(venv, "by_wheel", fails)
    monkeypatch.setattr(venv, "by_apt", lambda python: tried.append("apt"))
    monkeypatch.setattr(venv, "has_pip", lambda: True)
    venv.create()
    assert tried == ["wheel", "apt"]


def test_no_newer_python_is_said_with_the_next_step(setup, monkeypatch):
    monkeypatch.setattr(setup.shutil, "which", lambda name: None)
    monkeypatch.setattr(setup, "answer", lambda *command: "")
    with pytest.raises(setup.SetupError, match=r"Python 3\.11 or newer is needed.*\n.*Next: "):
        setup.become_newer([])


def test_windows_keeps_programs_elsewhere(setup):
    assert setup.scripts_folder(Path("v"), "nt") == Path("v/Scripts")
    assert setup.scripts_folder(Path("v"), "posix") == Path("v/bin")


def test_only_one_sets_up_at_a_time(setup, tmp_path):
    (tmp_path / "pyproject.toml").touch()
    code = "import fcntl; fcntl.flock(open('pyproject.toml'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    command = [sys.executable, "-c", code]
    with setup.alone(tmp_path):
        assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode != 0
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0


# --- the files themselves


def test_an_old_python_can_read_it():
    ast.parse((SCRIPTS / "venv.py").read_text(), feature_version=(3, 7))


@pytest.mark.parametrize("name", ["scripts/start", "scripts/test", "scripts/docs", "scripts/venv.py", ".ci/run"])
def test_no_registry_is_named(name):
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert "index-url" not in text
    assert "break-system-packages" not in text


@pytest.mark.parametrize(
    ("name", "shell"),
    [("scripts/start", "sh"), ("scripts/test", "sh"), ("scripts/docs", "sh"), (".ci/run", "bash")],
)
def test_the_commands_can_be_started(name, shell):
    assert os.access(ROOT / name, os.X_OK)
    subprocess.run([shell, "-n", str(ROOT / name)], check=True)


def test_every_package_is_said_with_its_use():
    tables = re.findall(r"<<'TABLE'\n(.*?)^TABLE", (SCRIPTS / "test").read_text(), re.DOTALL | re.MULTILINE)
    assert len(tables) == 2
    rows = [line.split(" ", 2) for table in tables for line in table.splitlines()]
    assert all(len(row) == 3 for row in rows)
    assert len({package for _, package, _ in rows}) == len(rows) > 15


def test_every_program_that_a_test_needs_is_installed():
    """What tests ask for by its name has a row in one of the tables, unless it is in every Debian."""
    tables = re.findall(r"<<'TABLE'\n(.*?)^TABLE", (SCRIPTS / "test").read_text(), re.DOTALL | re.MULTILINE)
    signs = {row.split()[0] for table in tables for row in table.splitlines()} | {"unshare", "setpriv", "bash", "sh"}
    signs |= {"busybox", "wl-paste", "gsettings"}  # they come with others: busybox-static, wl-copy, gio
    asked = set()
    for path in (ROOT / "tests").rglob("*.py"):
        asked |= set(re.findall(r"""\bneed\(\s*"([\w.-]+)",""", path.read_text(encoding="utf-8")))
    assert len(asked) > 20
    assert asked - signs == set()
