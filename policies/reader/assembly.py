"""The reader from end to end: files, names, vocabulary, formulas, guidelines."""

from __future__ import annotations

import os
from collections.abc import Mapping

from jurat.policies.fault_codes import UNKNOWN_NAME
from jurat.policies.model import Policy, ServiceDeclaration
from jurat.policies.reader.agents import read_agents
from jurat.policies.reader.conditions import inline_observations
from jurat.policies.reader.context import Reading
from jurat.policies.reader.documents import Sections, read_documents
from jurat.policies.reader.faults import Faults
from jurat.policies.reader.formulas import Formulas
from jurat.policies.reader.goals import read_goals
from jurat.policies.reader.guidelines import read_guidelines, read_journey_relations, read_tags
from jurat.policies.reader.journeys import read_journeys
from jurat.policies.reader.logic import read_axioms, read_invariants
from jurat.policies.reader.names import gather
from jurat.policies.reader.services import read_services
from jurat.policies.reader.texts import Texts
from jurat.policies.reader.tools import read_parameters, read_tools
from jurat.policies.reader.vocabulary import read_vocabulary

_UNREAD = frozenset({"P101", "P102", "P103", "P104", "P106", "P107", "P108", "P109", "P111"})
"""Faults of files; nothing is worth saying about the rest of a policy that could not be read to its end."""

_MISSHAPEN = frozenset({"P301", "P302"})
"""Faults of sections, which hide what they declare; then no name is worth reporting as unknown."""

_UNKNOWN_NAMES = frozenset({UNKNOWN_NAME, "P305"})


def read_policy(source: str | os.PathLike[str] | Mapping[str, str]) -> Policy:
    """A policy from a file, from all policy files of a folder, from YAML text, or from the texts of files by name.

    A string is text when it has a line break or starts with ``jurat:``, otherwise a path.

    Raises:
        PolicyError: the policy cannot be used; it carries every fault found, each with its place.
    """
    faults = Faults()
    sections = read_documents(source, faults)
    if any(each.code in _UNREAD for each in faults.found):
        faults.stop()
    sections.incomplete = any(each.code in _MISSHAPEN for each in faults.found)
    policy = _assemble(faults, sections)
    if sections.incomplete:
        faults.forget(_UNKNOWN_NAMES)
    faults.stop()
    return policy


def read_service_declarations(source: str | os.PathLike[str]) -> dict[str, ServiceDeclaration]:
    """The services of a policy by id, whatever the rest of it says, and without looking into their files.

    Raises:
        PolicyError: the files cannot be read, or a service is declared wrongly.
    """
    faults = Faults()
    sections = read_documents(source, faults)
    faults.stop()
    services = read_services(faults, sections)
    faults.stop()
    return services


def _assemble(faults: Faults, sections: Sections) -> Policy:
    reading = _reading(faults, sections)
    reading.vocabulary.tools.update(read_tools(reading))
    guidelines, relations = read_guidelines(reading)
    relations.extend(read_tags(reading))
    relations.extend(read_journey_relations(reading))
    return Policy(
        vocabulary=reading.vocabulary,
        guidelines=guidelines,
        journeys=read_journeys(reading),
        relations=tuple(relations),
        axioms=read_axioms(reading),
        invariants=read_invariants(reading),
        goals=read_goals(reading),
        agents=read_agents(reading),
        sources=sections.sources,
    )


def _reading(faults: Faults, sections: Sections) -> Reading:
    """Everything that formulas are read against."""
    names = gather(sections)
    vocabulary = read_vocabulary(faults, sections)
    declared = [(each.key, each.key) for each in vocabulary.observations.values()]
    declared += [(each.text, each.key) for each in vocabulary.observations.values()]
    texts = Texts((each.text for each in names.texts), declared)
    inline_observations(faults, names.texts, texts, vocabulary)
    vocabulary.services.update(read_services(faults, sections))
    formulas = Formulas(faults, vocabulary, names, read_parameters(faults, sections, vocabulary.services))
    return Reading(faults, sections, names, vocabulary, texts, formulas)
