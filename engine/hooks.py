"""What an application does around the verbs of a turn; nothing of it decides what the policy decides."""

from __future__ import annotations

from jurat.engine.match import Decision
from jurat.engine.turn import Response, Working


class Hooks:
    """Does nothing; an application overrides what it wants to hear of. What they raise ends the turn as any failure does."""

    async def begun(self, working: Working) -> None:
        """A turn has begun and nothing was asked yet; what is added to the conversation is judged with it."""

    async def decided(self, working: Working, decision: Decision) -> None:
        """All calls of the turn were made, and this is what the reply must follow."""

    async def replied(self, working: Working, response: Response, decision: Decision) -> None:
        """A reply has passed its check and is about to be sent."""

    def left(self, working: Working) -> None:
        """The turn ends without having come to its end, cancelled perhaps; what was begun for it is of no use any more."""

    async def failed(self, working: Working, error: Exception) -> None:
        """The turn has failed with this error, and sends nothing."""
