"""Pictures of a policy: SVG without any installed program, DOT and Mermaid; or where its boxes stand, as data."""

from jurat.server.drawing.picture import Picture, picture_of
from jurat.server.drawing.placed import placed
from jurat.server.drawing.svg import to_svg
from jurat.server.drawing.texts import to_dot, to_mermaid

__all__ = ["Picture", "picture_of", "placed", "to_dot", "to_mermaid", "to_svg"]
