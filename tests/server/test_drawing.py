"""Pictures of a policy."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

import jurat as package
from jurat.server.drawing import picture_of, placed, to_dot, to_mermaid, to_svg
from jurat.server.drawing.layout import arrange

HOSTILE = 'jurat: 1\nguidelines:\n  a:\n    condition: "Says \\"<script>\\" & -->"\n    action: "]] --> ]]>"\n    overrides: [b]\n  b: {condition: Says b, action: Do b}\n'
NAMES = st.sampled_from("abcdefgh")


@given(
    st.lists(st.tuples(NAMES, NAMES), max_size=20), st.dictionaries(NAMES, st.floats(20, 90), min_size=8, max_size=8)
)
def test_no_two_boxes_overlap_and_every_box_is_placed(arrows: list[tuple[str, str]], heights: dict[str, float]) -> None:
    layout = arrange(heights, arrows, 100, 40)
    assert set(layout.places) == set(heights)
    for one, other in combinations(heights, 2):
        (x, y), (to_x, to_y) = layout.places[one], layout.places[other]
        assert abs(x - to_x) >= 100 or y + heights[one] <= to_y + 1e-6 or to_y + heights[other] <= y + 1e-6
    for box, (x, y) in layout.places.items():
        assert 0 <= x <= layout.width - 100 + 1e-6
        assert -1e-6 <= y <= layout.height - heights[box] + 1e-6


@given(st.lists(st.tuples(NAMES, NAMES), max_size=20))
def test_the_same_policy_has_the_same_picture(arrows: list[tuple[str, str]]) -> None:
    heights = dict.fromkeys("abcdefgh", 30.0)
    assert arrange(heights, arrows, 100, 40) == arrange(heights, list(reversed(arrows)), 100, 40)


def test_every_guideline_and_relation_is_drawn(repository: Path) -> None:
    graph = package.load(repository / "examples/support")
    root = ET.fromstring(to_svg(picture_of(graph)))  # noqa: S314 - our own
    titles = {str(each.text) for each in root.iter("{http://www.w3.org/2000/svg}title")}
    names = {title.split("\n")[0] for title in titles}
    assert set(graph.entities) <= names
    assert {"escalate overrides refund-check", "refund-review overrides refund-granted"} <= titles


def test_a_relation_to_a_journey_is_not_repeated_for_its_states(repository: Path) -> None:
    arrows = {(a.source, a.target) for a in picture_of(package.load(repository / "examples/support")).arrows}
    assert ("escalate", "account-help") in arrows
    assert ("escalate", "account-help/identify") not in arrows


def test_texts_of_the_author_cannot_break_out_of_a_picture() -> None:
    picture = picture_of(package.load(HOSTILE))
    root = ET.fromstring(to_svg(picture))  # noqa: S314 - our own
    assert not list(root.iter("{http://www.w3.org/2000/svg}script"))
    assert to_dot(picture).count("\n") == 4 + len(picture.boxes) + len(picture.arrows)
    assert all(line.endswith(("{", "}", ";")) for line in to_dot(picture).splitlines())
    assert "<script>" not in to_mermaid(picture)
    assert to_mermaid(picture).count("\n") == 1 + len(picture.boxes) + len(picture.arrows)


def test_a_picture_as_data_stands_as_it_is_drawn(repository: Path) -> None:
    picture = picture_of(package.load(repository / "examples/support"))
    data, svg = placed(picture), to_svg(picture)
    assert [box["id"] for box in data["boxes"]] == [box.id for box in picture.boxes]
    assert all(f'd="{arrow["path"]}"' in svg for arrow in data["arrows"])
    for box in data["boxes"]:
        assert f'<rect class="box" x="{box["x"]:.1f}" y="{box["y"]:.1f}"' in svg
        assert 0 <= box["x"] <= data["width"] - data["box_width"] + 0.1
        assert box["y"] + box["height"] <= data["height"] + 0.1


def test_what_findings_are_about_is_marked(repository: Path) -> None:
    graph = package.load(repository / "examples/support-broken")
    picture = picture_of(graph, package.check(graph).failures)
    marked = {box.id for box in picture.boxes if box.faults}
    assert {"vip-upgrade", "standard-upgrade", "refund-granted", "priority-line", "escalate"} <= marked
    assert "private-data" not in marked
    assert "#c62828" in to_dot(picture)
    assert "faulty" in to_mermaid(picture)
