"""The very first start says where trayd is, once; and the language can be chosen in the menu of a running trayd."""

import json
from pathlib import Path

import pytest

from tests.harness.desktop import PrivateBus
from tests.harness.host import Host
from tests.harness.notification_server import NotificationServer
from tests.harness.poll import wait_until
from tests.harness.program import Trayd
from trayd.config.memory import memory_file

pytestmark = pytest.mark.tray

REFUSED = "host: unix:///nowhere.sock\n"


def program(bus: PrivateBus, **environ: str) -> Trayd:
    trayd = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address, **environ)
    trayd.profile("lab", REFUSED)
    trayd.profile("office", REFUSED)
    return trayd


def provoke(host: Host, notes: NotificationServer) -> list[str]:
    """Let another notification come, behind which nothing is on its way any more; return all titles."""
    before = len(notes.notes)
    host.click("Copy environment", "fish")
    wait_until(lambda: len(notes.notes) > before, 20, "a notification: there is no clipboard here")
    return [note.title for note in notes.notes]


def test_the_first_start_is_told_once(bus: PrivateBus) -> None:
    """One notification with the engines that were found; the next start, and a returned panel, say nothing."""
    with NotificationServer(bus.address) as notes:
        for start in range(2):
            trayd = program(bus)
            trayd.greeted = False
            with trayd:
                for _ in range(2):
                    with Host(bus.address) as host:
                        wait_until(lambda host=host: host.items, 20, "the icon")
                        if start == 0:
                            wait_until(lambda: notes.notes, 20, "the greeting")
                            assert notes.notes[0].title == "trayd is here"
                            assert notes.notes[0].body.startswith("2 engines found: lab, office.")
                        titles = provoke(host, notes)
                        assert titles.count("trayd is here") == 1
                        assert len(set(titles)) == 2


def test_a_greeting_that_cannot_be_kept_is_not_shown(bus: PrivateBus) -> None:
    """It would be shown at every login."""
    Path(memory_file()).parent.parent.mkdir(parents=True)
    Path(memory_file()).parent.write_text("a file where a folder should be")
    trayd = program(bus)
    trayd.greeted = False
    with NotificationServer(bus.address) as notes, trayd, Host(bus.address) as host:
        wait_until(lambda: host.items, 20, "the icon")
        assert "trayd is here" not in provoke(host, notes)


def test_the_language_is_chosen_in_the_menu(bus: PrivateBus) -> None:
    """Menu, tooltip and causes are Chinese at once, and after the next start; its own name leads back to English."""
    with program(bus) as trayd, Host(bus.address) as host:
        wait_until(lambda: "not running" in " ".join(host.labels()), 20, "the menu with the lost engine")
        host.click("Settings", "Language", "简体中文")
        wait_until(lambda: "退出" in host.labels() and "Quit" not in host.labels(), what="the Chinese menu")
        wait_until(lambda: "Docker 未运行" in host.tooltip()[1] + host.tooltip()[0], what="the cause in Chinese")
        assert json.loads(Path(memory_file()).read_text())["language"] == "zh_CN"
        assert "未运行" in trayd.say("status").stdout
    with program(bus), Host(bus.address) as host:
        wait_until(lambda: "退出" in host.labels(), 20, "the Chinese menu of the next start")
        host.click("设置", "语言 (Language)", "English")
        wait_until(lambda: "Quit" in host.labels(), what="the English menu")


def test_the_session_s_language_is_spoken(bus: PrivateBus) -> None:
    """A Chinese session has a Chinese menu without any setting, and TRAYD_LANG overrules it."""
    with program(bus, LANG="zh_CN.UTF-8", LC_ALL="zh_CN.UTF-8"), Host(bus.address) as host:
        wait_until(lambda: "退出" in host.labels(), 20, "the Chinese menu")
    with program(bus, LC_ALL="zh_CN.UTF-8", TRAYD_LANG="en"), Host(bus.address) as host:
        wait_until(lambda: "Quit" in host.labels(), 20, "the English menu")
