"""A picture as SVG, drawn here."""

from __future__ import annotations

from html import escape
from itertools import pairwise
from textwrap import shorten, wrap

from jurat.server.drawing.layout import Layout, arrange
from jurat.server.drawing.picture import Arrow, Box, Picture

BOX_WIDTH, LAYER_GAP, MARGIN, LINE, PADDING = 264.0, 90.0, 24.0, 15.0, 10.0
CHARACTERS = 40
"""Of the small print that fit into a box."""

LINES = 3
"""Of condition or actions shown in a box; the tooltip has all."""

COLOURS = {
    "overrides": "#b3392f", "requires": "#1f5fa8", "requires_any": "#1f5fa8", "entails": "#2c7a4b",
    "exclusive_with": "#7a4bb0", "disambiguates": "#a86a14", "goes to": "#56606b", "starts at": "#9aa3ad",
}  # fmt: skip
DASHES = {"requires_any": "6 4", "exclusive_with": "6 4", "disambiguates": "2 4", "starts at": "2 4"}
STYLE = """
text { font-family: ui-sans-serif, system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; fill: #1d2733 }
.name { font-weight: 600; font-size: 13px }
.small { font-size: 11px; fill: #51606f }
.code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 10px; fill: #51606f }
.box { fill: #ffffff; stroke: #b8c2cc; stroke-width: 1 }
.journey .box { fill: #eef4fb; stroke: #7fa3c9 }
.state .box { fill: #f3f7f4; stroke: #8fb59c }
.faulty .box { stroke: #c62828; stroke-width: 2.5; fill: #fdf3f2 }
.fault { font-size: 11px; font-weight: 600; fill: #c62828 }
.arrow { fill: none; stroke-width: 1.5 }
.title { font-size: 16px; font-weight: 600 }
.ground { fill: #fafbfc }
@media (prefers-color-scheme: dark) {
  text { fill: #e8eeeb }
  .small, .code { fill: #9fafa8 }
  .ground { fill: #1a211e }
  .box { fill: #242d29; stroke: #47544e }
  .journey .box { fill: #1b2a3d; stroke: #4a6d94 }
  .state .box { fill: #1c2f27; stroke: #4d7a60 }
  .faulty .box { fill: #3a1d1b; stroke: #ff8a80 }
  .fault { fill: #ff8a80 }
  .arrow { filter: brightness(1.6) }
}
"""


def to_svg(picture: Picture) -> str:
    """The picture as one self-contained SVG text."""
    heights = {box.id: height_of(box) for box in picture.boxes}
    layout = arrange(heights, [(arrow.source, arrow.target) for arrow in picture.arrows], BOX_WIDTH, LAYER_GAP)
    kinds = [kind for kind in COLOURS if any(arrow.kind == kind for arrow in picture.arrows)]
    head = MARGIN + 24 + (26 if kinds else 0)
    width = max(layout.width + 2 * MARGIN, 2 * MARGIN + 130 * len(kinds), 320)
    height = head + layout.height + 2 * MARGIN
    faults = sum(bool(box.faults) for box in picture.boxes)
    summary = f"{len(picture.boxes)} boxes, {len(picture.arrows)} arrows" + (
        f", {faults} with findings" if faults else ""
    )
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title summary">',
        f'<title id="title">{escape(picture.title)}</title><desc id="summary">{summary}</desc>',
        f"<style>{STYLE}</style>{_markers(kinds)}",
        f'<rect class="ground" width="{width:.0f}" height="{height:.0f}"/>',
        f'<text class="title" x="{MARGIN}" y="{MARGIN + 12}">{escape(picture.title)}</text>{_legend(kinds)}',
        f'<g transform="translate({MARGIN} {head + MARGIN / 2:.0f})">',
        *(_arrow(arrow, layout, heights) for arrow in picture.arrows),
        *(_box(box, *layout.places[box.id], heights[box.id]) for box in picture.boxes),
        "</g></svg>\n",
    ]
    return "\n".join(parts)


def _markers(kinds: list[str]) -> str:
    ends = (
        f'<marker id="{_name(kind)}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0L8 4L0 8z" fill="{COLOURS[kind]}"/></marker>'
        for kind in kinds
    )
    return f"<defs>{''.join(ends)}</defs>"


