"""Where boxes stand and arrows run: a layered drawing from left to right.

The steps are those of Sugiyama, Tagawa and Toda (Methods for visual understanding of hierarchical system structures,
1981): break cycles, assign layers by the longest path, split long arrows at invisible boxes, order each layer by
barycentres, then settle the heights.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import networkx as nx

Key = str | tuple[str, str, int]
"""A box's id, or for a bend: source, target, layer."""

SWEEPS = 12
GAP = 18.0
"""Between boxes above each other."""

BEND_HEIGHT = 6.0


@dataclass(slots=True)
class Layout:
    """``places``: the left upper corner of each box; ``bends``: the points between the ends of each arrow."""

    places: dict[str, tuple[float, float]] = field(default_factory=dict)
    bends: dict[tuple[str, str], list[tuple[float, float]]] = field(default_factory=dict)
    width: float = 0.0
    height: float = 0.0


def arrange(heights: Mapping[str, float], arrows: Iterable[tuple[str, str]], width: float, gap: float) -> Layout:
    """Place boxes of one width and the given heights; layers are ``gap`` apart. Unconnected boxes stand below."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(heights)
    graph.add_edges_from((a, b) for a, b in arrows if a != b)
    layout = Layout()
    parts = sorted(nx.weakly_connected_components(graph), key=lambda part: (-len(part), min(part)))
    for part in parts:
        if len(part) > 1:
            _part(graph.subgraph(sorted(part)), heights, layout, width, gap)
    _alone(sorted(min(part) for part in parts if len(part) == 1), heights, layout, width, gap)
    return layout


def _part(graph: nx.DiGraph[str], heights: Mapping[str, float], layout: Layout, width: float, gap: float) -> None:
    layers = _layers(_without_cycles(graph))
    tiers, linked = _tiers(graph, layers)
    _order(tiers, linked)
    sizes = {key: heights[key] if isinstance(key, str) else BEND_HEIGHT for tier in tiers for key in tier}
    tops = _heights(tiers, linked, sizes)
    base = layout.height + (2 * GAP if layout.height else 0.0) - min(tops.values())
    for number, tier in enumerate(tiers):
        left = number * (width + gap)
        for key in tier:
            top = base + tops[key]
            if isinstance(key, str):
                layout.places[key] = (left, top)
            else:
                middle = top + BEND_HEIGHT / 2
                layout.bends.setdefault(key[:2], []).extend([(left, middle), (left + width, middle)])
            layout.height = max(layout.height, top + sizes[key])
        layout.width = max(layout.width, left + width)
    for arrow, points in layout.bends.items():
        points.sort(reverse=layers.get(arrow[0], 0) > layers.get(arrow[1], 0))


def _without_cycles(graph: nx.DiGraph[str]) -> nx.DiGraph[str]:
    """The graph with the arrows that close a cycle turned around, found by depth-first search."""
    done: set[str] = set()
    open_: set[str] = set()
    turned: nx.DiGraph[str] = nx.DiGraph()
    turned.add_nodes_from(graph)
    for root in sorted(graph, key=lambda node: (graph.in_degree(node), node)):
        stack = [(root, iter(sorted(graph.successors(root))))] if root not in done else []
        open_.update(node for node, _ in stack)
        while stack:
            node, following = stack[-1]
            target = next(following, None)
            if target is None:
                stack.pop()
                open_.discard(node)
                done.add(node)
            elif target in open_:
                turned.add_edge(target, node)
            else:
                turned.add_edge(node, target)
                if target not in done:
                    open_.add(target)
                    stack.append((target, iter(sorted(graph.successors(target)))))
    return turned


def _layers(graph: nx.DiGraph[str]) -> dict[str, int]:
    """The longest path to each box; a source then moves right, next to what it points at."""
    layers: dict[str, int] = {}
    for node in nx.topological_sort(graph):
        layers[node] = max((layers[before] + 1 for before in graph.predecessors(node)), default=0)
    for node in graph:
        if not graph.in_degree(node) and graph.out_degree(node):
            layers[node] = min(layers[after] for after in graph.successors(node)) - 1
    return layers


def _tiers(graph: nx.DiGraph[str], layers: dict[str, int]) -> tuple[list[list[Key]], dict[Key, set[Key]]]:
    """Boxes and bends by layer, and what is linked to what in neighbouring layers."""
    tiers: list[list[Key]] = [[] for _ in range(max(layers.values()) + 1)]
    linked: dict[Key, set[Key]] = {}
    for node in sorted(graph):
        tiers[layers[node]].append(node)
    for source, target in sorted(graph.edges):
        low, high = sorted((layers[source], layers[target]))
        first, last = (source, target) if layers[source] <= layers[target] else (target, source)
        chain: list[Key] = [first, *((source, target, layer) for layer in range(low + 1, high)), last]
        for layer, bend in enumerate(chain[1:-1], low + 1):
            tiers[layer].append(bend)
        for before, after in pairwise(chain):
            linked.setdefault(before, set()).add(after)
            linked.setdefault(after, set()).add(before)
    return tiers, linked


def _order(tiers: list[list[Key]], linked: dict[Key, set[Key]]) -> None:
    """Sort each layer by the mean place of its neighbours, to and fro."""
    for sweep in range(SWEEPS):
        place = {key: n / max(1, len(tier) - 1) for tier in tiers for n, key in enumerate(tier)}
        numbers = range(len(tiers)) if sweep % 2 == 0 else range(len(tiers) - 1, -1, -1)
        for number in numbers:
            near = set(tiers[number - 1]) if sweep % 2 == 0 and number else set()
            if sweep % 2 == 1 and number + 1 < len(tiers):
                near = set(tiers[number + 1])
            tiers[number].sort(key=lambda key, near=near: _mean(place, linked, key, near))  # type: ignore[misc]
            place |= {key: n / max(1, len(tiers[number]) - 1) for n, key in enumerate(tiers[number])}


def _mean(place: Mapping[Key, float], linked: Mapping[Key, set[Key]], key: Key, near: set[Key]) -> float:
    places = [place[each] for each in linked.get(key, ()) if each in near]
    return sum(places) / len(places) if places else place[key]


def _heights(tiers: list[list[Key]], linked: dict[Key, set[Key]], sizes: dict[Key, float]) -> dict[Key, float]:
    """The top of each box: near the middle of its neighbours, in order, not touching."""
    tops: dict[Key, float] = {}
    for tier in tiers:
        _stack(tier, {}, sizes, tops)
    for _ in range(SWEEPS):
        for tier in (*tiers, *reversed(tiers)):
            middles = {key: tops[key] + sizes[key] / 2 for key in tops}
            wanted = {key: _mean(middles, linked, key, linked.get(key, set())) - sizes[key] / 2 for key in tier}
            _stack(tier, wanted, sizes, tops)
    return tops


def _stack(tier: list[Key], wanted: Mapping[Key, float], sizes: Mapping[Key, float], tops: dict[Key, float]) -> None:
    """Place a layer as near to what is wanted as order and gaps allow: downwards, upwards, and the mean of both."""
    down: dict[Key, float] = {}
    floor = float("-inf") if wanted else 0.0
    for key in tier:
        down[key] = max(floor, wanted.get(key, floor))
        floor = down[key] + sizes[key] + GAP
    ceiling = float("inf")
    for key in reversed(tier):
        up = min(ceiling - sizes[key] - GAP, wanted.get(key, down[key]))
        ceiling = up
        tops[key] = (up + down[key]) / 2


def _alone(boxes: list[str], heights: Mapping[str, float], layout: Layout, width: float, gap: float) -> None:
    """Boxes without arrows, in rows below the rest, as wide as it is (three at least)."""
    columns = max(3, int((layout.width + gap) // (width + gap)))
    top = layout.height + (2 * GAP if layout.height else 0.0)
    for start in range(0, len(boxes), columns):
        row = boxes[start : start + columns]
        for column, box in enumerate(row):
            layout.places[box] = (column * (width + gap), top)
            layout.width = max(layout.width, column * (width + gap) + width)
        layout.height = top + max(heights[box] for box in row)
        top = layout.height + GAP
