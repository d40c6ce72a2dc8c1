"""What survives a turn and a process: sessions, events, calls, traces, variables, policy versions."""

from jurat.engine.store.memory import MemoryStore
from jurat.engine.store.opening import open_store
from jurat.engine.store.protocol import Activation, Person, Store, Summary, Variable, Version

__all__ = ["Activation", "MemoryStore", "Person", "Store", "Summary", "Variable", "Version", "open_store"]
