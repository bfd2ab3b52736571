"""Puts the latest table into docs/performance.md, between two marks; the words around it are written by people."""

from __future__ import annotations

from typing import Any

from bench.model import result_from_json
from bench.pythons import ROOT
from bench.table import remarks, table

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
        f"{machine['python of trayd'].split()[0]}, {machine['dockerd']}; load average when an item began "
        f"{min(loads):.1f} to {max(loads):.1f}."
    )
    text = "\n".join([facts, "", table(results), "", *(f"- {line}" for line in remarks(results))])
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")
