"""Lists that may be asked for page by page: a plain list without `limit`, `cursor` and `sort`, a page with any of them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Query

from jurat.server.refusals import Refusal

Limit = Annotated[int | None, Query(ge=1, le=1_000)]
Cursor = Annotated[str | None, Query(max_length=1_000)]
Sort = Literal["asc", "desc"]
PAGE = 100
Item = TypeVar("Item")


def page(
    items: Sequence[Item], id_of: Callable[[Item], str], limit: int | None, cursor: str | None, sort: Sort | None
) -> tuple[Sequence[Item], dict[str, Any] | None]:
    """The items wanted, and what the page says besides; None where the whole list was asked for.

    The cursor names the last item of the page before; where that is gone meanwhile, 422.
    """
    if limit is None and cursor is None and sort is None:
        return items, None
    ordered = list(reversed(items)) if sort == "desc" else list(items)
    start = 0 if cursor is None else _after([id_of(each) for each in ordered], cursor)
    found = ordered[start : start + (limit or PAGE)]
    more = start + len(found) < len(ordered)
    following = base64.urlsafe_b64encode(id_of(found[-1]).encode()).decode() if more else None
    return found, {"total_count": len(ordered), "has_more": more, "next_cursor": following}


def _after(ids: Sequence[str], cursor: str) -> int:
    try:
        return ids.index(base64.urlsafe_b64decode(cursor.encode("ascii")).decode()) + 1
    except (ValueError, binascii.Error):
        raise Refusal(422, "cursor", "`cursor` is not one that a page before has named") from None
