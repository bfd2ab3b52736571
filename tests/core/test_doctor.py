"""What `trayd doctor` says to what it saw: the next step fits the system, and what is not harmless is not shown."""

import re

import pytest

from tests.harness.speaking import speaking
from trayd.core import findings as judge
from trayd.core.cells import width
from trayd.core.doctor import (
    Autostart,
    Bus,
    Finding,
    Home,
    Instance,
    Mark,
    Notifier,
    Panel,
    Profiles,
    Program,
    Screen,
    Unseen,
    Wayland,
    as_json,
    is_well,
    lines,
)
from trayd.core.packages import family, install
from trayd.core.privacy import place, without_secrets

BUS = judge.session_bus(Bus(True, True))
NO_BUS = judge.session_bus(Bus(False))
SLOW = Unseen("no answer within 2 s")


@pytest.mark.parametrize(
    ("release", "name"),
    [
        ({"ID": "debian"}, "debian"),
        ({"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, "debian"),
        ({"ID": "ubuntu"}, "debian"),
        ({"ID": "fedora"}, "fedora"),
        ({"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, "fedora"),
        ({"ID": "opensuse-tumbleweed", "ID_LIKE": "opensuse suse"}, "suse"),
        ({"ID": "endeavouros", "ID_LIKE": "arch"}, "arch"),
        ({"ID": "nixos"}, ""),
        ({}, ""),
    ],
)
def test_a_distribution_is_known_by_what_it_is_like(release, name):
    """A distribution made from another uses its packages."""
    assert family(release) == name


def test_gnome_is_told_the_extension_by_the_name_its_distribution_has():
    """Where the extension is a package, the command is given; elsewhere none is made up."""

    def step(name: str) -> str:
        return judge.tray_host(BUS, Panel(), Screen(), Home("linux", name, "ubuntu:GNOME")).next

    assert step("debian").startswith("sudo apt install gnome-shell-extension-appindicator, ")
    assert step("fedora").startswith("sudo dnf install gnome-shell-extension-appindicator, ")
    for name in ("suse", "alpine", ""):
        assert "extensions.gnome.org" in step(name)
        assert "install " not in step(name)
    for known in ("debian", "fedora", "arch", "suse", "alpine", ""):
        for what in ("ssh", "wl-clipboard", "notifications"):
            assert "pip" not in install(known, what)


@pytest.mark.parametrize(
    ("desktop", "words"), [("sway", "waybar"), ("XFCE", "to your panel"), ("KDE", "to your panel"), ("", "panel with")]
)
def test_other_desktops_are_not_told_of_gnome(desktop, words):
    """Each desktop gets the step that helps there."""
    step = judge.tray_host(BUS, Panel(), Screen(), Home(desktop=desktop)).next
    assert words in step
    assert "GNOME" not in step


def test_a_tray_of_the_old_kind_counts_only_where_trayd_can_use_it():
    """It is the second choice, and no choice at all without an icon for it."""
    old = Screen(True, True, True)
    assert judge.tray_host(NO_BUS, SLOW, old, Home()).mark is Mark.GOOD
    assert judge.tray_host(BUS, Panel(), old, Home()).mark is Mark.GOOD
    assert "StatusNotifier" in judge.tray_host(BUS, Panel(True, True), old, Home()).text
    for system in ("windows", "macos"):
        assert judge.tray_host(NO_BUS, SLOW, Screen(), Home(system)).mark is Mark.GOOD


@pytest.mark.parametrize(
    ("wayland", "screen", "tools", "mark"),
    [
        (Wayland(True, True, True), Screen(), (), Mark.GOOD),
        (Wayland(True, True), Screen(True, True), (), Mark.GOOD),
        (Wayland(True, True), Screen(), ("wl-copy",), Mark.GOOD),
        (Wayland(True, True), Screen(), ("xclip",), Mark.BAD),
        (Wayland(True), Screen(), ("wl-copy",), Mark.BAD),
        (Wayland(), Screen(True, True), (), Mark.GOOD),
        (Wayland(), Screen(True), ("xclip", "xsel"), Mark.BAD),
        (SLOW, SLOW, SLOW, Mark.BAD),
        (Wayland(), Screen(), ("xclip",), Mark.NONE),
    ],
)
def test_the_clipboard_is_judged_by_the_way_a_copy_would_go(wayland, screen, tools, mark):
    """A tool helps only where its screen answers; without any screen it is no failure."""
    finding = judge.clipboard(wayland, screen, tools, Home("linux", "debian"))
    assert finding.mark is mark
    if mark is Mark.BAD and isinstance(wayland, Wayland) and wayland.answers:
        assert finding.next.startswith("sudo apt install wl-clipboard")


def everything_unseen():
    home = Home()
    return [
        judge.session_bus(SLOW),
        judge.tray_host(BUS, SLOW, SLOW, home),
        judge.x_screen(SLOW),
        judge.notifications(BUS, SLOW, home),
        judge.clipboard(SLOW, SLOW, SLOW, home),
        judge.terminal(SLOW),
        judge.ssh(SLOW, 1, home),
        judge.docker_cli(SLOW, SLOW, []),
        judge.docker_machine(SLOW),
        judge.autostart(SLOW),
        judge.profiles(SLOW),
        judge.state_folder(SLOW, "~/x"),
        judge.instance(SLOW),
    ]


def everything_bad():
    home, silent = Home(), Program(True, silent=True)
    return [
        NO_BUS,
        judge.session_bus(Bus(True)),
        judge.tray_host(NO_BUS, SLOW, Screen(), home),
        judge.tray_host(BUS, Panel(True), Screen(), home),
        judge.x_screen(Screen(True)),
        judge.ssh(silent, 0, home),
        judge.ssh(Program(), 2, home),
        judge.docker_cli(silent, "default", []),
        judge.docker_machine(silent),
        judge.autostart(Autostart(True, "it starts nothing")),
        judge.profiles(Profiles("~/x", problems=1)),
        judge.state_folder(False, "~/x"),
        judge.instance(Instance(usable=False)),
        judge.parts({"jeepney": ""}, "3.11", "1"),
    ]


@pytest.mark.parametrize("finding", [*everything_unseen(), *everything_bad()], ids=lambda f: f"{f.name}: {f.text[:30]}")
def test_whatever_is_bad_has_a_next_step(finding):
    """No ✗ without a sentence about what to do."""
    if finding.mark is Mark.BAD:
        assert finding.next.strip()
    assert finding.text.strip()


def test_only_what_the_tray_needs_decides():
    """The exit code is that of the needed lines."""
    extra = Finding("autostart", Mark.BAD, "x", "y")
    assert is_well([extra, Finding("tray", Mark.GOOD, "x", needed=True)])
    assert is_well([Finding("running", Mark.NONE, "x", needed=True)])
    assert not is_well([Finding("tray", Mark.BAD, "x", "y", needed=True)])
    assert as_json([extra])["ok"] is True


def test_the_lines_stand_below_each_other():
    """Each finding is one line with its sign, and its step stands below the words."""
    told = lines([Finding("a", Mark.GOOD, "one\ntwo"), Finding("longer", Mark.BAD, "x", "do"), BUS])
    assert told == ["✓ a            one two", "✗ longer       x", "               → do", "✓ session bus  answers"]


@pytest.mark.parametrize("said", ["", "sesame", "x" * 100_000, "\x1b[31m\0", "token=abc OpenSSH", "1", "\u202e1.2"])
def test_a_program_shows_nothing_but_its_version(said):
    """What a program says is not repeated: only what looks like a version is."""
    told = [judge.ssh(Program(True, said), 0, Home()).text, judge.docker_machine(Program(True, said)).text]
    told.append(judge.docker_cli(Program(True, said), "default", []).text)
    for text in told:
        assert re.fullmatch(r"installed, of an unknown version|1\.2", text.removesuffix(", context default"))


def test_names_that_a_person_gave_are_not_told():
    """A context, a locale or a desktop that is not a well-known one is not named."""
    assert "prod" not in judge.docker_cli(Program(), "prod.example", ["DOCKER_HOST"]).text
    assert "context colima" in judge.docker_cli(Program(), "colima", []).text
    assert "/" not in judge.language("de_DE/x", "utf-8", True, Home()).text
    assert judge.system(["Debian 12", "x\nhidden", "a'b"]).text == "Debian 12"


def test_a_hostile_notification_server_is_one_short_line():
    """Its name comes from the bus and is treated as any foreign text."""
    finding = judge.notifications(BUS, Notifier("evil\x1b]0;\u202e\n" * 99, buttons=True), Home())
    assert len(finding.text) < 90
    assert finding.text.isprintable()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("at tcp://me:p@ss/w:rd@host:1 now", "at tcp://…@host:1 now"),
        ("https://a@b 'ssh://c@d'", "https://…@b 'ssh://…@d'"),
        ("File /home/zoe/x.py", "File ~/x.py"),
        ("File /home/bob/x.py", "File /home/…/x.py"),
        ("File /Users/bob", "File /Users/…"),
        (r"C:\Users\Bob\x", r"C:\Users\…\x"),
        ("File /home/zoey/x.py", "File /home/…/x.py"),
        ("mail me@example", "mail me@example"),
    ],
)
def test_secrets_are_taken_out_of_a_text(text, shown):
    """Passwords in addresses and the names of people's homes go, the rest stays."""
    assert without_secrets(text, "/home/zoe") == shown
    assert without_secrets("a/b", "/") == "a/b"
    assert without_secrets("~/x", "") == "~/x"


def test_a_place_is_told_only_where_everybody_has_it():
    """A folder below the home or of the system is shown, any other is not."""
    assert place("/home/zoe/.config/trayd", "/home/zoe") == "~/.config/trayd"
    assert place("/usr/bin/ssh", "/home/zoe") == "/usr/bin/ssh"
    assert place("/srv/customer/x", "/home/zoe") == place("/home/bob", "/home/zoe") == "a place of your own"


def test_the_columns_stand_below_each_other_in_chinese():
    """A Chinese name takes two cells a character; the names of `--json` stay as they are."""
    found = [Finding("session bus", Mark.BAD, "x", "y"), Finding("ssh", Mark.GOOD, "x")]
    with speaking({"session bus": "会话总线"}):
        told, names = lines(found), [finding["name"] for finding in as_json(found)["findings"]]
    assert told[0].startswith("✗ 会话总线  x")
    assert {width(line[: line.index(part)]) for line, part in zip(told, "x→x", strict=True)} == {12}
    assert names == ["session bus", "ssh"]


@pytest.mark.parametrize(("letters", "mark"), [(True, Mark.GOOD), (False, Mark.BAD), (SLOW, Mark.GOOD)])
def test_a_language_without_a_font_is_told(letters, mark):
    """Where menus would show boxes, the next step is to install a font; what could not be looked at is no failure."""
    found = judge.language("zh_CN.UTF-8", "utf-8", letters, Home(family="debian"))
    assert found.mark is mark
    assert found.next == ("sudo apt install fonts-wqy-microhei" if mark is Mark.BAD else "")
