"""Puts the latest tables into docs/performance.md, between two marks; the words around it are written by people."""

from __future__ import annotations

from typing import Any

from bench.model import result_from_json
from bench.pythons import ROOT
from bench.side import goals, side_table
from bench.table import check_line, remarks, table

PAGE = ROOT / "docs/performance.md"
BEGIN, END = "<!-- bench/run --write-docs: begin -->", "<!-- end -->"


def write(stored: dict[str, Any]) -> None:
    """Replace the part between the marks."""
    results = [result_from_json(value) for value in stored["items"].values()]
    machine, moments = stored["machine"], [value["moment"] for value in stored["items"].values()]
    days = sorted({moment["at"][:10] for moment in moments})
    loads = [moment["load"][0] for moment in moments]
    facts = (
        f"Measured on {' and '.join(days)}: {machine['system']}, {machine['cpu']}, {machine['memory']}, Python "
        f"{machine['python of trayd'].split()[0]}, {machine['dockerd']}; docker CLI {machine['docker'].split()[2]} "
        f"load average when an item began {min(loads):.1f} to {max(loads):.1f}."
    )
    parts = [
        facts,
        "",
        "### Side by side",
        "",
        "The median, and the 95th percentile in brackets.",
        "",
        side_table(results),
    ]
    parts += [
        "",
        "What was compared: " + "; ".join(f"{name}: {what}" for name, what in stored.get("peers", {}).items()) + ".",
    ]
    parts += ["", "Goals:", "", *(f"- {check_line(check)}" for check in goals(results))]
    parts += ["", "### All figures", "", table(results), "", *(f"- {line}" for line in remarks(results))]
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    text = "\n".join(parts)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")
