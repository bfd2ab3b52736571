"""A protected profile is not switched to by a slip of the finger: `trayd use` asks."""

import json

import pytest

from tests.cli.program import TRAYD, environment, profile, trayd
from tests.cli.screen import CTRL_C, Screen

DEAD = "host: tcp://127.0.0.1:9\n"


def active() -> str:
    return json.loads(trayd("profiles", "--json").stdout)["active"]


@pytest.mark.parametrize(
    ("keys", "code", "told", "then"),
    [
        ("y\n", 0, "office is the active profile", "office"),
        ("Yes\n", 0, "office is the active profile", "office"),
        ("n\n", 1, "trayd: nothing was changed", "lab"),
        ("\n", 1, "trayd: nothing was changed", "lab"),
        ("\x04", 1, "trayd: nothing was changed", "lab"),
        (CTRL_C, 130, "[y/N]", "lab"),
    ],
    ids=["y", "yes", "n", "enter", "ctrl-d", "ctrl-c"],
)
def test_use_asks_before_a_protected_profile(keys: str, code: int, told: str, then: str) -> None:
    """In a terminal `trayd use` asks, and only a yes switches."""
    profile("lab", DEAD)
    profile("office", f"{DEAD}protected: true\n")
    trayd("use", "lab")
    with Screen([*TRAYD, "use", "office"], environment(), columns=200) as screen:
        screen.wait_for("office is protected (tcp://127.0.0.1:9). Switch to it? [y/N]")
        screen.press(keys)
        assert screen.ended() == code
        assert told in screen.seen()
    assert active() == then


def test_use_refuses_a_protected_profile_where_nobody_can_be_asked() -> None:
    """In a script, by name or with -, it takes a --yes; staying where one is takes none."""
    profile("lab", DEAD)
    profile("office", f"{DEAD}protected: true\n")
    trayd("use", "lab")
    refused = trayd("use", "office")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        "trayd: office is protected, and nobody can be asked here: nothing was changed\n"
        "  → Say --yes if you mean it, and nothing is asked\n"
    )
    assert active() == "lab"
    assert trayd("use", "office", "--yes").returncode == 0
    assert trayd("use", "office").returncode == 0
    assert active() == "office"
    trayd("use", "lab")
    assert trayd("use", "-").returncode == 1
    assert active() == "lab"
