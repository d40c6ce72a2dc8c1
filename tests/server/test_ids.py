"""Ids of a client's choice: what no path could name is refused before it is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.store.serving import Till

pytestmark = pytest.mark.timeout(300)
WRONG = ("../x y", "a/b", " a", "a\n", "a\tb", "..", ".", "a\x7f", "", "\u2028a")
RIGHT = ("ana", "Ana Maria", "ana@example.org", "7", "a%2Bb", "\u00e9")


def test_an_id_that_no_path_can_name_is_refused_and_others_are_found(tmp_path: Path) -> None:
    said = "`id` must be an id without `/`, control characters, and white space at its ends"
    with Till(tmp_path, "memory").serving() as (client, _):
        for path, more in (("/customers", {}), ("/terms", {"description": "d"})):
            for id_ in WRONG:
                answer = client.post(path, json={"id": id_, "name": "Ana", **more})
                assert (answer.status_code, answer.json()["error"]) == (422, {"code": "id", "message": said}), id_
            for id_ in RIGHT:
                assert client.post(path, json={"id": id_, "name": "Ana", **more}).status_code == 201, id_
                one = f"{path}/{id_.replace('%', '%25')}"
                assert client.get(one).json()["id"] == id_
                assert client.delete(one).status_code == 204
