"""The meaning of a policy, symbolically: proofs and witnesses. The only room that imports z3."""

from jurat.solver.check import check, interrupt
from jurat.solver.encoding import Encoding, encode
from jurat.solver.limits import Limits

__all__ = ["Encoding", "Limits", "check", "encode", "interrupt"]
