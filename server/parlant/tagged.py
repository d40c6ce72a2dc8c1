"""Records that carry tags, such as terms and capabilities: reading, changing and deleting them, whatever else they say."""

from __future__ import annotations

from typing import Any, Protocol

from fastapi import Response

from jurat.engine.store import Record
from jurat.server.parlant.common import Names, Workbench, missing
from jurat.server.parlant.tags import found_tag
from jurat.server.refusals import Refusal
from jurat.server.service import Service


class Change(Protocol):
    """The body of a request that changes one."""

    tags: Names | None

    def model_dump(self, *, exclude_none: bool, exclude: set[str]) -> dict[str, Any]:
        """Pydantic's."""


async def listed(service: Service, kind: str, tag_id: str | None) -> list[dict[str, Any]]:
    """All of a kind, or those with a tag."""
    found = [shown(each) for each in (await service.store.records(kind)).values()]
    return [each for each in found if tag_id is None or tag_id in each["tags"]]


async def one(service: Service, kind: str, id_: str) -> Record:
    """A record.

    Raises:
        Refusal: there is none.
    """
    found = await service.store.record(kind, id_)
    if found is None:
        raise missing(kind, id_)
    return found


async def changed(bench: Workbench, service: Service, kind: str, id_: str, given: Change) -> dict[str, Any]:
    """A record after what is given was changed of it, and stored.

    Raises:
        Refusal: there is none, or a tag is not there.
    """
    before = (await one(service, kind, id_)).body
    await check_tags(bench, service, given.tags and given.tags.add)
    body = {**before, **given.model_dump(exclude_none=True, exclude={"tags"})}
    if given.tags is not None:
        body["tags"] = given.tags.applied(before["tags"])
    return shown(await service.store.keep_record(kind, id_, body))


async def dropped(service: Service, kind: str, id_: str) -> Response:
    """The answer to its deletion.

    Raises:
        Refusal: there is none.
    """
    if not await service.store.drop_record(kind, id_):
        raise missing(kind, id_)
    return Response(status_code=204)


async def check_tags(bench: Workbench, service: Service, tags: Any) -> None:
    """Refuse tags that there are not."""
    text = await bench.text() if tags else None
    for tag in tags or ():
        assert text is not None
        try:
            await found_tag(text, service.store, tag)
        except Refusal as refusal:
            raise Refusal(422, "unknown", f"{refusal.message}; make it before it is used") from None


def shown(record: Record) -> dict[str, Any]:
    """As answers have it."""
    return {"id": record.id, **record.body}
