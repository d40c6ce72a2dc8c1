"""Parlant's relational resolver on turns given as JSON on standard input; needs `pip install parlant`, and nothing of ours.

In: ``{"guidelines": [id], "relations": [[kind, source, target]], "turns": [[id]]}``, of each turn the matched guidelines.
Out: ``{"version": …, "seconds": a turn, "kept": [[id]]}``. Relations are kept in memory, and what the resolver asks of the
store is part of a turn, as it is in a conversation.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from parlant.adapters.db.transient import TransientDocumentDatabase
from parlant.core.common import Criticality, IdGenerator
from parlant.core.engines.alpha.guideline_matching.guideline_match import GuidelineMatch
from parlant.core.engines.alpha.relational_resolver import RelationalResolver
from parlant.core.guidelines import Guideline, GuidelineContent, GuidelineId
from parlant.core.loggers import LogLevel, StdoutLogger
from parlant.core.relationships import (
    RelationshipDocumentStore,
    RelationshipEntity,
    RelationshipEntityKind,
    RelationshipKind,
)
from parlant.core.tracer import LocalTracer

KINDS = {"overrides": RelationshipKind.PRIORITY, "requires": RelationshipKind.DEPENDENCY}


def guideline(id_: str) -> Guideline:
    """A guideline of which only its id matters."""
    content = GuidelineContent(condition=id_, action=id_)
    return Guideline(GuidelineId(id_), datetime.now(UTC), content, True, [], {}, Criticality.MEDIUM)


def entity(id_: str) -> RelationshipEntity:
    return RelationshipEntity(GuidelineId(id_), RelationshipEntityKind.GUIDELINE)


async def resolved(given: dict[str, Any]) -> dict[str, Any]:
    """Every turn, one after the other."""
    guidelines = {id_: guideline(id_) for id_ in given["guidelines"]}
    tracer = LocalTracer()
    logger = StdoutLogger(tracer, LogLevel.CRITICAL)
    async with RelationshipDocumentStore(IdGenerator(), TransientDocumentDatabase()) as store:
        for kind, source, target in given["relations"]:
            await store.create_relationship(entity(source), entity(target), KINDS[kind])
        resolver = RelationalResolver(store, logger, tracer)
        kept = []
        started = time.process_time()
        for turn in given["turns"]:
            matches = [GuidelineMatch(guidelines[id_], 10, "") for id_ in turn]
            result = await resolver.resolve(list(guidelines.values()), matches, [])
            kept.append(sorted(str(match.guideline.id) for match in result.matches))
        seconds = (time.process_time() - started) / len(kept)
    return {"version": version("parlant"), "seconds": seconds, "kept": kept}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(resolved(json.load(sys.stdin)))))
