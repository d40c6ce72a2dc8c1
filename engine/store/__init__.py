"""What survives a turn and a process: sessions, events, calls, traces, variables, policy versions."""

from jurat.engine.store.feed import FeedEvent
from jurat.engine.store.memory import MemoryStore
from jurat.engine.store.opening import open_store
from jurat.engine.store.protocol import Activation, Head, Person, PersonChange, Store, Summary, Variable, Version
from jurat.engine.store.records import Record

__all__ = [
    "Activation",
    "FeedEvent",
    "Head",
    "MemoryStore",
    "Person",
    "PersonChange",
    "Record",
    "Store",
    "Summary",
    "Variable",
    "Version",
    "open_store",
]