def _legend(kinds: list[str]) -> str:
    entries = []
    for number, kind in enumerate(kinds):
        left, top = MARGIN + 130 * number, MARGIN + 34
        entries.append(
            f'<path class="arrow" d="M{left} {top}h30" {_stroke(kind)}/>'
            f'<text class="small" x="{left + 38}" y="{top + 4}">{escape(kind.replace("_", " "))}</text>'
        )
    return "".join(entries)


def _stroke(kind: str) -> str:
    dashes = f' stroke-dasharray="{DASHES[kind]}"' if kind in DASHES else ""
    end = "" if kind == "exclusive_with" else f' marker-end="url(#{_name(kind)})"'
    return f'stroke="{COLOURS[kind]}"{dashes}{end}'


def _name(kind: str) -> str:
    return "end-" + kind.replace(" ", "-").replace("_", "-")


def small_print(box: Box) -> list[tuple[str, str]]:
    """The lines below a box's name, each with its style: ``code``, ``small`` or ``fault``."""
    condition = wrap(box.condition, CHARACTERS, max_lines=LINES, placeholder=" …")
    actions = [shorten(action, CHARACTERS - 1, placeholder=" …") for action in box.actions]
    if len(actions) > LINES:
        actions = [*actions[: LINES - 1], f"and {len(actions) - LINES + 1} more"]
    faults = [" ".join(fault.partition(":")[0].split()) for fault in box.faults]
    return [
        *(("code", line) for line in condition),
        *(("small", f"→ {action}") for action in actions),
        *(("fault", f"▲ {fault}") for fault in faults),
    ]


def height_of(box: Box) -> float:
    """How high a box is drawn."""
    return 2 * PADDING + LINE * (1 + len(small_print(box)))


def _box(box: Box, left: float, top: float, height: float) -> str:
    radius = 12 if box.kind == "state" else 4
    lines = [
        f'<text class="{style}" x="{left + PADDING:.1f}" y="{top + PADDING + LINE * (n + 1) + 11:.1f}">{escape(line)}</text>'
        for n, (style, line) in enumerate(small_print(box))
    ]
    tip = "\n".join([box.id, box.condition, *box.actions, *box.faults])
    return (
        f'<g class="{box.kind}{" faulty" if box.faults else ""}"><title>{escape(tip)}</title>'
        f'<rect class="box" x="{left:.1f}" y="{top:.1f}" width="{BOX_WIDTH:.0f}" height="{height:.1f}" rx="{radius}"/>'
        f'<text class="name" x="{left + PADDING:.1f}" y="{top + PADDING + 11:.1f}">'
        f"{escape(name_of(box))}</text>{''.join(lines)}</g>"
    )


def name_of(box: Box) -> str:
    """As much of a box's id as there is room for."""
    return shorten(box.id, 32, placeholder="…") if " " in box.id else _cut(box.id, 32)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _arrow(arrow: Arrow, layout: Layout, heights: dict[str, float]) -> str:
    tip = f"{arrow.source} {arrow.kind.replace('_', ' ')} {arrow.target}" + (f": {arrow.label}" if arrow.label else "")
    path = route(arrow, layout, heights)
    return f'<path class="arrow" d="{path}" {_stroke(arrow.kind)}><title>{escape(tip)}</title></path>'


def route(arrow: Arrow, layout: Layout, heights: dict[str, float]) -> str:
    """The way of an arrow from box to box, as the data of an SVG path."""
    (left, top), (other_left, other_top) = layout.places[arrow.source], layout.places[arrow.target]
    start_y, end_y = top + heights[arrow.source] / 2, other_top + heights[arrow.target] / 2
    bends = layout.bends.get((arrow.source, arrow.target), ())
    if other_left > left:
        return _curve([(left + BOX_WIDTH, start_y), *bends, (other_left - 2, end_y)])
    if other_left < left:
        return _curve([(left, start_y + 8), *bends, (other_left + BOX_WIDTH + 2, end_y + 8)])
    right = left + BOX_WIDTH  # a box above or below, or itself
    return f"M{right:.1f} {start_y:.1f}C{right + 50:.1f} {start_y:.1f} {right + 50:.1f} {end_y:.1f} {right + 2:.1f} {end_y:.1f}"


def _curve(points: list[tuple[float, float]]) -> str:
    """Level at each point, so that arrows leave and enter boxes straight."""
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x, y), (to_x, to_y) in pairwise(points):
        middle = (x + to_x) / 2
        path += f"C{middle:.1f} {y:.1f} {middle:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
    return path
