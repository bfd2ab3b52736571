"""A measurement as data: samples, the reference's samples, the goal, and how they become a line of the table."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Row:
    """One measured thing; `goal` bounds the worst sample if `worst` is set, the median otherwise."""

    what: str
    unit: str
    samples: list[float]
    reference: list[float] = field(default_factory=list)
    reference_is: str = ""
    goal: float | None = None
    worst: bool = False
    ratio_goal: float | None = None
    note: str = ""

    @property
    def median(self) -> float:
        """The middle sample."""
        return statistics.median(self.samples)

    @property
    def ratio(self) -> float | None:
        """Our median divided by the reference's, if there is one that is not zero."""
        middle = statistics.median(self.reference) if self.reference else 0
        return self.median / middle if middle else None

    @property
    def met(self) -> bool | None:
        """Whether the goals are met; None without a goal, or without the reference that it needs."""
        verdicts = []
        if self.goal is not None:
            verdicts.append((max(self.samples) if self.worst else self.median) <= self.goal)
        if self.ratio_goal is not None and self.ratio is not None:
            verdicts.append(self.ratio <= self.ratio_goal)
        return all(verdicts) if verdicts else None

    def as_json(self) -> dict[str, Any]:
        """Everything, and what was computed from it."""
        return asdict(self) | {"median": self.median, "ratio": self.ratio, "met": self.met}


def row_from_json(value: dict[str, Any]) -> Row:
    """The row that `as_json` wrote."""
    return Row(**{key: value[key] for key in Row.__dataclass_fields__ if key in value})


@dataclass
class Check:
    """Something that either holds or does not."""

    what: str
    holds: bool
    note: str = ""


@dataclass
class Side:
    """One program's samples of one measure of the side-by-side table; without samples, `note` says why."""

    measure: str
    program: str
    samples: list[float] = field(default_factory=list)
    note: str = ""

    @property
    def median(self) -> float:
        """The middle sample."""
        return statistics.median(self.samples)

    @property
    def p95(self) -> float:
        """The 95th percentile, the largest one of few samples."""
        return percentile(self.samples, 95)


def spread(samples: list[float], unit: str) -> str:
    """Median, 95th percentile and maximum in words."""
    return f"p50 {statistics.median(samples):.3g}, p95 {percentile(samples, 95):.3g}, max {max(samples):.3g} {unit}"


def percentile(samples: list[float], percent: int) -> float:
    """The smallest sample that so many of them do not exceed."""
    return sorted(samples)[max(0, -(-len(samples) * percent // 100) - 1)]


@dataclass
class Result:
    """What one item of the bench found; `series` are the points of a plot, by the name of the line."""

    rows: list[Row] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    side: list[Side] = field(default_factory=list)
    series: dict[str, list[list[float]]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            "rows": [row.as_json() for row in self.rows],
            "checks": [asdict(check) for check in self.checks],
            "notes": self.notes,
            "side": [asdict(side) for side in self.side],
            "series": self.series,
        }


def result_from_json(value: dict[str, Any]) -> Result:
    """The result that `as_json` wrote."""
    rows = [row_from_json(row) for row in value["rows"]]
    checks = [Check(**check) for check in value["checks"]]
    side = [Side(**one) for one in value.get("side", [])]
    return Result(rows, checks, value["notes"], side, value.get("series", {}))
