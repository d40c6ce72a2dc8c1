"""The options of `serve` that say who may call the server, from where and how often."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from jurat.server.cli.shell import Refused
from jurat.server.scopes import LOCAL, SCOPES
from jurat.server.settings import (
    BURST,
    MASTER_VARIABLE,
    PER_SECOND,
    TURNS_AT_ONCE,
    TURNS_MOST,
    Rate,
    SettingRefused,
    Settings,
    origins_of,
)

if TYPE_CHECKING:
    from jurat.server.tokens import Tokens

LEAST, MOST = 0.001, 1e6
NONE, ALL = "none", "all"
_OPTIONS = [
    click.option(
        "--origin", "origins", multiple=True, metavar="URL",
        help="An origin whose pages may call the server, such as https://shop.example; repeat it for more.",
    ),
    click.option(
        "--anonymous", multiple=True, metavar="SCOPE",
        help="What may be done without a key or token: a scope, `all` or `none`; repeat it for more.  "
        "[default: chat and facts where only this machine reaches the server, otherwise none]",
    ),
    click.option(
        "--rate", default=PER_SECOND, show_default=True, type=float,
        help="Requests a second of a caller without a rate of their own; 0 is without a limit.",
    ),
    click.option(
        "--turns-at-once", default=TURNS_AT_ONCE, show_default=True, type=click.IntRange(1, TURNS_MOST),
        help="Turns that may ask the model at the same time; others wait.",
    ),
    click.option(
        "--jwt-key", type=click.Path(dir_okay=False),
        help="Take JSON Web Tokens signed with the key in this file: a secret, or a public key in PEM.",
    ),
    click.option(
        "--jwt-algorithm", default="RS256", show_default=True, type=click.Choice(["RS256", "HS256"]),
        help="What tokens are signed with.",
    ),
    click.option("--jwt-audience", default="jurat", show_default=True, help="Whom tokens are for."),
    click.option("--jwt-issuer", help="Whom tokens are from."),
]  # fmt: skip


def server_options(command: Callable[..., Any]) -> Any:
    """The options, which arrive as ``access``: a function from whether the server is local to its :class:`Settings`."""

    @wraps(command)
    def gathered(*args: Any, **given: Any) -> Any:
        names = (
            "origins",
            "anonymous",
            "rate",
            "turns_at_once",
            "jwt_key",
            "jwt_algorithm",
            "jwt_audience",
            "jwt_issuer",
        )
        asked = {name: given.pop(name) for name in names}
        return command(*args, access=lambda local: _settings(local, **asked), **given)

    for option in reversed(_OPTIONS):
        gathered = option(gathered)
    return gathered


def _settings(
    local: bool, *, origins: tuple[str, ...], anonymous: tuple[str, ...], rate: float, turns_at_once: int, jwt_key: str | None,
    jwt_algorithm: str, jwt_audience: str, jwt_issuer: str | None,
) -> Settings:  # fmt: skip
    try:
        return Settings(
            origins_of(origins), _rate(rate), allowed(anonymous, local),
            _tokens(jwt_key, jwt_algorithm, jwt_audience, jwt_issuer), os.environ.get(MASTER_VARIABLE) or None,
            turns_at_once,
        )  # fmt: skip
    except SettingRefused as error:
        raise Refused(str(error)) from None


def allowed(words: tuple[str, ...], local: bool) -> frozenset[str]:
    """The scopes of whoever says no name.

    Raises:
        SettingRefused: a word that is no scope.
    """
    if not words:
        return LOCAL if local else frozenset()
    known = {NONE: frozenset[str](), ALL: SCOPES, **{each: frozenset({each}) for each in SCOPES}}
    for word in words:
        if word not in known:
            raise SettingRefused(f"there is no scope `{word}`; there are {', '.join(sorted(SCOPES))}, `all` and `none`")
    return frozenset().union(*(known[word] for word in words))


def _rate(per_second: float) -> Rate | None:
    if not (per_second == 0 or LEAST <= per_second <= MOST):
        raise SettingRefused(f"`{per_second}` is no rate; one is from {LEAST} to {MOST:.0f} requests a second, or 0")
    return Rate(per_second, max(1, round(per_second * BURST))) if per_second else None


def _tokens(file: str | None, algorithm: str, audience: str, issuer: str | None) -> Tokens | None:
    if file is None:
        if issuer is not None:
            raise SettingRefused("--jwt-issuer needs --jwt-key, the file with the key that tokens are signed with")
        return None
    from jurat.server.tokens import Algorithm, Tokens

    if issuer is None:
        raise SettingRefused("--jwt-key needs --jwt-issuer, whom tokens are from")
    try:
        key = Path(file).read_bytes().strip()
    except OSError as error:
        raise SettingRefused(f"`{file}` cannot be read: {(error.strerror or 'no reason given').lower()}") from None
    return Tokens(cast("Algorithm", algorithm), key, audience, issuer)
