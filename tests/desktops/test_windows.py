"""Windows' notification area, by Wine, with a real Windows Python, the installed wheel and a real engine behind TLS."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness import windows_python as windows
from tests.harness.desktop import Screen
from tests.harness.dockerd import Dockerd
from tests.harness.need import need
from tests.harness.poll import wait_until
from tests.harness.tls import Authority
from tests.harness.windows_desktop import MENU, TOOLTIP, TRAYDW, WindowsDesktop

pytestmark = [pytest.mark.desktop, pytest.mark.engine, pytest.mark.timeout(600)]

# The icon's colours for reachable and not reachable, and where things stand in the menu: (group, row).
GREEN, ORANGE = (0, 158, 115), (213, 94, 0)
SECOND_PROFILE, COPY = (1, 1), (2, 0)
POWERSHELL, CMD = (0, 2), (0, 3)


@pytest.fixture(scope="module")
def prefix() -> Iterator[Path]:
    with windows.prepared() as made:
        yield made


@pytest.fixture
def desktop(prefix: Path, request: pytest.FixtureRequest) -> Iterator[WindowsDesktop]:
    """With a taskbar, unless a test says otherwise."""
    with Screen() as screen, WindowsDesktop(prefix, screen, taskbar=getattr(request, "param", True)) as shown:
        yield shown


@pytest.fixture
def toolbox(desktop: WindowsDesktop, tmp_path: Path) -> Iterator[Dockerd]:
    """An engine as Docker Toolbox has it: tcp with certificates, whose folder has a blank in its name."""
    authority = Authority(tmp_path / "ca", "docker-machine")
    shutil.copytree(authority.client(), desktop.certificates)
    with Dockerd(unix=False, tcp=True, tls=authority.server()) as engine:
        folder = f"C:/Users/{desktop.home.name}/.docker/my certs"
        text = f"host: {engine.tcp_url}\ntls: {{cert_path: {folder}}}\n"
        (desktop.profiles / "toolbox.yaml").write_text(text, encoding="utf-8")
        (desktop.profiles / "r&d.yaml").write_text("host: tcp://127.0.0.1:9\n", encoding="utf-8")
        yield engine


def run_by_cmd(desktop: WindowsDesktop, line: str) -> dict[str, str]:
    """Let cmd.exe run a line, and read the environment that a program started after it has.

    From a file: Wine's cmd reads no second line from a pipe. What differs from typing is % alone, which is refused.
    """
    told, script = desktop.home / "told.json", desktop.home / "line.cmd"
    told.unlink(missing_ok=True)
    code = "import json,os;json.dump(dict(os.environ),open(os.path.expanduser('~/told.json'),'w'))"
    script.write_bytes(f'{line}\r\n"C:\\Program Files\\Python\\python.exe" -c "{code}"\r\n'.encode())
    done = windows.run("cmd", "/c", rf"C:\users\{desktop.home.name}\line.cmd", DOCKER_CONTEXT="old", **desktop.environ)
    assert told.exists(), done.stdout.decode(errors="replace")
    return dict(json.loads(told.read_text()))


def keep(desktop: WindowsDesktop, name: str) -> None:
    """Take a picture for a person, if one asked for it."""
    if folder := os.environ.get("TRAYD_SCREENSHOTS"):
        desktop.screen.screenshot(Path(folder, f"windows-{name}.png"))


def test_the_story(desktop: WindowsDesktop, toolbox: Dockerd) -> None:
    """Icon, tooltip, menu, switch, copy for cmd and PowerShell, and the end."""
    trayd = desktop.start_trayd()
    icon = desktop.icon_at(*ORANGE)  # r&d comes first by name
    assert not any("onsole" in w["class"] for w in desktop.see("windows"))

    # The tooltip, then the switch.
    desktop.screen.move_to(*icon)
    desktop.until(lambda: _shown(desktop, TOOLTIP), "the tooltip")
    keep(desktop, "tooltip")
    desktop.open_menu(icon)
    keep(desktop, "menu")
    desktop.choose(SECOND_PROFILE)
    assert desktop.icon_at(*GREEN) == icon
    assert desktop.state()["active"] == "toolbox"

    # Copy: a left click opens the menu too.
    desktop.open_menu(icon, button=1)
    desktop.choose(COPY, CMD)
    line = desktop.until(lambda: desktop.see("clipboard"), "the text for cmd")
    given = run_by_cmd(desktop, line)
    assert given["DOCKER_HOST"] == toolbox.tcp_url
    assert given["DOCKER_TLS_VERIFY"] == "1"
    assert Path(given["DOCKER_CERT_PATH"].replace("\\", "/")).name == "my certs"
    assert "DOCKER_CONTEXT" not in given
    desktop.open_menu(icon)
    desktop.choose(COPY, POWERSHELL)
    text = desktop.until(lambda: (now := desktop.see("clipboard")) != line and now, "the text for PowerShell")
    assert text.startswith(f"$Env:DOCKER_HOST = '{toolbox.tcp_url}'; ")
    assert f"$Env:DOCKER_CERT_PATH = '{given['DOCKER_CERT_PATH']}'" in text

    assert desktop.quit(icon, trayd) == 0
    assert not desktop.output


@pytest.mark.parametrize("desktop", [False], indirect=True, ids=["no taskbar"])
def test_a_balloon(desktop: WindowsDesktop, toolbox: Dockerd) -> None:
    """The engine dies while a person looks at the menu: icon and balloon say so, the menu stays and its lines work."""
    # No balloon comes before: all is well with what comes first by name, and this is not the first start.
    (desktop.profiles / "r&d.yaml").rename(desktop.profiles / "z.yaml")
    desktop.own.mkdir()
    (desktop.own / "state.json").write_text("{}")
    desktop.start_trayd()
    icon = desktop.icon_at(*GREEN)
    menu = desktop.open_menu(icon)
    toolbox.kill()
    desktop.icon_at(*ORANGE)
    desktop.until(lambda: _shown(desktop, TOOLTIP), "the balloon")
    keep(desktop, "balloon")
    assert _shown(desktop, MENU)
    desktop.screen.click_at(*menu.groups[SECOND_PROFILE[0]][SECOND_PROFILE[1]])
    wait_until(lambda: desktop.state()["active"] == "z", 20, "the switch from the menu that stayed open")
    assert not desktop.output


def _shown(desktop: WindowsDesktop, name: str) -> bool:
    return any(w["class"] == name and w["visible"] for w in desktop.see("windows"))


def test_from_login_to_logout(desktop: WindowsDesktop) -> None:
    """The Run key starts trayd at login, a second one says so, and a log-off is let through and ends it."""
    (desktop.profiles / "r&d.yaml").write_text("host: tcp://127.0.0.1:9\n", encoding="utf-8")
    assert desktop.trayd("autostart", "status").stdout.startswith(b"disabled")
    assert desktop.trayd("autostart", "enable").returncode == 0
    try:
        stored = windows.run("reg", "query", r"HKCU\Software\Microsoft\Windows\CurrentVersion\Run", "/v", "trayd")
        assert f'"{TRAYDW}" run'.encode() in stored.stdout
        said = desktop.trayd("autostart", "status")
        assert said.stdout.startswith(b"enabled")
        assert TRAYDW.encode() in said.stdout

        desktop.start("wineboot")  # a session's start, which runs what the key holds
        icon = desktop.icon_at(*ORANGE)
        second = desktop.trayd("run")
        assert second.returncode == 1
        assert b"trayd is already running" in second.stdout
        assert desktop.see("may_log_off") == 1
        windows.run("wineboot", "--end-session", **desktop.environ)
        desktop.until(lambda: not any(w["class"].startswith("trayd") for w in desktop.see("windows")), "trayd's end")
        assert icon
    finally:
        assert desktop.trayd("autostart", "disable").returncode == 0
    assert desktop.trayd("autostart", "status").stdout.startswith(b"disabled")


@pytest.fixture
def chinese(tmp_path: Path) -> dict[str, str]:
    """The environment in which Wine takes a Chinese system; it needs a real locale of this machine to go by."""
    need(Path("/usr/share/i18n/locales/zh_CN").exists(), "sudo apt-get install locales")
    made = tmp_path / "zh_CN.UTF-8"
    subprocess.run(["localedef", "-i", "zh_CN", "-f", "UTF-8", made], check=True, capture_output=True, timeout=60)
    return {"LC_ALL": made.name, "LANG": made.name, "LOCPATH": str(tmp_path)}


@pytest.fixture
def chinese_desktop(prefix: Path, chinese: dict[str, str]) -> Iterator[WindowsDesktop]:
    with Screen() as screen, WindowsDesktop(prefix, screen, **chinese) as shown:
        yield shown


def test_another_code_page(chinese_desktop: WindowsDesktop, dockerd: Callable[..., Dockerd]) -> None:
    """Where Windows speaks Chinese (code page 936), so does trayd; files in UTF-8 are read, every name comes back."""
    desktop = chinese_desktop
    page = windows.python("-c", "import locale;print(locale.getencoding())", **desktop.environ)
    assert page.stdout.strip() == b"cp936"
    engine = dockerd(unix=False, tcp=True)
    name = "生产 – büro"
    (desktop.profiles / f"{name}.yaml").write_text(
        f"host: {engine.tcp_url}\nenv: {{ORT: 'C:\\引擎\\a b'}}\n", encoding="utf-8"
    )
    told = json.loads(desktop.trayd("status", "--json").stdout)
    assert [(one["name"], one["state"]) for one in told["profiles"]] == [(name, "reachable")]
    shown = desktop.trayd("status").stdout.decode("cp936")
    assert "生产" in shown
    assert "可连接" in shown
    asked = "import trayd.desktop.languages as l; print(l.preferred())"
    assert windows.python("-c", asked, **desktop.environ).stdout.strip() == b"['zh_CN']"

    trayd = desktop.start_trayd()
    icon = desktop.icon_at(*GREEN)
    desktop.open_menu(icon)
    keep(desktop, "chinese")
    desktop.choose(COPY, CMD)
    line = desktop.until(lambda: desktop.see("clipboard"), "the text for cmd")
    assert f"DOCKER_HOST={engine.tcp_url}" in line
    assert 'SET "ORT=C:\\引擎\\a b"' in line
    assert desktop.state()["active"] == name
    assert desktop.quit(icon, trayd) == 0
    assert not desktop.output


def test_a_named_pipe(desktop: WindowsDesktop, dockerd: Callable[..., Dockerd]) -> None:
    """An engine behind a named pipe, through docker-py and pywin32: reachable, silent, ended, and gone."""
    engine = dockerd(unix=False, tcp=True)
    (desktop.profiles / "pipe.yaml").write_text("host: npipe:////./pipe/trayd_test\n", encoding="utf-8")
    assert found(desktop, "pipe") == ("address", "socket_missing")  # winerror 2
    desktop.start_pipe("trayd_test", engine.port or 0)
    assert found(desktop, "pipe") == ("", "")
    desktop.start_pipe("trayd_silent", engine.port or 0, "silent")
    (desktop.profiles / "silent.yaml").write_text("host: npipe:////./pipe/trayd_silent\n", encoding="utf-8")
    assert found(desktop, "silent") == ("http", "no_answer")
    engine.kill()
    assert found(desktop, "pipe") == ("http", "closed")  # winerror 109


def found(desktop: WindowsDesktop, name: str) -> tuple[str, str]:
    """The rung of `trayd check` that broke, and why."""
    told = json.loads(desktop.trayd("check", name, "--json").stdout)
    return next(((r["name"], r["diagnosis"]["code"]) for r in told["rungs"] if r["state"] == "failed"), ("", ""))
