"""What phrasing a reply needs to know, gathered once."""

from __future__ import annotations

from dataclasses import dataclass

from jurat.engine.act import Hands
from jurat.engine.briefing import Briefing
from jurat.engine.fields import fields_of
from jurat.engine.match import Decision
from jurat.engine.turn import Working
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Agent, ReplyDeclaration


@dataclass(frozen=True, slots=True)
class Task:
    """One reply to be phrased: by whom, under what decision, and with what in hand."""

    hands: Hands
    graph: PolicyGraph
    agent: Agent
    working: Working
    decision: Decision
    brief: Briefing

    @property
    def fields(self) -> dict[str, object]:
        """What a template may speak of."""
        return fields_of(self.working, self.agent, self.brief.asks)

    def declared(self, reply: str) -> ReplyDeclaration | None:
        """A canned reply by its id."""
        return self.graph.vocabulary.replies.get(reply)
