"""`jurat serve`: the agent over HTTP, with a page to talk to it."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from jurat.server.cli.agent import NotProved, agent_options, open_agent
from jurat.server.cli.backend import Asked
from jurat.server.cli.options import server_options
from jurat.server.cli.shell import Exit, Refused, complain, complain_mildly, policy_argument, remark, require_extra

if TYPE_CHECKING:
    import asyncio

    from jurat.server.opening import Agent
    from jurat.server.settings import Settings

EPILOG = """\b
Examples:
  jurat serve my-agent
  jurat serve my-agent --port 9000
  jurat serve my-agent --backend vllm --model folder-of-weights
  jurat serve my-agent --store postgresql://jurat@localhost/conversations

\b
POST /sessions                  a new conversation: {"facts": {…}}
POST /sessions/ID/messages      a turn: {"message": "…"}; its steps and the turn as server-sent events
POST /sessions/ID/events        something that happened: {"event": "session.ended"}
GET  /sessions/ID               the conversation so far
GET  /traces/ID                 why a turn went as it did
GET  /calls?status=unknown      consequential calls whose outcome was lost; POST /calls/KEY says what it was
GET  /versions                  the policy's versions; POST puts a new one in effect, once it is proved
GET  /policy, /about            the policy's graph, what is served
GET  /healthz, /readyz          whether it answers, whether conversations can be held
GET  /openapi.json              all of it, for programs

\b
A key is sent as `Authorization: Bearer KEY`; `jurat keys create` makes one. Whoever has the key in JURAT_API_KEY may do
everything.
"""


@click.command(short_help="Serve the agent with a web page.", epilog=EPILOG)
@policy_argument
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="The address to listen at; only this machine by default."
)
@click.option("--port", default=8800, show_default=True, type=click.IntRange(0, 65535), help="0 takes any free one.")
@click.option(
    "--store",
    metavar="URL",
    help="Where conversations are kept: a file, postgresql://…, or memory.  [default: a file of the policy's own in the user's data folder]",
)
@server_options
@agent_options
def serve(
    path: str, *, host: str, port: int, store: str | None, access: Callable[[bool], Settings], asked: Asked, script: str | None,
    unproved: bool,
) -> int:  # fmt: skip
    """Serve the agent of the policy at PATH, with a page where each reply says why it was given.

    The policy is proved first. One that does not pass is refused unless --unproved is given, and then the page says so.
    Conversations survive the server: it goes on with them when it is started again.
    """
    import asyncio

    from jurat.server.data import store_of

    require_extra("server", "fastapi", "uvicorn", "sqlalchemy", "alembic")
    settings = access(is_local(host))
    listener = listen(host, port)
    with listener, asyncio.Runner(loop_factory=loop_factory()) as run:
        try:
            agent = open_agent(path, asked, script, unproved, run, store=store or store_of(path))
        except NotProved as error:
            complain(f"{error}; --unproved serves it all the same")
            return error.status
        try:
            run.run(_recover(agent))
            return _serve(agent, listener, path, host, settings, run)
        finally:
            run.run(agent.close())


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The faster event loop where there is one: it has no release for Windows."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _recover(agent: Agent) -> None:
    """Look into the conversations that were in the middle of a consequential call when their server stopped."""
    for id_ in await agent.engine.store.interrupted():
        await agent.engine.open(id_)
    if lost := len(await agent.engine.store.calls("unknown")):
        calls = "1 call has" if lost == 1 else f"{lost} calls have"
        complain_mildly(f"{calls} an unknown outcome and will not be repeated; GET /calls?status=unknown lists them")


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens, taken before anything long so that an occupied port is said at once."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror:
        raise Refused(f"`{host}` is not the address of this machine") from None
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError as error:
        listener.close()
        raise Refused(_why_not(error, host, port)) from None
    return listener


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use; stop what uses it, or choose another with --port"
    if error.errno == errno.EACCES:
        return f"port {port} is not open to this user; choose one above 1023 with --port"
    return f"cannot listen at {host}, port {port}: {(error.strerror or 'no reason given').lower()}"


def _serve(  # noqa: PLR0917 - what serve has
    agent: Agent, listener: socket.socket, path: str, host: str, settings: Settings, run: asyncio.Runner
) -> int:
    from jurat.server.app import create_app
    from jurat.server.opening import home_of
    from jurat.server.wire import Server, config

    port = listener.getsockname()[1]
    local = is_local(host)
    if not local:
        complain_mildly(reached(port, settings))
    hosts = ("localhost", "127.0.0.1", host) if local else None
    app = create_app(agent, hosts, home_of(path), settings)
    click.echo(f"{agent.name} answers at http://{'localhost' if local else host}:{port} (Ctrl-C ends it)")
    try:
        run.run(Server(config(app), app.state.service.settle).serve(sockets=[listener]))
    except KeyboardInterrupt:
        remark("stopped")
    return Exit.PASSED


def reached(port: int, settings: Settings) -> str:
    """What it means that other machines reach the server."""
    if settings.anonymous:
        return f"everybody who reaches this machine at port {port} may do this: {', '.join(sorted(settings.anonymous))}"
    return (
        "only those with a key or a token are answered; `jurat keys create` makes one, --anonymous chat lets others in"
    )


def is_local(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
