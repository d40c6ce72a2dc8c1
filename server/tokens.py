"""JSON Web Tokens (RFC 7519) of customers, from an issuer that the configuration trusts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from jurat.server.scopes import SCOPES
from jurat.server.settings import SettingRefused

Algorithm = Literal["HS256", "RS256"]
SECRET_BYTES = 32
"""Of an HS256 key, at least (RFC 7518, section 3.2)."""

LEEWAY_SECONDS = 30
"""That the clocks of issuer and server may differ by."""

CUSTOMERS = frozenset({"chat"})
"""What a token is for that does not say so."""

NEVER = frozenset({"keys"})
"""What no token is for."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom a token is about: the customer, what they may do, with which agents, and facts that the issuer vouches for."""

    customer: str
    scopes: frozenset[str]
    agents: frozenset[str] | None
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a token has to be signed with and to say. ``key`` is the secret (HS256) or the public key in PEM (RS256).

    Raises:
        SettingRefused: a key that is too short or cannot be read.
    """

    algorithm: Algorithm
    key: bytes
    audience: str
    issuer: str

    def __post_init__(self) -> None:
        if self.algorithm not in get_args(Algorithm):
            raise SettingRefused(f"tokens are signed with {' or '.join(get_args(Algorithm))}, not `{self.algorithm}`")
        if self.algorithm == "HS256" and len(self.key) < SECRET_BYTES:
            raise SettingRefused(f"the secret of HS256 has at least {SECRET_BYTES} bytes; this one has {len(self.key)}")
        if self.algorithm == "RS256":
            _check_public(self.key)
        if not self.audience or not self.issuer:
            raise SettingRefused("tokens are for an audience and from an issuer; name both")

    def read(self, text: str) -> Bearer | None:
        """Whom a token is about; None where it is not to be trusted."""
        import jwt

        try:
            claims = jwt.decode(
                text, self.key, algorithms=[self.algorithm], audience=self.audience, issuer=self.issuer,
                leeway=LEEWAY_SECONDS, options={"require": ["exp", "iss", "aud", "sub"]},
            )  # fmt: skip
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            return None
        return _bearer(claims)


def _check_public(key: bytes) -> None:
    """Refuse what is no public key in PEM, and a private one, which has no business here."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        found = load_pem_public_key(key)
    except (ValueError, UnsupportedAlgorithm):
        raise SettingRefused("the key of RS256 is a public key in PEM, and this is none") from None
    if not isinstance(found, RSAPublicKey):
        raise SettingRefused("the key of RS256 is a public key of RSA, and this is of another kind")


def _bearer(claims: dict[str, Any]) -> Bearer | None:
    customer, said, agents = claims["sub"], claims.get("scope"), claims.get("agents")
    facts = claims.get("facts", {})
    if not customer.strip() or not isinstance(facts, dict) or not (said is None or isinstance(said, str)):
        return None
    if agents is not None and not (isinstance(agents, list) and all(isinstance(each, str) for each in agents)):
        return None
    scopes = CUSTOMERS if said is None else frozenset(said.split()) & SCOPES - NEVER
    return Bearer(customer, scopes, None if agents is None else frozenset(agents), facts)
