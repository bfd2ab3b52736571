"""What the pages say is what trayd does: the generated parts are those of today, and what is said by hand holds."""

import ast
import json
import re
from pathlib import Path

import pytest

from docs import codes, make
from docs.examples import EXAMPLES
from tests.engine.matrix import document
from trayd.config import yamlfile
from trayd.config.computer import Computer
from trayd.config.contexts import Context
from trayd.config.machines import Machine
from trayd.config.profiles import Stores, read_profile, schema, schema_text
from trayd.core.profile import parse_host
from trayd.core.sentences import SENTENCES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
STORES = Stores(
    (Context("desktop-linux", "unix:///home/ann/.docker/desktop/docker.sock"),),
    (Machine("default", "tcp://192.168.99.100:2376", "/home/ann/.docker/machine/machines/default"),),
)


@pytest.mark.parametrize("name", make.PAGES)
def test_the_generated_part_is_of_today(name):
    """A page's generated part is what docs/make.py makes of the code: run it, and commit what it writes."""
    assert (DOCS / name).read_text(encoding="utf-8") == make.made(name)


def test_the_fault_table_is_of_today():
    """faults.md is what the tests' table of faults says: python -m tests.engine.matrix.document writes it."""
    assert document.FILE.read_text(encoding="utf-8") == document.text()


# --- configuration.md


def test_every_key_has_an_example():
    """Each key of the schema has one example, and there is none for a key that is not."""
    assert list(EXAMPLES) == [path for path, _, _ in make.keys(schema())]


@pytest.mark.parametrize("key", EXAMPLES)
def test_an_example_is_a_profile(key, tmp_path):
    """trayd itself reads the example, on a system that it is for, and the key that it explains is in it."""
    file = tmp_path / "example.yaml"
    file.write_text(EXAMPLES[key], encoding="utf-8")
    document = yamlfile.read(file.read_bytes())
    assert tuple(key.split(".")) in document.lines
    systems = [Computer(system, "thinkpad", "/home/ann") for system in ("linux", "macos", "windows")]
    read = [read_profile(str(file), computer, STORES) for computer in systems]
    assert [profile for profile in read if profile is not None]


def test_the_forms_of_a_host_are_hosts():
    """Each address that the schema gives as an example is one for trayd."""
    shown = json.loads(schema_text())["properties"]["host"]["examples"]
    assert {parse_host(host).scheme for host in shown} == {"unix", "tcp", "ssh", "npipe"}


def variables():
    """Every variable of the environment that a module of trayd asks for by its name."""
    for path in sorted((ROOT / "trayd").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            asked: list[ast.expr] = []
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "pop"):
                asked = node.args[:1] if "environ" in ast.unparse(node.func.value) else []
            elif isinstance(node, ast.Subscript):
                asked = [node.slice] if "environ" in ast.unparse(node.value) else []
            elif isinstance(node, ast.Compare):
                asked = [node.left] if any("environ" in ast.unparse(one) for one in node.comparators) else []
            for one in asked:
                name = constants.get(one.id) if isinstance(one, ast.Name) else getattr(one, "value", None)
                if re.fullmatch(r"[A-Z][A-Z0-9_]+", str(name)):
                    yield name, path


def test_every_variable_is_in_the_table():
    """Each variable that trayd reads stands in configuration.md's table, and each in the table stands in the code."""
    table = (DOCS / "configuration.md").read_text(encoding="utf-8").partition("## Environment variables")[2]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    told = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    read = dict(variables())
    assert len(read) > 20
    assert {name: path.name for name, path in read.items() if name not in told} == {}
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "trayd").rglob("*.py"))
    assert {name for name in told if f'"{name}"' not in source} <= {"HOME"}  # which os.path.expanduser reads


# --- diagnosis.md


def test_every_code_can_be_looked_up():
    """Each code and each of its variants has a heading of its own, and what leads to it is said."""
    page = (DOCS / "diagnosis.md").read_text(encoding="utf-8")
    headings = re.findall(r"^###+ (\S+)$", page, re.MULTILINE)
    assert sorted(headings) == sorted({*SENTENCES, *codes.codes()})
    for section in page.split("\n### ")[1:]:
        assert re.search(r"^What is seen: .{10,}\.$", section, re.MULTILINE), section.partition("\n")[0]


def test_no_sentence_shows_a_field():
    """A person reads words where the screen fills something in, and no word of the generator's is left over."""
    for cause, step in SENTENCES.values():
        shown = codes.sentence(cause) + codes.sentence(step)
        assert not re.search(r"\{(?!cert_path: FOLDER\})|[\0\1]", shown), shown
    assert set(codes.VARIANTS) <= set(SENTENCES)
    assert set(codes.LOOKS) | set(codes.POSSIBLE) <= set(codes.codes())


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("refused", "Over tcp:// or tcp:// with TLS"),
        ("refused.ssh", "Over ssh://"),
        ("closed", "Over unix:// or ssh://"),
        ("closed.tcp", "Over tcp://"),
        ("no_answer.tcp", "Over tcp:// or tcp:// with TLS"),
        ("cert_expired", ""),
    ],
)
def test_a_sentence_says_where_it_is_shown(name, where):
    """A sentence is said to be for just those addresses for which it is taken."""
    assert codes._where(name) == where


# --- security.md


def test_every_module_that_runs_a_program_is_told():
    """Each module that starts a program stands in security.md's table, and each in the table starts one."""
    table = (DOCS / "security.md").read_text(encoding="utf-8").partition("## What it runs")[2].partition("\n## ")[0]
    told = set(re.findall(r"`([a-z_/]+\.py)`", table))
    starts = ("subprocess.run", "subprocess.Popen", "os.startfile")
    found = set()
    for path in (ROOT / "trayd").rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        for call in calls:
            name = ast.unparse(call.func)
            assert not name.startswith(("os.system", "os.popen", "os.spawn", "subprocess.get")), path
            assert not any(keyword.arg == "shell" for keyword in call.keywords if name in starts), path
            if name in starts:
                found.add(path.relative_to(ROOT / "trayd").as_posix())
    assert told == found


def test_an_engine_is_only_asked():
    """No module sends anything but GET: there is no other call of docker-py's in the code."""
    sent = re.compile(r"\bapi\.(?:post|put|delete|_post|_put|_delete|create_\w+|start|stop|kill|remove_\w+)\(")
    for path in (ROOT / "trayd" / "engine").glob("*.py"):
        assert not sent.search(path.read_text(encoding="utf-8")), path
