"""Section 2 of the semantics: tags, journeys and states in relations. Each docstring is the sentence that is tested."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jurat.policies import PolicyError, PolicyGraph, load
from jurat.solver import check

InForce = Callable[..., str]
Build = Callable[[str], PolicyGraph]
IN_S = {"journey.j.active": True, "journey.j.state": "s"}

TAGGED = """
guidelines:
  g: {when: a, action: x, RELATION}
  one: {when: b, action: x, tags: [t]}
  two: {when: c, action: x, tags: [t]}
"""


def tagged(relation: str) -> str:
    return TAGGED.replace("RELATION", relation)


def test_a_tag_stands_for_each_member(in_force: InForce) -> None:
    """A tag in `overrides`, `entails` or `exclusive_with` stands for each member."""
    assert in_force(tagged("overrides: ['tag:t']"), "abc") == "g"
    assert in_force(tagged("entails: ['tag:t']"), "a") == "g one two"


def test_a_required_tag_is_all_its_members(in_force: InForce) -> None:
    """In `requires` a tag stands for all its members, `any:t` for at least one."""
    assert in_force(tagged("requires: ['tag:t']"), "ab") == "one"
    assert in_force(tagged("requires: ['tag:t']"), "abc") == "g one two"
    assert in_force(tagged("requires: ['any:t']"), "ab") == "g one"
    assert in_force(tagged("requires: ['any:t']"), "a") == ""


def test_a_tag_excepts_the_entity_itself(in_force: InForce) -> None:
    """Each member except the entity itself."""
    assert in_force(tagged("tags: [t], overrides: ['tag:t']"), "abc") == "g"
    assert in_force(tagged("tags: [t], requires: ['any:t']"), "a") == ""
    assert in_force(tagged("tags: [t], requires: ['any:t']"), "ab") == "g one"


def test_a_tag_as_source_excepts_its_target(in_force: InForce) -> None:
    """`t` overrides its own member `one`: the others do, and `one` does not override itself."""
    text = TAGGED.replace(", RELATION", "") + "tags: {t: {overrides: [one]}}\n"
    assert in_force(text, "b") == "one"
    assert in_force(text, "bc") == "two"


@pytest.mark.parametrize(
    "relation", ["requires: ['tag:none']", "requires: ['any:none']", "requires_any: [['tag:none']]"]
)
def test_an_empty_tag_satisfies_nothing(relation: str, policy: Build, in_force: InForce) -> None:
    """An empty tag satisfies neither."""
    text = tagged(relation) + "tags: {none: {}}\n"
    assert in_force(text, "abc") == "one two"
    assert "dead-guideline" in {finding.name for finding in check(policy(text)).findings}


def test_members_inherit_the_relations_of_their_tags(in_force: InForce) -> None:
    """Members inherit the relations of their tags."""
    text = TAGGED.replace(", RELATION", "") + "tags: {t: {requires: [g]}}\n"
    assert in_force(text, "bc") == ""
    assert in_force(text, "abc") == "g one two"


def test_nothing_relates_to_itself(policy: Build) -> None:
    """A relation of an entity to itself is an error."""
    with pytest.raises(PolicyError, match="cannot be related to itself"):
        policy(tagged("requires: [g]"))


JOURNEY = """
journeys:
  j:
    triggers: [d]
    initial: s
    states: {s: {say: x, to: [{when: e, state: r}]}, r: {say: x}}
guidelines:
  g: {when: a, action: x, RELATION}
  inside: {when: b, action: x, scope: j}
  here: {when: c, action: x, scope: j/s}
"""


def journey(relation: str) -> str:
    return JOURNEY.replace("RELATION", relation)


def test_a_journey_is_in_force_while_active_and_so_is_its_state(in_force: InForce) -> None:
    """φ(journey) is "active"; φ(state) is "active and in that state"."""
    assert in_force(journey("rank: 0"), "") == ""
    assert in_force(journey("rank: 0"), "", **IN_S) == "j j/s"


def test_a_scoped_guideline_requires_its_journey(in_force: InForce) -> None:
    """A scoped guideline requires its journey, or its state."""
    assert in_force(journey("rank: 0"), "bc") == ""
    assert in_force(journey("rank: 0"), "bc", **IN_S) == "here inside j j/s"
    assert in_force(journey("rank: 0"), "bc", **{**IN_S, "journey.j.state": "r"}) == "inside j j/r"


def test_what_overrides_a_journey_overrides_its_states(in_force: InForce) -> None:
    """What targets a journey also targets its states; what is scoped to it falls as it requires it."""
    assert in_force(journey("overrides: [j]"), "abc", **IN_S) == "g"


def test_a_single_state_can_be_overridden(in_force: InForce) -> None:
    """Relations are between guidelines, journeys and journey states."""
    assert in_force(journey("overrides: [j/s]"), "abc", **IN_S) == "g inside j"


def test_a_journey_that_lacks_a_requirement_takes_its_states_along(in_force: InForce) -> None:
    """A state belongs to its journey: nothing of a journey acts that is not in force."""
    text = journey("rank: 0").replace("initial: s", "initial: s\n    tags: [t]") + "tags: {t: {requires: [g]}}\n"
    assert in_force(text, "b", **IN_S) == ""
    assert in_force(text, "ab", **IN_S) == "g inside j j/s"


def test_an_active_journey_can_be_required(in_force: InForce) -> None:
    """A journey is a guideline like any other in a relation."""
    assert in_force(journey("requires: [j]"), "a") == ""
    assert in_force(journey("requires: [j]"), "a", **IN_S) == "g j j/s"


def test_the_digest_ignores_how_a_policy_is_spread_over_files(tmp_path: Path) -> None:
    """Mappings are in the order of the files, which means nothing."""
    guidelines = ["g1: {when: o, action: x, overrides: [g2]}", "g2: {when: o, action: x, tags: [t]}"]
    digests = set()
    for folder, order in (("forth", guidelines), ("back", guidelines[::-1])):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "policy.yaml").write_text("jurat: 1\nobservations: {o: The customer says o}\n")
        for number, line in enumerate(order):
            (tmp_path / folder / f"part{number}.yaml").write_text(f"jurat: 1\nguidelines:\n  {line}\n")
        digests.add(load(tmp_path / folder).digest)
    assert len(digests) == 1
