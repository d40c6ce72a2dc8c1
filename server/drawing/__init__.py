"""Pictures of a policy: SVG without any installed program, DOT and Mermaid."""

from jurat.server.drawing.picture import Picture, picture_of
from jurat.server.drawing.svg import to_svg
from jurat.server.drawing.texts import to_dot, to_mermaid

__all__ = ["Picture", "picture_of", "to_dot", "to_mermaid", "to_svg"]
