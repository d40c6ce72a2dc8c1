"""The share of situations that an edit affects, exactly."""

from __future__ import annotations

from collections.abc import Sequence

from jurat.solver.cells import Uncountable
from jurat.solver.claims import Claim
from jurat.solver.counting import Counter
from jurat.solver.diff.comparison import Share
from jurat.solver.diff.topics import Topic
from jurat.solver.prover import Prover


def share_of(prover: Prover, topics: Sequence[Topic], outside: tuple[Claim, ...]) -> Share:
    """The cells that both policies admit in which at least one topic happens in one of them only.

    A topic about a call counts where some arguments make a difference. With ``outside``, only cells there are counted.
    """
    hidden = sorted({path for topic in topics for when in (topic.before, topic.after) for path in when.arguments})
    claims = [claim for topic in topics for claim in (topic.before.claim, topic.after.claim)]
    try:
        counter = Counter(prover, [*claims, *outside], hidden)
        affected = counter.bdd.false
        for topic in topics:
            before, after = counter.claim(topic.before.claim), counter.claim(topic.after.claim)
            differs = (before & ~after) | (~before & after)
            affected |= counter.shown(differs)
        region = [counter.claim(claim) for claim in outside]
        admitted = counter.shown(counter.admissible())
        for each in region:
            admitted &= each
        return Share(counter.count(affected & admitted), counter.count(admitted), cells=counter.cells)
    except Uncountable as reason:
        return Share(reason=str(reason))
