"""The plots in docs/: how cost grows with the number of profiles, and when each program shows a loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.beside import TRAYD
from bench.model import Result
from bench.pythons import ROOT
from bench.side import Sides

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GROWTH, LOSS = ROOT / "docs/growth.svg", ROOT / "docs/loss.svg"
OURS, OTHERS, INK = "#0b6e4f", "#8a8f98", "#222222"
SETTINGS = {
    "font.size": 10,
    "svg.hashsalt": "trayd",  # the same figures give the same file
    "svg.fonttype": "none",  # text stays text: small, and readable by those who cannot see the picture
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "white",
}


def write(results: list[Result]) -> bool:
    """Draw what there are figures for; False if the library is not installed."""
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("svg")
    from matplotlib import pyplot

    with pyplot.rc_context(SETTINGS):
        series = {name: points for result in results for name, points in result.series.items()}
        if series:
            figure, axes = pyplot.subplots(2, 2, figsize=(8, 5.6), layout="constrained")
            for axis, (name, points) in zip(axes.flat, series.items(), strict=False):
                _growth(axis, name, points)
            figure.suptitle("What trayd costs with 1 to 100 reachable profiles")
            figure.savefig(GROWTH, metadata={"Date": None})
            pyplot.close(figure)
        sides = Sides(results)
        names = [name for name in sides.programs if (side := sides.get("kill -9", name)) and side.samples]
        if TRAYD in names:
            figure, axis = pyplot.subplots(figsize=(8, 0.6 + 0.42 * len(names)), layout="constrained")
            _loss(axis, sides, names)
            figure.savefig(LOSS, metadata={"Date": None})
            pyplot.close(figure)
    return True


def _growth(axis: Axes, name: str, points: list[list[float]]) -> None:
    counts, values = zip(*points, strict=True)
    axis.plot(counts, values, marker="o", color=OURS, linewidth=1.5)
    axis.set_xlabel("profiles")
    axis.set_ylabel(name)
    axis.set_xlim(0, max(counts) * 1.08)
    axis.set_ylim(0, max(values) * 1.18)
    axis.grid(axis="y", color="#e3e3e3")
    axis.annotate(
        _short(values[-1]), (counts[-1], values[-1]), textcoords="offset points", xytext=(0, 7), ha="center", color=INK
    )


def _loss(axis: Axes, sides: Sides, names: list[str]) -> None:
    for place, name in enumerate(reversed(names)):
        side = sides.get("kill -9", name)
        assert side
        colour = OURS if name == TRAYD else OTHERS
        axis.plot(side.samples, [place] * len(side.samples), "|", color=colour, markersize=10)
        axis.plot([side.median], [place], "o", color=colour)
        axis.annotate(
            f"{_short(side.median)} ms",
            (max(side.samples), place),
            textcoords="offset points",
            xytext=(8, -4),
            color=INK,
        )
    axis.set_xscale("log")
    axis.set_xlim(1, 40000)
    axis.set_xticks([1, 10, 100, 1000, 10000], ["1", "10", "100", "1000", "10 000"])
    axis.set_ylim(-0.6, len(names) - 0.4)
    axis.set_yticks(range(len(names)), [name.replace("`", "") for name in reversed(names)])
    axis.set_xlabel("from kill -9 of the engine to its being shown, ms (each run, and the median)")
    axis.grid(axis="x", color="#e3e3e3")


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"
