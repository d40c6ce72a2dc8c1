"""What a caller may be allowed to do."""

from __future__ import annotations

from typing import Literal, get_args

Scope = Literal[
    "chat",  # begin conversations, write in one's own, read them and why they went so
    "facts",  # say what the application knows when a conversation begins
    "sessions",  # everybody's conversations and their traces; begin them on behalf of others
    "decide",  # ask what the policy decides of a situation
    "tools",  # call guarded tools
    "policy:read",  # versions, reports, certificates
    "policy:write",  # put a version in effect
    "calls",  # what became of consequential calls, and to say so
    "manage:read",  # agents, customers, guidelines and what else there is
    "manage:write",  # change them
    "keys",  # make and revoke keys
]
WHOLE: frozenset[str] = frozenset({"policy:read", "policy:write", "manage:read", "manage:write"})
"""What is of all agents, so that nobody who may deal with some alone has it."""
SCOPES: frozenset[str] = frozenset(get_args(Scope))
LOCAL: frozenset[str] = frozenset({"chat", "facts"})
"""Of whoever is on this machine and says no name."""
