"""What the SDK raises: wrong use, at the call that is wrong, in one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar

from jurat.policies import JuratError
from jurat.policies.diagnostics import near_miss


class SDKError(JuratError):
    """A declaration that cannot be; the text says which part of it and why."""


class NotSupported(SDKError):
    """Something that other frameworks have and this one has not; nothing of it was stored."""


class NotProved(SDKError):
    """The policy did not pass its check, or could not be read; what is wrong was printed before."""


class NotStarted(SDKError):
    """What the server needs is not there: its model cannot answer, its store cannot be opened."""


class Instead:
    """What has names that other frameworks have and this one has not: using one says what there is here."""

    instead: ClassVar[Mapping[str, str]] = {}

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            kind = type(self).__name__
            if name in self.instead:
                raise NotSupported(f"`{kind}.{name}` is not supported; {self.instead[name]}")
            known = {*dir(type(self)), *getattr(type(self), "__dataclass_fields__", ())}
            close = near_miss(name, sorted(each for each in known if not each.startswith("_")))
            raise AttributeError(f"`{kind}` has no `{name}`" + (f"; {close}" if close else ""))


def unknown(what: str, name: str, known: Iterable[str]) -> SDKError:
    """That nothing of a kind has a name, with the near miss."""
    close = near_miss(name, known)
    return SDKError(f"no {what} is called `{name}`" + (f"; {close}" if close else ""))


def refuse_unsupported(where: str, advice: Mapping[str, str], given: Mapping[str, object]) -> None:
    """Refuse the parameters that were given and that nothing here can honour.

    Raises:
        NotSupported: the first of them, with what to do instead.
    """
    for name, value in given.items():
        if value:
            instead = advice.get(name, "")
            raise NotSupported(f"{where}: `{name}` is not supported" + (f"; {instead}" if instead else ""))
