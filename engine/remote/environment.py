"""Variables of the environment in what a policy says of a service; read when an agent is started, never written down."""

from __future__ import annotations

import os
import re

from jurat.engine.errors import ToolLoadError
from jurat.policies.model import ServiceDeclaration

_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)\}")


def filled_in(service: ServiceDeclaration, text: str) -> str:
    """The text with ``${NAME}`` replaced.

    Raises:
        ToolLoadError: a variable that is not set.
    """
    return _VARIABLE.sub(lambda found: variable(service, found[1]), text)


def variable(service: ServiceDeclaration, name: str) -> str:
    """A variable's value.

    Raises:
        ToolLoadError: it is not set.
    """
    value = os.environ.get(name)
    if value is None:
        raise fault(service, f"the environment has no `{name}`")
    return value


def headers_of(service: ServiceDeclaration) -> dict[str, str]:
    """What is sent with every request.

    Raises:
        ToolLoadError: a variable that is not set.
    """
    return {name: filled_in(service, text) for name, text in service.headers}


def fault(service: ServiceDeclaration, message: str) -> ToolLoadError:
    """What is wrong with a service, where it is declared."""
    return ToolLoadError(f"{service.span}: service `{service.id}`: {message}")


def extra_missing(service: ServiceDeclaration, extra: str) -> ToolLoadError:
    """An optional package that the service needs is not installed."""
    return fault(service, f"it needs an optional part of Jurat; install it with `pip install 'jurat[{extra}]'`")
