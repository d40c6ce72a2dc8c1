"""What an edit of a policy changes: proved, shown, and counted."""

from jurat.solver.diff.compare import REGION, diff
from jurat.solver.diff.comparison import Admitted, Change, Comparison, Example, Row, Share, Status

__all__ = ["REGION", "Admitted", "Change", "Comparison", "Example", "Row", "Share", "Status", "diff"]
