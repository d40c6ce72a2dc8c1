"""Pictures as text for other programs: DOT for Graphviz, Mermaid for Markdown."""

from __future__ import annotations

from jurat.server.drawing.picture import Arrow, Box, Picture

DOT_SHAPES = {"guideline": "box", "journey": "folder", "state": "ellipse"}
DOT_STYLES = {
    "overrides": 'color="#b3392f"', "requires": 'color="#1f5fa8"', "requires_any": 'color="#1f5fa8", style=dashed',
    "entails": 'color="#2c7a4b"', "exclusive_with": 'color="#7a4bb0", dir=none, style=dashed',
    "disambiguates": 'color="#b07a1f", style=dotted', "goes to": 'color="#555555"', "starts at": 'color="#999999"',
}  # fmt: skip
MERMAID_SHAPES = {"guideline": ("[", "]"), "journey": ("[[", "]]"), "state": ("([", "])")}
MERMAID_ARROWS = {"requires_any": "-.->", "exclusive_with": "-.-", "disambiguates": "-.->", "goes to": "==>"}


def to_dot(picture: Picture) -> str:
    """The picture for Graphviz."""
    lines = [
        f"digraph {_quoted(picture.title)} {{",
        "  rankdir=LR;",
        '  node [fontname="sans-serif"];',
    ]
    lines += [f"  {_quoted(box.id)} [{_dot_box(box)}];" for box in picture.boxes]
    lines += [
        f"  {_quoted(arrow.source)} -> {_quoted(arrow.target)} [{_dot_arrow(arrow)}];" for arrow in picture.arrows
    ]
    return "\n".join([*lines, "}"]) + "\n"


def _dot_box(box: Box) -> str:
    label = f"{box.id}\n{box.condition}" if box.condition else box.id
    fault = f', color="#c62828", penwidth=2, tooltip={_quoted("; ".join(box.faults))}' if box.faults else ""
    return f"label={_quoted(label)}, shape={DOT_SHAPES[box.kind]}{fault}"


def _dot_arrow(arrow: Arrow) -> str:
    text = f"{arrow.kind}: {arrow.label}" if arrow.label else arrow.kind
    return f"label={_quoted(text)}, {DOT_STYLES[arrow.kind]}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def to_mermaid(picture: Picture) -> str:
    """The picture for Mermaid; boxes are numbered, for its names allow little."""
    names = {box.id: f"n{number}" for number, box in enumerate(picture.boxes)}
    lines = ["flowchart LR"]
    for box in picture.boxes:
        opening, closing = MERMAID_SHAPES[box.kind]
        label = f"{box.id}<br/>{box.condition}" if box.condition else box.id
        lines.append(f"  {names[box.id]}{opening}{_escaped(label)}{closing}")
    for arrow in picture.arrows:
        shape = MERMAID_ARROWS.get(arrow.kind, "-->")
        text = f"{arrow.kind}: {arrow.label}" if arrow.label else arrow.kind
        lines.append(f"  {names[arrow.source]} {shape}|{_escaped(text)}| {names[arrow.target]}")
    faulty = [names[box.id] for box in picture.boxes if box.faults]
    if faulty:
        lines += ["  classDef faulty stroke:#c62828,stroke-width:3px", f"  class {','.join(faulty)} faulty"]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    """In quotes, with entities for what Mermaid or HTML would read as its own; line breaks stay."""
    parts = text.split("<br/>")
    escaped = [p.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;") for p in parts]
    return '"' + "<br/>".join(escaped).replace("\n", " ") + '"'
