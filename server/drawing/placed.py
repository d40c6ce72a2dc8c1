"""A picture as data, for a page that draws it itself, moves it and finds things in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from jurat.server.drawing.layout import Layout, arrange
from jurat.server.drawing.picture import Box, Picture
from jurat.server.drawing.svg import BOX_WIDTH, LAYER_GAP, height_of, name_of, route, small_print


def placed(picture: Picture) -> dict[str, Any]:
    """Where every box stands and every arrow runs, in pixels at full size; for :mod:`json`.

    What findings are about is not marked, so that the places are those of the policy alone.
    """
    boxes = [replace(box, faults=()) for box in picture.boxes]
    heights = {box.id: height_of(box) for box in boxes}
    layout = arrange(heights, [(arrow.source, arrow.target) for arrow in picture.arrows], BOX_WIDTH, LAYER_GAP)
    return {
        "title": picture.title,
        "width": layout.width,
        "height": layout.height,
        "box_width": BOX_WIDTH,
        "boxes": [_box(box, layout, heights[box.id]) for box in boxes],
        "arrows": [
            {
                "source": arrow.source,
                "target": arrow.target,
                "kind": arrow.kind,
                "label": arrow.label,
                "path": route(arrow, layout, heights),
            }
            for arrow in picture.arrows
        ],
    }


def _box(box: Box, layout: Layout, height: float) -> dict[str, Any]:
    left, top = layout.places[box.id]
    return {
        "id": box.id,
        "kind": box.kind,
        "name": name_of(box),
        "condition": box.condition,
        "actions": list(box.actions),
        "lines": [{"style": style, "text": text} for style, text in small_print(box)],
        "x": round(left, 1),
        "y": round(top, 1),
        "height": height,
    }
