"""Random policies with everything that a policy file can say, for what writes and reads such files.

A policy of :mod:`tests.properties.random_policies` is given agents, replies, modes of phrasing, tools with all that is said of
them, questions, ways back, journeys within journeys and the rest of the language. Nothing of it is meant to pass a check.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from tests.properties.random_policies import random_policy
from tests.properties.writing import as_text, sections_of, writable

Sections = dict[str, Any]
REPLIES = ("thanks", "braces", "moment", "sum")
MODES = ("fluid", "composited", "strict")
FINDINGS = ("undeclared-overlap", "dead-guideline")


def whole_policy(random: Random) -> str:
    """One policy as a file."""
    return as_text(Author(random).sections())


class Author:
    """Adds to one policy."""

    def __init__(self, random: Random) -> None:
        self.random = random
        policy = random_policy(random)
        self.policy = replace(policy, relations=tuple(filter(writable, policy.relations)))

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def some(self, names: Any) -> list[str]:
        return [name for name in names if self.chance(0.4)]

    def maybe(self, probability: float, **fields: Any) -> Sections:
        return fields if self.chance(probability) else {}

    def sections(self) -> Sections:
        found = sections_of(self.policy)
        found["facts"] |= self.facts()
        found |= {
            "constants": {"most": 7, "limit": {"low": "0.5", "high": "7.25"}, "word": "any"},
            "decisions": {"offer": {"enum": ["free", "paid"]}, "sum": {"int": {"min": 0}}},
            "tools": self.tools(), "replies": self.replies(), "invariants": self.invariants(), "goals": self.goals(found),
        }  # fmt: skip
        found["axioms"] = [*found.get("axioms", []), *self.axioms()]
        found["journeys"] = {name: self.journey(each) for name, each in found.get("journeys", {}).items()}
        self.nest(found["journeys"])
        found["guidelines"] = {name: self.guideline(each, found) for name, each in found["guidelines"].items()}
        found |= self.agents(found)
        return {name: each for name, each in found.items() if each}

    # -- vocabulary ----------------------------------------------------------------------------------------------

    def facts(self) -> Sections:
        return {
            "order.total": {"type": {"decimal": {"min": 0.5}}, "from": "tools"},
            "order.word": {"type": "string", "from": "tools"},
            "order.kinds": {"type": {"set": {"enum": ["a", "b"]}}, "default": ["b"]},
            "order.waits": {"type": "duration", "from": "authentication"},
        }

    def tools(self) -> Sections:
        provides: Sections = {"order.total": self.random.choice(["result.sum.net", "any", 7])}
        return {
            "refund": {
                "python": "tools:refund",
                "parameters": {"amount": {"decimal": {"min": 0}}, "note": "string"},
                **self.maybe(0.5, guard="vip && arguments.amount <= 500"),
                **self.maybe(0.5, limits="arguments.amount >= order.total"),
                **self.maybe(0.5, provides=provides),
                **self.maybe(0.3, consequential=True, allow={"unguarded-tool": "an example"}),
                **self.maybe(0.3, idempotent=True, retries=2),
                **self.maybe(0.3, timeout="1.5s"),
                **self.maybe(0.3, description="Give money back.\nOnce."),
            },
            "look": {"python": "more.tools:look"},
        }

    def replies(self) -> Sections:
        return {
            "thanks": {"text": "Thank you!"},
            "braces": {"text": "Write {{ braces }}."},
            "moment": {"text": "One moment."},
            "sum": {"template": "It is {{ order.total }}.", "mode": "composited"},
        }

    def axioms(self) -> list[Any]:
        keys = list(self.policy.vocabulary.observations)
        pair = self.random.sample(keys, 2)
        said = [{"exclusive": pair}, {"one_of": [*pair, "vip"]}, "age <= 9"]
        return [each for each in said if self.chance(0.3)]

    def invariants(self) -> Sections:
        never = 'called("refund") implies once(paid)'
        return self.maybe(0.4, never=never) | self.maybe(
            0.4, ever={"holds": never, "allow": {"broken-invariant": "no"}}
        )

    def goals(self, found: Sections) -> Sections:
        key = next(iter(found["observations"]))
        expect: list[Any] = ["answer", {"call": "refund"}, {"decide": "offer"}, {"reply": "thanks"}, "tag:t", "g0"]
        listed = [each for each in expect if self.chance(0.4)] or ["hand_off"]
        return self.maybe(0.5, met={"when": key, "expect": listed, "allow": {"coverage-gap": "an example"}})

    # -- rules ---------------------------------------------------------------------------------------------------

    def phrasing(self) -> Sections:
        return self.maybe(0.3, composition=self.random.choice(MODES)) | self.maybe(
            0.3, replies=self.some(REPLIES) or ["thanks"]
        )

    def guideline(self, written: Sections, found: Sections) -> Sections:
        offered = self.some(("refund", "look"))
        forbid = [*written.get("forbid", []), *self.maybe(0.2, reply="sum").items()]
        forbid = [dict([each]) if isinstance(each, tuple) else each for each in forbid]
        call: Any = self.random.choice(["refund", "look", {"refund": {"amount": "order.total", "note": '"any"'}}])
        return {
            **written,
            **({"forbid": forbid} if forbid else {}),
            **self.maybe(0.3, condition=self.random.choice(["A text", "Conversation ends", "Ein Täxt: “so”"])),
            **self.maybe(0.3, tools=[call]), **({"offer": offered} if offered else {}),
            **self.maybe(0.2, decide=self.random.choice([{"offer": "free"}, {"sum": 7, "offer": "paid"}])),
            **self.maybe(0.15, reply="thanks"), **self.maybe(0.15, hand_off="human"),
            **self.maybe(0.3, criticality=self.random.choice(["low", "medium", "high"])),
            **self.maybe(0.3, reevaluate_after=["look"]), **self.maybe(0.2, track=False),
            **self.maybe(0.2, allow={"dead-guideline": "It is an example: of what?"}), **self.phrasing(),
        }  # fmt: skip

    def journey(self, written: Sections) -> Sections:
        states = {name: self.state(name, each) for name, each in written["states"].items()}
        if self.chance(0.5):
            states["over"] = {"end": True}
            states["way"] = {"fork": True, "to": [{"when": "vip", "state": "over"}, {"otherwise": True, "state": "a"}]}
            states["call"] = {"tool": "look", "to": [{"state": "way"}], **self.phrasing()}
        back = [{"state": "a", **self.random.choice([{"condition": "Ein Täxt: “so”"}, {"when": "vip"}])}]
        return {
            **written, "triggers": [*written["triggers"], *self.triggers()], "states": states,
            **self.maybe(0.4, on_end="deactivate"), **self.maybe(0.3, back=back),
            **self.maybe(0.2, allow={"stuck-state": "an example"}), **self.phrasing(),
        }  # fmt: skip

    def triggers(self) -> list[Any]:
        said: list[Any] = ["Conversation ends", "vip && age > 3", {"condition": "A text", "when": "vip"}]
        return [each for each in said if self.chance(0.2)]

    def state(self, name: str, written: Sections) -> Sections:
        kind = "ask" if self.chance(0.3) else "say"
        ways = [{**way, **self.maybe(0.2, condition=f"More of {name}")} for way in written["to"]]
        return {kind: written["say"], "to": ways, **self.phrasing()}

    def nest(self, journeys: Sections) -> None:
        """Have the first journey within the others, and perhaps one without triggers within it."""
        names = list(journeys)
        for name in names[1:]:
            journeys[name]["states"]["other"] = {"journey": names[0], "to": [{"state": "a"}], **self.phrasing()}
        if names and self.chance(0.5):
            journeys["inner"] = {
                "initial": "q",
                "states": {"q": {"ask": "Which?", "to": [{"when": "vip", "state": "e"}]}, "e": {"end": True}},
            }
            journeys[names[0]]["states"]["deep"] = {"journey": "inner", "to": [{"state": "a"}]}

    # -- agents --------------------------------------------------------------------------------------------------

    def agents(self, found: Sections) -> Sections:
        number = self.random.randint(0, 3)
        if number == 0:
            return {}
        if number == 1:
            return {"agent": self.agent("Only", found)}
        return {"agents": {f"agent{n}": self.agent(f"Agent {n}", found) for n in range(number)}}

    def agent(self, name: str, found: Sections) -> Sections:
        include = self.some([*found["guidelines"], *found["journeys"], "tag:t"])
        preamble = self.some(("moment", "thanks"))
        return {
            "name": name, **self.maybe(0.5, description="Helps"), **self.maybe(0.2, model="small"),
            **({"include": include} if include and self.chance(0.4) else {}), **({"preamble": preamble} if preamble else {}),
            **self.phrasing(),
        }  # fmt: skip
