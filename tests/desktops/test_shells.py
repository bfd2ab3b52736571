"""The text of `trayd env` in the real shells: exact values, nothing executed, nothing stale, the right engine."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.program import environment, profile, trayd
from tests.cli.screen import Screen
from tests.harness.dockerd import Dockerd
from tests.harness.need import find, need
from tests.harness.poll import wait_until
from tests.harness.tls import Authority

pytestmark = pytest.mark.desktop

NASTY = [
    "plain",
    "two  blanks and three   more",
    " blank at both ends ",
    "it's",
    '"double"',
    "'",
    "\\",
    "C:\\new\\table\\",
    "\\'",
    "$(touch executed)",
    "`touch executed`",
    "${HOME} $HOME $$",
    "; touch executed;",
    "' ; touch executed ; '",
    "| touch executed & touch executed",
    "!! !history a!b",
    "*",
    "~/x ~root",
    "[a-z]? {a,b}",
    "%PATH% %s %n",
    "-n",
    "# no comment",
    "a=b <in >executed",
    "Jörg → 東京 👍",
    "^old^new",
    "",
]
STALE = {
    "DOCKER_HOST": "tcp://127.0.0.1:9",
    "DOCKER_CONTEXT": "nosuch",
    "DOCKER_TLS": "1",
    "DOCKER_TLS_VERIFY": "1",
    "DOCKER_CERT_PATH": "/nowhere",
    "DOCKER_API_VERSION": "1.99",
    "DOCKER_MACHINE_NAME": "old",
}


class Real(NamedTuple):
    """A real shell: how it is started as a script and at a terminal, and how the help says to take the text in."""

    name: str
    plain: list[str]
    interactive: list[str]
    take_in: str
    source: str


BY_EVAL = 'eval "$(trayd env {})"'
SHELLS = [
    Real("sh", ["sh"], ["sh", "-i"], BY_EVAL, ". {}"),
    Real("dash", ["dash"], ["dash", "-i"], BY_EVAL, ". {}"),
    Real("bash", ["bash", "--norc", "--noprofile"], ["bash", "--norc", "--noprofile", "-i"], BY_EVAL, ". {}"),
    Real("zsh", ["zsh", "-f"], ["zsh", "-f", "-i"], BY_EVAL, ". {}"),
    Real("fish", ["fish", "--no-config"], ["fish", "--no-config", "-i"], "trayd env {} | source", "source {}"),
    Real("tcsh", ["tcsh", "-f"], ["tcsh", "-f", "-i"], 'eval "`trayd env {}`"', "source {}"),
]
# Prints the environment as JSON on one line, or into a file.
DUMP = "import json, os, sys; text = json.dumps(dict(os.environ)); open(sys.argv[1], 'w').write(text)"


@pytest.fixture(params=SHELLS, ids=lambda shell: shell.name)
def shell(request: pytest.FixtureRequest) -> Real:
    need(request.param.name, f"sudo apt-get install {request.param.name}")
    return request.param


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own folder with a file in it, for a * to be expanded to and a `touch` to leave its mark in."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "afile").touch()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def nasty(workdir: Path) -> dict[str, str]:
    """A profile with all nasty values; gives what its variables must be."""
    values = {f"NASTY{number}": value for number, value in enumerate(NASTY)}
    host = "unix:///it's $(touch executed) `a`!b/d.sock"
    profile("nasty", json.dumps({"host": host, "env": values}, ensure_ascii=False))
    return values | {"DOCKER_HOST": host}


def dump_line(target: Path) -> str:
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(DUMP)} {target}"


def run(shell: Real, lines: list[str], env: dict[str, str], by_stdin: bool) -> subprocess.CompletedProcess[str]:
    text = "\n".join(lines) + "\n"
    command = list(shell.plain)
    if not by_stdin:
        Path("script").write_text(text, encoding="utf-8")
        command.append("script")
    return subprocess.run(
        command, input=text if by_stdin else "", env=env, capture_output=True, encoding="utf-8", timeout=30
    )


def check(found: Path, wanted: dict[str, str], workdir: Path) -> None:
    """The environment is the wanted one, nothing of the old is left, and nothing ran."""
    after = json.loads(found.read_text())
    assert {name: after.get(name) for name in wanted} == wanted
    assert not [name for name in STALE if name in after and name not in wanted]
    assert not (workdir / "executed").exists()


WAYS = ["file", "stdin", "eval in a file", "eval on stdin"]


@pytest.mark.parametrize("way", WAYS)
def test_every_value_arrives_exactly(shell: Real, nasty: dict[str, str], workdir: Path, way: str) -> None:
    """26 nasty values, in a script, on stdin, or by the documented eval: exact, nothing executed, nothing stale."""
    found = workdir / "found.json"
    take_in = shell.take_in.format("nasty")
    if not way.startswith("eval"):
        take_in = trayd("env", "nasty", "--shell", shell.name).stdout
    told = run(shell, [take_in, dump_line(found)], environment(**STALE), by_stdin=way.endswith("stdin"))
    assert told.stderr == ""
    assert told.stdout == ""
    check(found, nasty, workdir)


def test_what_is_pasted_at_a_prompt_arrives_exactly(shell: Real, nasty: dict[str, str], workdir: Path) -> None:
    """Typed or pasted at an interactive prompt, with its history and completion, the same values arrive exactly."""
    found, ready = workdir / "found.json", workdir / "ready"
    text = trayd("env", "nasty", "--shell", shell.name).stdout.rstrip("\n")
    with Screen(shell.interactive, environment(**STALE, HISTFILE="/dev/null"), columns=250) as screen:
        screen.press(f"touch {ready}\n")  # it is a history for ! to refer to as well
        wait_until(ready.exists, what=f"{shell.name} to read its keyboard")
        # One variable after another: a terminal in line mode takes 4095 characters at most.
        for part in pasted(text):
            screen.press(part + "\n")
        screen.press(dump_line(found) + "\n")
        wait_until(lambda: found.exists() and found.read_text(), what=f"the environment; screen:\n{screen.output}")
        check(found, nasty, workdir)


def pasted(text: str) -> Iterator[str]:
    """The text in pieces that a terminal without line editing takes."""
    if len(text.encode()) < 4000:
        yield text
    else:
        yield from text.split("; ")


def test_unset_forgets_every_engine(shell: Real, nasty: dict[str, str], workdir: Path) -> None:
    """`trayd env P --unset` takes all of Docker's variables and the profile's own away, silently if none is set."""
    found = workdir / "found.json"
    take_in = shell.take_in.format("nasty --unset")
    for before in ({**STALE, **nasty}, {}):
        told = run(shell, [take_in, take_in, dump_line(found)], environment(**before), by_stdin=False)
        assert (told.stdout, told.stderr) == ("", "")
        after = json.loads(found.read_text())
        assert not (STALE.keys() | nasty.keys()) & after.keys()


def test_the_calling_shell_is_known(shell: Real, workdir: Path) -> None:
    """Without --shell the text is in the syntax of the shell that calls, whatever the login shell is."""
    profile("office", "host: unix:///d.sock\n")
    wanted = trayd("env", "office", "--shell", shell.name).stdout
    for other in ("/usr/bin/fish", "/bin/tcsh", "/bin/bash", ""):
        env = environment(SHELL=other)
        for by_stdin in (True, False):
            assert run(shell, ["trayd env office"], env, by_stdin).stdout == wanted
    wrapped = run(shell, ["timeout 10 trayd env office; true"], environment(SHELL="/nowhere"), by_stdin=True)
    assert wrapped.stdout == wanted


@pytest.mark.parametrize("name", ["sh", "bash", "zsh", "tcsh"])
def test_a_script_is_known_by_its_first_line(name: str, workdir: Path) -> None:
    """In an executable script the shell of its #! line counts, not the one that started it or the login shell."""
    need(name, f"sudo apt-get install {name}")
    profile("office", "host: unix:///d.sock\n")
    script = workdir / "my-script"
    script.write_text(f"#!{find(name)}\ntrayd env office\ntrue\n")
    script.chmod(0o755)
    told = subprocess.run([script], env=environment(SHELL="/usr/bin/fish"), capture_output=True, text=True, timeout=30)
    assert told.stdout == trayd("env", "office", "--shell", name).stdout


