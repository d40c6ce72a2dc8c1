"""An agent and its application in this process, with a script in the place of a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from jurat.engine import Engine, Toolbox
from jurat.engine.store import Store
from jurat.engine.tools import ToolContext
from jurat.llm.scripted import ScriptedJudge, ScriptedVoice
from jurat.policies import Report, load
from jurat.server.app import create_app
from jurat.server.opening import Agent
from jurat.server.settings import Settings

KEY = "the key of whoever runs the test"
NOBODY = str(Path(__file__).with_name("nobody.yaml"))
"""A script by which nothing is judged or said."""
HELD = {"authorization": f"Bearer {KEY}"}
POLICY = """
jurat: 1
agents:
  sales: {name: Sales}
  support: {name: Support}
facts:
  customer.tier: {enum: [standard, gold], ordered: true}
  customer.verified: {type: bool, from: tools}
observations:
  asks_refund: The customer asks for a refund
  asks_upgrade: The customer asks about an upgrade
tools:
  verify: {python: "tools:verify", provides: {customer.verified: true}}
  refund: {python: "tools:refund", consequential: true, guard: has(customer.verified) && customer.verified && arguments.amount <= 500}
guidelines:
  check: {when: asks_refund, tools: [verify], action: Say what was found}
  gold: {when: asks_upgrade && customer.tier >= "gold", action: Offer it for free}
  plain: {when: asks_upgrade, action: Offer it for a price}
  first: {when: asks_refund && asks_upgrade, action: Ask which comes first, overrides: [plain]}
"""


def verify(context: ToolContext) -> str:
    """Find out who it is."""
    return f"verified {context.user_data.get('id', 'a guest')}"


def refund(amount: int) -> str:
    """Pay money back."""
    return f"{amount} paid back"


def agent(
    store: Store | None = None,
    customers: Callable[[str], Mapping[str, Any] | None] | None = None,
    *,
    text: str = POLICY,
) -> Agent:
    """The agent of the policy above, or of another one with its tools."""
    graph = load(text)
    report = Report(graph.digest, (), (), 1, 0)
    judge = ScriptedJudge({"asks_refund": ["refund"], "asks_upgrade": ["upgrade"], "is_rude": ["idiot"]}, default=False)
    tools = {
        name: made for name, made in {"verify": verify, "refund": refund}.items() if name in graph.vocabulary.tools
    }
    voice = ScriptedVoice(lambda request: "First sentence. Second sentence.", arguments={"refund": {"amount": 20}})
    engine = Engine(graph, judge, voice, Toolbox(graph, tools), report=report, store=store)
    return Agent(engine, report, customers=customers)


def app(settings: Settings | None = None, **options: Any) -> FastAPI:
    """The application that serves it; whoever has the key may do everything."""
    return create_app(agent(**options), settings=settings or Settings(master=KEY, rate=None))
