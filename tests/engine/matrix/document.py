"""Write docs/faults.md from the table: `python -m tests.engine.matrix.document`."""

from collections.abc import Iterable
from pathlib import Path

from tests.engine.matrix.rig import COLUMNS, GRACE, INTERVAL, SLOW, TIMEOUT
from tests.engine.matrix.table import ANSWERS, ENGINE, NETWORK, OTHERS, SLOWLY, Absent, AnyCell, Cell, Row, Untouched
from trayd.core.health import State
from trayd.core.report import WORDS

FILE = Path(__file__).parents[3] / "docs" / "faults.md"
HEADS = {"unix": "unix://", "tcp": "tcp://", "tls": "tcp:// with TLS", "ssh": "ssh://"}

INTRODUCTION = f"""# What is shown when something breaks

Each row is a fault, made in the tests with real engines (dockerd), a real sshd and a network of their own, over all
four transports at once; rows with ¹ are made with a stand-in, since no real engine does that. This page is written from
the table of the tests (`tests/engine/matrix/table.py`), so every cell is a test.

A cell says what is shown: the words, the code of the [diagnosis](diagnosis.md), after how many seconds at most the loss
shows (its cause may follow), and whether it is told. **told** means one notification of the loss after the grace, and
one of the return; engines that go together may share them. All this with an interval of {INTERVAL:g} s, a timeout of
{TIMEOUT:g} s, `slow` {SLOW:g} s and a grace of {GRACE:g} s. The seconds hold on a busy machine with two cores: on an
idle one a sudden loss shows within a tenth of a second.
"""
PREFIXES = {Untouched: "stays reachable: ", Absent: "– "}


def text() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for title, rows in (
        ("The engine", ENGINE),
        ("Its answers", ANSWERS),
        ("The way to it", NETWORK),
        ("Rights, restlessness and clocks", OTHERS),
    ):
        parts += [f"## {title}\n", "\n".join(_table(rows)) + "\n"]
    return "\n".join(parts)


def _table(rows: Iterable[Row]) -> Iterable[str]:
    yield "| fault | " + " | ".join(HEADS[column] for column in COLUMNS) + " |"
    yield "| --- " * (1 + len(COLUMNS)) + "|"
    for row in rows:
        cells = [_cell(row.cells[column]) for column in COLUMNS]
        if len(set(cells)) == 1:
            cells = [f"all: {cells[0]}", *["″"] * (len(cells) - 1)]
        yield f"| {row.title}{' ¹' if row.stand_in else ''} | " + " | ".join(cells) + " |"


def _cell(cell: AnyCell) -> str:
    if not isinstance(cell, Cell):
        return PREFIXES.get(type(cell), "") + cell.why
    codes = (cell.codes,) if isinstance(cell.codes, str) else cell.codes
    known = " ".join(f"[`[{code}]`](diagnosis.md#{code})" for code in codes if code)
    parts = [f"{WORDS[State(cell.state)]} {known}".strip(), f"{cell.within:g} s", "told" if cell.told else "not told"]
    if not cell.told and cell.state != SLOWLY:
        parts[0] += ", then reachable"
    return ", ".join(parts)


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