@pytest.mark.parametrize("shell_name", ["bash", "fish", "tcsh"])
def test_the_terminal_shows_how_to_take_it_in(shell_name: str, workdir: Path) -> None:
    """Typed without eval, `trayd env` also says the line that would do it, and that line works."""
    shell = next(shell for shell in SHELLS if shell.name == shell_name)
    need(shell.name, f"sudo apt-get install {shell.name}")
    profile("büro 2", "host: unix:///d.sock\nenv: {A: 'two  blanks, a *'}\n")
    with Screen([*shell.plain, "-c", "trayd env 'büro 2'; true"], environment(SHELL="/nowhere")) as screen:
        assert screen.ended() == 0
        (line,) = re.findall(r"To take it in: (.*)", screen.seen())
    found = workdir / "found.json"
    assert run(shell, [line, dump_line(found)], environment(**STALE), by_stdin=False).stderr == ""
    check(found, {"DOCKER_HOST": "unix:///d.sock", "A": "two  blanks, a *"}, workdir)


# --- the right engine

CLIS = [path for path in ("/usr/local/bin/docker", "/usr/bin/docker") if Path(path).exists()] or ["docker"]
ASK = "info --format '{{index .Labels 0}}'"
PROFILES = ["unix", "tcp", "tls", "tls-unverified"]
# The engine that answers is known by its label; 20.10 gives all engines of a machine the same ID.
ANSWERS = {"unix": "name=plain", "tcp": "name=plain", "tls": "name=secure", "tls-unverified": "name=secure"}


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Profiles of two real engines, one on a unix socket and plain TCP, one with TLS, in a folder with blanks."""
    authority = Authority(tmp_path_factory.mktemp("it's a CA"))
    tls = {"cert_path": str(authority.client("my client"))}
    with ExitStack() as stack:
        plain = stack.enter_context(Dockerd("--label=name=plain", tcp=True))
        secure = stack.enter_context(Dockerd("--label=name=secure", unix=False, tcp=True, tls=authority.server()))
        found = [
            {"host": plain.unix_url},
            {"host": plain.tcp_url},
            {"host": secure.tcp_url, "tls": tls},
            {"host": secure.tcp_url, "tls": {**tls, "verify": False}},
        ]
        yield dict(zip(PROFILES, map(json.dumps, found), strict=True))


@pytest.fixture
def engines(texts: dict[str, str], workdir: Path) -> None:
    for name, text in texts.items():
        profile(name, text)


def answers(told: subprocess.CompletedProcess[str]) -> list[str]:
    assert told.stderr == ""
    return told.stdout.split()


@pytest.mark.engine
@pytest.mark.usefixtures("engines")
@pytest.mark.parametrize("cli", CLIS)
def test_docker_talks_to_the_right_engine(shell: Real, cli: str) -> None:
    """After the eval, docker in this shell asks the profile's engine, whatever was set before and in any order."""
    need(cli, "sudo apt-get install docker.io")
    order = ["tls", "unix", "tls-unverified", "tcp", "tls"]
    ask = [f"{cli} version --format '{{{{.Server.Version}}}}' >/dev/null", f"{cli} {ASK}"]
    lines = [line for name in order for line in (shell.take_in.format(name), *ask)]
    told = run(shell, lines, environment(**STALE), by_stdin=False)
    assert answers(told) == [ANSWERS[name] for name in order]


