"""The side-by-side table, and the goals that compare trayd with what it is put beside."""

from __future__ import annotations

from collections.abc import Iterable

from bench.beside import FLOOR, PEERS, TRAYD
from bench.loop import BOUNDED, WAYS
from bench.model import Check, Result, Side
from bench.peers.programs import MEMORY_PEERS

# Measure, heading, and whether the 95th percentile is told with the median.
MEASURES = {
    "start": ("start, ms", False),
    "RSS": ("RSS, MiB", False),
    "PSS": ("PSS, MiB", False),
    "CPU": ("CPU, s/h", False),
    "wakes": ("wake-ups/h", False),
    "kill -9": ("kill -9 shown, ms", True),
    "SIGTERM": ("SIGTERM shown, ms", True),
    "SIGSTOP": ("SIGSTOP shown, s", True),
    "recovery": ("recovery shown, ms", True),
}
POLLERS = tuple(way.name for way in WAYS)
ORDER = (TRAYD, FLOOR, *PEERS, *POLLERS, BOUNDED.name)
# The two peers that hold a stream and show an icon or a window.
SOONEST = ("anchorage", "syncthingtray")
LOSS_LIMIT = 20.0  # ms: the sooner end of what those two were found to take before (facts/bench.md)
SOONER_THAN_POLLING, SHARE_OF_POLLING, SOONER_BACK, HUNG_LIMIT = 50, 0.1, 5, 8.0


class Sides:
    """All side-by-side samples of a run, by measure and program."""

    def __init__(self, results: Iterable[Result]) -> None:
        self._all: dict[tuple[str, str], Side] = {}
        for side in (side for result in results for side in result.side):
            known = self._all.get((side.measure, side.program))
            if known is None or not known.samples:
                self._all[side.measure, side.program] = side

    def get(self, measure: str, program: str) -> Side | None:
        """One cell, if there is anything in it."""
        return self._all.get((measure, program))

    def median(self, measure: str, program: str) -> float | None:
        """The median of one cell."""
        side = self.get(measure, program)
        return side.median if side and side.samples else None

    def medians(self, measure: str, programs: Iterable[str]) -> dict[str, float]:
        """Those medians that there are."""
        found = {name: self.median(measure, name) for name in programs}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def programs(self) -> list[str]:
        """Who is in the table."""
        return [name for name in ORDER if any(program == name for _, program in self._all)]


def side_table(results: Iterable[Result]) -> str:
    """A Markdown table: a line for each program, a column for each measure; then why cells are empty."""
    sides = Sides(results)
    if not sides.programs:
        return ""
    notes: dict[tuple[str, str], list[str]] = {}  # measures by program and reason
    lines = [["program", *(heading for heading, _ in MEASURES.values())]]
    for name in sides.programs:
        lines.append([name, *(_cell(sides.get(measure, name), tail) for measure, (_, tail) in MEASURES.items())])
        for measure in MEASURES:
            side = sides.get(measure, name)
            if side and side.note:
                notes.setdefault((name, side.note), []).append(measure)
    alike: dict[tuple[str, str], list[str]] = {}
    for (name, note), measures in notes.items():
        alike.setdefault((note, ", ".join(measures)), []).append(name)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    texts = [f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |" for line in lines]
    texts.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    remarks = [f"- {measures}: {note}: {', '.join(names)}" for (note, measures), names in alike.items()]
    return "\n".join([*texts, "", *remarks])


def _cell(side: Side | None, tail: bool) -> str:
    if side is None:
        return ""
    if not side.samples:
        return "never" if side.note.startswith("not in") else "–"
    middle = _number(side.median)
    return f"{middle} ({_number(side.p95)})" if tail and len(side.samples) > 1 else middle


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def goals(results: Iterable[Result]) -> list[Check]:
    """What trayd must be beside the others; only what both were measured for is judged."""
    sides = Sides(results)
    checks: list[Check] = []

    def judge(what: str, ours: float | None, limit: float | None, unit: str, note: str) -> None:
        if ours is not None and limit is not None:
            told = f"{_number(ours)} {unit}, at most {_number(limit)} {unit}: {note}"
            checks.append(Check(what, ours <= limit, told))

    lost = sides.median("kill -9", TRAYD)
    if quick := sides.medians("kill -9", SOONEST):
        soonest = min(quick, key=lambda name: quick[name])
        limit = max(quick[soonest], LOSS_LIMIT)
        note = (
            f"the soonest is {soonest} with {_number(quick[soonest])} ms, and less than {LOSS_LIMIT:g} ms is not asked"
        )
        judge("a loss is shown as soon as by the soonest peer", lost, limit, "ms", note)
    if polls := sides.medians("kill -9", POLLERS):
        best = min(polls, key=lambda name: polls[name])
        note = f"{best} takes {_number(polls[best])} ms"
        judge(
            f"a loss is shown {SOONER_THAN_POLLING} times sooner than by the best poller",
            lost,
            polls[best] / SOONER_THAN_POLLING,
            "ms",
            note,
        )
        if cost := sides.median("CPU", best):
            note = f"{best} takes {_number(cost)} s/h"
            ours = sides.median("CPU", TRAYD)
            judge("that at a tenth of this poller's CPU", ours, cost * SHARE_OF_POLLING, "s/h", note)
    hung = sides.get("SIGSTOP", TRAYD)
    if hung and hung.samples:
        judge("a hung engine is shown within 8 s", max(hung.samples), HUNG_LIMIT, "s", "the longest of all")
    if backs := sides.medians("recovery", PEERS):
        soonest = min(backs, key=lambda name: backs[name])
        judge(
            f"recovery is shown {SOONER_BACK} times sooner than by the soonest peer",
            sides.median("recovery", TRAYD),
            backs[soonest] / SOONER_BACK,
            "ms",
            f"{soonest} takes {_number(backs[soonest])} ms",
        )
    if sizes := sides.medians("RSS", (FLOOR, *MEMORY_PEERS)):
        least = min(sizes, key=lambda name: sizes[name])
        what = "memory (RSS) is below every Python and Qt peer and the bare icon"
        judge(what, sides.median("RSS", TRAYD), sizes[least], "MiB", f"the least is {least}")
    floor = sides.median("start", FLOOR)
    judge("start is no slower than the bare icon", sides.median("start", TRAYD), floor, "ms", FLOOR)
    return checks
