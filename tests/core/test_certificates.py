"""When certificates end, in words, and where these words stand."""

import pytest

from tests.core.scene import OFFICE, Scene
from trayd.core import messages as m
from trayd.core.certificates import SOON, Certificate, dated, days_left, until, warnings
from trayd.core.menu import view
from trayd.core.report import as_json, expiring

DAY = 86400.0
NOON = 20_000 * DAY + DAY / 2  # 2024-10-04 12:00 UTC


def clock(wall):
    return "14:02"


@pytest.mark.parametrize(
    ("ends", "days"),
    [(NOON, 0), (NOON - DAY / 2, 0), (NOON + DAY / 2, 1), (NOON + 12 * DAY, 12), (NOON - DAY, -1)],
)
def test_days_are_counted_from_date_to_date(ends, days):
    """The number of days always agrees with the date beside it, at whatever hour one looks."""
    assert days_left(ends, NOON) == days


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (12, "certificate of office ends in 12 days (2024-10-16)"),
        (1, "certificate of office ends tomorrow (2024-10-05)"),
        (0, "certificate of office ends today (2024-10-04)"),
        (-3, "certificate of office has ended (2024-10-01)"),
    ],
)
def test_the_end_is_said_as_people_say_it(days, words):
    """How many days are left, and the date."""
    (certificate,) = dated([Certificate("server", NOON + days * DAY)], NOON)
    assert warnings("office", [certificate]) == [words]


def test_whose_certificate_it_is_is_said():
    """The engine's, one's own and the authority's are told apart, since different people renew them."""
    all_three = dated([Certificate(what, NOON) for what in ("server", "client", "ca")], NOON)
    assert [line.partition(" ends")[0] for line in warnings("lab", all_three)] == [
        "certificate of lab",
        "your certificate for lab",
        "ca.pem of lab",
    ]


def test_a_certificate_is_spoken_of_thirty_days_before():
    """One that ends in 31 days is good, one that ends in 30 is said."""
    near, far = dated([Certificate("server", NOON + n * DAY) for n in (SOON, SOON + 1)], NOON)
    assert len(warnings("office", [near, far])) == 1
    assert until(far) == "until 2024-11-04 (31 days)"


def ending(scene, days):
    return Certificate("server", 1_700_000_000 + scene.now + days * DAY)


def test_menu_tooltip_and_json_say_it_and_a_probe_without_news_keeps_it():
    """What a new connection told stays in menu, tooltip and JSON while the connection is kept."""
    scene = Scene(OFFICE)
    scene.probed("office", m.Answered(0.002, m.EngineInfo(), (ending(scene, 12),)))
    scene.probed("office", m.Answered(0.002))
    (line,) = expiring(scene.snapshot.engines.values())
    assert line.startswith("⚠ certificate of office ends in 12 days (")
    shown = view(scene.snapshot, clock)
    assert line in [item.label for item in shown.menu]
    assert line in shown.tooltip.splitlines()
    (entry,) = as_json(scene.snapshot.engines["office"], str)["certificates"]
    assert (entry["what"], entry["days"]) == ("server", 12)


def test_the_view_changes_once_a_day_at_most():
    """The days are those of the last probe: probes of one day give equal views, those of the next another."""
    scene = Scene(OFFICE)
    scene.probed("office", m.Answered(0.002, m.EngineInfo(), (ending(scene, 12),)))
    first = view(scene.snapshot, clock)
    scene.now += 5
    scene.say(m.CheckAgain("office"))
    scene.answer()
    assert view(scene.snapshot, clock) == first
    scene.now += DAY
    assert view(scene.snapshot, clock) == first
    scene.say(m.CheckAgain("office"))
    scene.answer()
    assert "ends in 11 days" in view(scene.snapshot, clock).tooltip


def test_a_renewed_certificate_is_silent():
    """The next connection shows the new one, and nothing is said any more."""
    scene = Scene(OFFICE)
    scene.probed("office", m.Answered(0.002, m.EngineInfo(), (ending(scene, 2),)))
    scene.say(m.CheckAgain("office"))
    scene.probed("office", m.Answered(0.002, m.EngineInfo(), (ending(scene, 400),)))
    assert expiring(scene.snapshot.engines.values()) == []
