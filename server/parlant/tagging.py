"""Tags as clients name them, and as the policy does.

`agent:ID` is carried by what only that agent has, `journey:ID` by what counts only while the journey is active,
`journey_node:ID/STATE` only in a state of it. Other tags are those of the policy. In the policy the first kind is the
tag `agent-ID`, which the agent includes; the others are a scope.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from jurat.server.policy_text import ONLY, PolicyText, agents_of, listed
from jurat.server.refusals import Refusal

AGENT, JOURNEY, STATE = "agent:", "journey:", "journey_node:"


def policy_tags(text: PolicyText) -> list[str]:
    """Every tag that is declared or carried, but for those that say whose something is."""
    found = dict.fromkeys(text.section("tags"))
    for section in ("guidelines", "journeys"):
        for body in text.section(section).values():
            found |= dict.fromkeys(str(each) for each in listed(_body(body).get("tags")))
    return sorted(set(found) - {f"agent-{id_}" for id_ in agents_of(text)})


def shown_tags(text: PolicyText, body: Mapping[str, Any]) -> list[str]:
    """The tags of a guideline or journey, as clients name them."""
    mine = {f"agent-{id_}": AGENT + id_ for id_ in agents_of(text)}
    scope = str(body.get("scope") or "")
    found = [mine.get(str(each), str(each)) for each in listed(body.get("tags"))]
    if scope and scope != "agent":
        found.append((STATE if "/" in scope else JOURNEY) + scope)
    return found


def set_tags(text: PolicyText, body: dict[str, Any], tags: Iterable[str], *, scoped: bool = True) -> None:
    """Give a guideline or journey these tags, and no others.

    Raises:
        Refusal: one that there is not, or that cannot be had together with another.
    """
    known, names, scopes = policy_tags(text), [], []
    for tag in dict.fromkeys(tags):
        if tag.startswith(AGENT):
            names.append(_agent_tag(text, tag.removeprefix(AGENT)))
        elif scoped and tag.startswith((JOURNEY, STATE)):
            scopes.append(tag.partition(":")[2])
        elif tag in known:
            names.append(tag)
        else:
            raise Refusal(422, "unknown", f"there is no tag `{tag[:60]}`; make it before it is used")
    if len(scopes) > 1:
        raise Refusal(422, "scope", "a guideline belongs to one journey, or one state of one")
    for field, value in (("tags", names), ("scope", scopes[0] if scopes else "")):
        body.pop(field, None)
        if value:
            body[field] = value


def _agent_tag(text: PolicyText, agent: str) -> str:
    if agent not in agents_of(text):
        raise Refusal(422, "unknown", f"there is no agent `{agent[:60]}`")
    return f"agent-{agent}"


def share_out(text: PolicyText) -> None:
    """Have agents include what is theirs, and what is nobody's in particular; lists that an author wrote stay."""
    agents = agents_of(text)
    entities = {**text.section("guidelines"), **text.section("journeys")}
    owned = {id_ for id_, body in entities.items() if any(_is_owner(each) for each in listed(_body(body).get("tags")))}
    shared = sorted(set(entities) - owned)
    for id_, body in agents.items():
        mine = f"tag:agent-{id_}"
        if "include" in body and mine not in listed(body["include"]):
            continue
        wanted = {name: value for name, value in body.items() if name != "include"}
        if owned and len(agents) > 1:
            wanted["include"] = [mine, *shared]
            if f"agent-{id_}" not in text.section("tags"):
                text.put("tags", f"agent-{id_}", {})
        if wanted != body:
            put_agent(text, id_, wanted)


def put_agent(text: PolicyText, id_: str, body: dict[str, Any]) -> None:
    """Say something of an agent; several stand under `agents`."""
    single = text.whole(ONLY)
    if single is not None:
        text.drop_whole(ONLY)
        text.put("agents", ONLY, single)
    text.put("agents", id_, body)


def _is_owner(tag: Any) -> bool:
    return str(tag).startswith("agent-")


def _body(body: Any) -> Mapping[str, Any]:
    return body if isinstance(body, Mapping) else {}
