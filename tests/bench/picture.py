"""Curves side by side as SVG, with colours for a light and for a dark page."""

from collections.abc import Sequence
from math import log10
from typing import NamedTuple

STYLE = """<style>
svg {font: 13px sans-serif}
svg {background: #fff; fill: #222; --grid: #ddd; --line: #0b62c4; --aim: #b3261e}
@media (prefers-color-scheme: dark) {
  svg {background: #161b22; fill: #ddd; --grid: #3a3f46; --line: #6cb6ff; --aim: #ff8a80}
}
.grid {stroke: var(--grid)} .aim {stroke: var(--aim); stroke-dasharray: 5 4}
.line {fill: none; stroke: var(--line); stroke-width: 2} .dot {fill: var(--line)}
.end {text-anchor: end} .middle {text-anchor: middle}
</style>
"""
WIDTH, HEIGHT, LEFT, TOP, STEP = 300, 200, 60, 40, 390


class Panel(NamedTuple):
    """A curve: its points, what is written along its vertical axis, and a line to compare with."""

    title: str
    points: Sequence[tuple[float, float]]
    ticks: Sequence[float]
    aim: float
    logarithmic: bool = False

    def draw(self, left: int, right_end: float, label: str) -> str:
        """Return the panel's elements; the horizontal axis ends at a value that it names."""

        def across(value: float) -> float:
            return left + WIDTH * value / right_end

        def up(value: float) -> float:
            low, high, own = (
                log10(v) if self.logarithmic else v for v in (self.ticks[0], self.ticks[-1], value)
            )
            return TOP + HEIGHT * (1 - (own - low) / (high - low))

        def text(x: float, y: float, words: str, anchor: str) -> str:
            return f'<text class="{anchor}" x="{x:.0f}" y="{y:.0f}">{words}</text>\n'

        def rule(value: float, kind: str) -> str:
            return f'<path class="{kind}" d="M{left} {up(value):.1f}h{WIDTH}"/>\n'

        at = [(f"{across(x):.1f}", f"{up(y):.1f}") for x, y in self.points]
        return "".join((
            text(left, TOP - 16, self.title, "start"),
            *(rule(t, "grid") + text(left - 8, up(t) + 4, f"{t:,g}", "end") for t in self.ticks),
            rule(self.aim, "aim"),
            text(left, TOP + HEIGHT + 20, "0", "middle"),
            text(left + WIDTH, TOP + HEIGHT + 20, f"{right_end:,.0f}", "middle"),
            text(left + WIDTH / 2, TOP + HEIGHT + 20, label, "middle"),
            f'<path class="line" d="M{"L".join(map(" ".join, at))}"/>\n',
            *(f'<circle class="dot" r="3.5" cx="{x}" cy="{y}"/>\n' for x, y in at),
        ))  # fmt: skip


def picture(label: str, right_end: float, *panels: Panel) -> str:
    """Return the SVG of panels that share their horizontal axis."""
    width, height = STEP * len(panels), TOP + HEIGHT + 36
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    drawn = (p.draw(LEFT + STEP * n, right_end, label) for n, p in enumerate(panels))
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n{STYLE}{"".join(drawn)}</svg>\n'