@pytest.mark.engine
@pytest.mark.usefixtures("engines")
@pytest.mark.parametrize("stale", STALE)
@pytest.mark.parametrize("cli", CLIS)
def test_no_stale_variable_leads_astray(stale: str, cli: str) -> None:
    """Each of Docker's variables, set before, is without effect on every kind of profile."""
    need(cli, "sudo apt-get install docker.io")
    lines = [f"( {SHELLS[0].take_in.format(name)}; {cli} {ASK} )" for name in PROFILES]
    told = run(SHELLS[0], lines, environment(**{stale: STALE[stale]}), by_stdin=False)
    assert answers(told) == list(ANSWERS.values())


@pytest.mark.engine
@pytest.mark.usefixtures("engines")
def test_the_stale_variables_would_lead_astray() -> None:
    """Without trayd's unset, what was set before does break docker: the tests above prove something."""
    cli = CLIS[0]
    need(cli, "sudo apt-get install docker.io")
    set_only = re.sub("; unset .*", "", trayd("env", "tcp", "--shell", "sh").stdout)
    for stale in ("DOCKER_TLS_VERIFY", "DOCKER_TLS", "DOCKER_API_VERSION"):
        told = run(SHELLS[0], [set_only, f"{cli} {ASK}"], environment(**{stale: STALE[stale]}), by_stdin=False)
        assert ANSWERS["tcp"] not in told.stdout, stale


@pytest.mark.engine
@pytest.mark.usefixtures("engines")
@pytest.mark.parametrize("name", PROFILES)
def test_docker_py_talks_to_the_right_engine(name: str) -> None:
    """`docker.from_env()` in that environment pings the profile's engine, whatever was set before."""
    python = "import docker; client = docker.from_env(); assert client.ping(); print(client.info()['Labels'][0])"
    lines = [SHELLS[0].take_in.format(name), f"{shlex.quote(sys.executable)} -W ignore -c {shlex.quote(python)}"]
    assert answers(run(SHELLS[0], lines, environment(**STALE), by_stdin=False)) == [ANSWERS[name]]


@pytest.mark.engine
@pytest.mark.usefixtures("engines")
def test_after_unset_docker_asks_where_it_always_did() -> None:
    """After `--unset` the docker CLI is back at its own default, with no trace of the profile."""
    cli = CLIS[0]
    need(cli, "sudo apt-get install docker.io")
    default = f"{cli} context inspect --format '{{{{.Name}}}} {{{{.Endpoints.docker.Host}}}}'"
    lines = [SHELLS[0].take_in.format("tls"), SHELLS[0].take_in.format("--unset"), default]
    told = run(SHELLS[0], lines, environment(**STALE), by_stdin=False)
    assert told.stdout == "default unix:///var/run/docker.sock\n"
