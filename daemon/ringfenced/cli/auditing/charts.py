"""Charts as inline SVG: what a picture says faster than a table. Pure. None needs colour to be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ringfenced.cli.auditing.markup import Markup, element

_WIDTH: Final = 720
_PLOT: Final = 120
_LEFT: Final = 62
_TOP: Final = 14
_BOTTOM: Final = 22
_BAR_WIDTH: Final = 110
_UNITS: Final = ("", "k", "M", "G", "T", "P", "E")
_THOUSAND: Final = 1000


def columns(
    title: str, names: Sequence[str], values: Sequence[int], *, unit: str = "", hatched: bool = False
) -> Markup:
    """A column for each day or the like, the highest labelled.

    Args:
        title: says what is shown, for who cannot see it.
        names: one for each column; the first, the last, and every fifth are written under them.
        values: as many.
        unit: stands behind figures.
        hatched: stripes instead of a solid fill.
    """
    top = max((*values, 1))
    step = (_WIDTH - _LEFT) / max(1, len(values))
    bars = []
    for index, value in enumerate(values):
        height = round(_PLOT * value / top, 1)
        x = round(_LEFT + index * step + step * 0.12, 1)
        y = round(_TOP + _PLOT - height, 1)
        tip = element("title", f"{names[index]}: {value:,} {unit}".rstrip())
        shape = {"x": x, "y": y, "width": round(step * 0.76, 1), "height": height}
        bars.append(element("rect", tip, class_="hatched" if hatched else "solid", **shape))
    marks = [_mark(index, names, step) for index in range(len(names)) if index % 5 == 0 or index == len(names) - 1]
    return element(
        "svg",
        element("title", title),
        _pattern(),
        *_axis(top, unit),
        *bars,
        *marks,
        viewBox=f"0 0 {_WIDTH} {_TOP + _PLOT + _BOTTOM}",
        role="img",
        aria_label=title,
    )


def bar(value: int, most: int) -> Markup:
    """A bar in a table's cell, as long as its share of the most."""
    width = round(_BAR_WIDTH * value / most, 1) if most else 0
    shape = element("rect", class_="solid", x=0, y=1, width=width, height=9)
    return element("svg", shape, class_="bar", viewBox=f"0 0 {_BAR_WIDTH} 11", aria_hidden="true")


def short(value: int) -> str:
    """A figure in three digits or so: ``1,234`` becomes ``1.23 k``."""
    scaled, unit = float(value), 0
    while abs(scaled) >= _THOUSAND and unit < len(_UNITS) - 1:
        scaled, unit = scaled / _THOUSAND, unit + 1
    return f"{scaled:.3g} {_UNITS[unit]}".strip() if unit else str(value)


def _axis(top: int, unit: str) -> list[Markup]:
    """Two lines: nothing, and the most, with figures."""
    parts = []
    for value, y in ((top, _TOP), (0, _TOP + _PLOT)):
        parts.append(element("line", class_="axis", x1=_LEFT, y1=y, x2=_WIDTH, y2=y))
        label = f"{short(value)}{unit}" if " " in short(value) else f"{short(value)} {unit}".strip()
        parts.append(element("text", label, x=_LEFT - 6, y=y + 4, text_anchor="end"))
    return parts


def _mark(index: int, names: Sequence[str], step: float) -> Markup:
    """A name under its column."""
    x = round(_LEFT + (index + 0.5) * step, 1)
    return element("text", names[index], x=x, y=_TOP + _PLOT + 15, text_anchor="middle")


def _pattern() -> Markup:
    """Stripes, told from a solid fill in black and white."""
    line = element("path", class_="stripe", d="M0 6 L6 0")
    pattern = element("pattern", line, id="stripes", width=6, height=6, patternUnits="userSpaceOnUse")
    return element("defs", pattern)
