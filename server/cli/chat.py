"""`jurat chat`: talk to an agent in the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from jurat.server.cli.agent import NotProved, agent_options, open_agent
from jurat.server.cli.backend import Asked
from jurat.server.cli.shell import Exit, Refused, complain, console, policy_argument, working
from jurat.server.cli.streams import write_json

if TYPE_CHECKING:
    import asyncio

    from jurat.engine import Session
    from jurat.engine.trace import Trace
    from jurat.engine.turn import Turn
    from jurat.server.opening import Agent

EPILOG = """\b
Examples:
  jurat chat my-agent
  jurat chat my-agent --fact customer.tier=gold
  jurat chat my-agent --message "I want a refund for order 1042"
  jurat chat my-agent --message "I want a refund" --json | jq .calls
  jurat chat my-agent --url http://localhost:8000

\b
In a conversation, an empty line is ignored and Ctrl-D ends it.
"""


@click.command(short_help="Talk to the agent in this terminal.", epilog=EPILOG)
@policy_argument
@click.option("--message", help="Run one turn on this message, print the reply and why, and end.")
@click.option(
    "--fact", "facts", multiple=True, metavar="NAME=VALUE", help="Something the application knows; may be repeated."
)
@click.option("--json", "as_json", is_flag=True, help="Print each turn's trace as one line of JSON.")
@agent_options
def chat(
    path: str,
    *,
    message: str | None,
    facts: tuple[str, ...],
    as_json: bool,
    asked: Asked,
    script: str | None,
    unproved: bool,
) -> int:
    """Talk to the agent of the policy at PATH, and see after each reply why it was given.

    The policy is proved first. One that does not pass is refused unless --unproved is given.
    """
    import asyncio

    given = _pairs(facts)
    with asyncio.Runner() as run:
        try:
            agent = open_agent(path, asked, script, unproved, run)
        except NotProved as error:
            complain(f"{error}; --unproved talks to it all the same")
            return error.status
        try:
            return _talk(agent, run, given, message, as_json)
        finally:
            run.run(agent.close())


def _pairs(facts: tuple[str, ...]) -> dict[str, str]:
    pairs = [each.partition("=") for each in facts]
    wrong = [name for name, equals, _ in pairs if not equals]
    if wrong:
        raise Refused(f"`{wrong[0]}` is not of the form NAME=VALUE")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _talk(agent: Agent, run: asyncio.Runner, given: dict[str, str], message: str | None, as_json: bool) -> int:
    from jurat.server.opening import facts_of

    session = agent.engine.start_session(facts_of(agent.graph, given))
    if message is not None:
        _turn(agent, run, session, message, as_json)
        return Exit.PASSED
    if not as_json:
        console().print(f"Talking to {agent.name}. Ctrl-D ends the conversation.", style="dim")
    while (line := _read_line(as_json)) is not None:
        if line.strip():
            _turn(agent, run, session, line, as_json)
    _end(agent, run, session)
    return Exit.PASSED


def _read_line(as_json: bool) -> str | None:
    try:
        return input("" if as_json or not sys.stdin.isatty() else "\nyou: ")
    except EOFError:
        return None


def _turn(agent: Agent, run: asyncio.Runner, session: Session, message: str, as_json: bool) -> None:
    with working("thinking") as tell:
        turn: Turn = run.run(
            agent.engine.turn(session, message, on_step=lambda step: tell(f"{step.name}: {step.detail}"))
        )
    if as_json:
        write_json(_as_json(turn.trace))
        return
    out = console()
    out.print(f"{agent.name}: " + (turn.response.text if turn.response else "(a human colleague answers now)"))
    for line in turn.trace.explain():
        out.print(f"  {line}", style="dim")


def _as_json(trace: Trace) -> dict[str, Any]:
    return trace.as_json()


def _end(agent: Agent, run: asyncio.Runner, session: Session) -> None:
    """Let the policy act on the end of the conversation, if it speaks of it."""
    if "session.ended" in agent.graph.atoms:
        run.run(agent.engine.turn(session, None, event="session.ended"))
