"""The results as a table, for a terminal and for docs/performance.md, which is the same Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from string import ascii_uppercase

from bench.model import Check, Result, Row

HEADINGS = ("what", "n", "median", "min – max", "reference", "ratio", "goal", "met")
VERDICT = {True: "yes", False: "**no**", None: ""}


def table(results: Iterable[Result]) -> str:
    """All rows as a Markdown table whose columns line up."""
    rows = [row for result in results for row in result.rows]
    lines = [HEADINGS, *(_cells(row, _letters(rows)) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    texts = []
    for line in lines:
        padded = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        texts.append(f"| {' | '.join(padded)} |")
    texts.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(texts)


def remarks(results: Iterable[Result]) -> list[str]:
    """What each reference is, the checks and the notes, a line each."""
    results = list(results)
    lines = [f"{letter} {what}" for what, letter in _letters(row for r in results for row in r.rows).items()]
    for result in results:
        lines += [check_line(check) for check in result.checks]
        lines += [f"{row.what}: {row.note}" for row in result.rows if row.note]
        lines += result.notes
    return lines


def check_line(check: Check) -> str:
    """A check with its verdict."""
    return f"{'✔' if check.holds else '✘ NOT TRUE:'} {check.what} ({check.note})"


def _letters(rows: Iterable[Row]) -> dict[str, str]:
    """A letter in brackets for each reference."""
    different = dict.fromkeys(row.reference_is for row in rows if row.reference)
    return {what: f"[{letter}]" for what, letter in zip(different, ascii_uppercase, strict=False)}


def _cells(row: Row, letters: dict[str, str]) -> tuple[str, ...]:
    reference = (
        f"{_number(statistics.median(row.reference))} {row.unit} {letters[row.reference_is]}" if row.reference else ""
    )
    goals = []
    if row.goal is not None:
        goals.append(f"{'all ' if row.worst and len(row.samples) > 1 else ''}≤ {_number(row.goal)} {row.unit}")
    if row.ratio_goal is not None:
        goals.append(f"ratio ≤ {row.ratio_goal:g}")
    return (
        row.what,
        str(len(row.samples)),
        f"{_number(row.median)} {row.unit}".strip(),
        f"{_number(min(row.samples))} – {_number(max(row.samples))}" if len(row.samples) > 1 else "",
        reference.strip(),
        f"{row.ratio:.2f}" if row.ratio is not None else "",
        ", ".join(goals),
        VERDICT[row.met],
    )


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
