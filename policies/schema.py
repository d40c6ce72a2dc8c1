"""The policy language as JSON Schema (draft 07), for editors: completion, descriptions and first errors while typing.

The reader is what decides; the schema accepts what the reader accepts, and some of what it refuses (names, formulas).
"""

from __future__ import annotations

from typing import Any, get_args

from jurat.policies.limits import TOOL_RETRIES
from jurat.policies.model import COMPOSITIONS, Criticality, FactSource, OnUnknown
from jurat.policies.reader.allowances import FINDINGS
from jurat.policies.reader.documents import VERSION
from jurat.policies.reader.journeys import STATE_KINDS
from jurat.policies.reader.refs import RELATION_KINDS
from jurat.policies.reader.services import SERVICE_KINDS
from jurat.policies.reader.shapes import ID, STATE_ID
from jurat.policies.reader.tools import KINDS
from jurat.policies.reader.types import NAMED

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
FORMULA: Schema = {"type": ["string", "boolean"], "description": "a formula in CEL"}
NAME: Schema = {"type": ["string", "number"]}
LITERAL: Schema = {"type": ["string", "number", "boolean"]}


def policy_schema() -> Schema:
    """The schema of a policy file."""
    sections = {
        "jurat": {"const": VERSION, "description": "the version of the policy language"},
        "include": {**_list(TEXT), "description": "further files, relative to this one"},
        "agent": {**_agent(), "required": ["name"]},
        "agents": _by_id({**_agent(), "required": ["name"]}),
        "facts": _by_name(_fact()),
        "constants": _by_name({"oneOf": [LITERAL, _by_name(LITERAL)]}),
        "observations": _by_name({"oneOf": [TEXT, _object({"text": TEXT, "critical": _FLAG}, "text")]}),
        "events": _by_name(TEXT),
        "axioms": _list({"oneOf": [FORMULA, _one_field(exclusive=_list(FORMULA), one_of=_list(FORMULA))]}),
        "decisions": _by_id(_ref("type")),
        "services": _by_id(_service()),
        "tools": _by_id(_tool()),
        "guidelines": _by_id(_guideline()),
        "tags": _by_id({"oneOf": [_object(_relations()), {"type": "null"}]}),
        "journeys": _by_id(_journey()),
        "replies": _by_id(_reply()),
        "invariants": _by_id(_invariant()),
        "goals": _by_id(_goal()),
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Jurat policy",
        **_object(sections),
        "definitions": {"type": {"oneOf": [{"enum": list(NAMED)}, *_shapes()]}},
    }


_FLAG: Schema = {"type": "boolean"}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _object(fields: dict[str, Schema], *required: str) -> Schema:
    wanted = {"required": list(required)} if required else {}
    return {"type": "object", "additionalProperties": False, "properties": fields, **wanted}


def _one_field(**fields: Schema) -> Schema:
    return {**_object(fields), "minProperties": 1, "maxProperties": 1}


def _by_name(value: Schema) -> Schema:
    return {"type": ["object", "null"], "additionalProperties": value}


def _by_id(value: Schema) -> Schema:
    return {**_by_name(value), "propertyNames": {"pattern": f"^{ID.pattern}$"}}


def _list(item: Schema) -> Schema:
    return {"type": ["array", "null"], "items": item}


def _shapes() -> list[Schema]:
    bounds = {"oneOf": [_object({"min": LITERAL, "max": LITERAL}), {"type": "null"}]}
    return [
        _object({"enum": {**_list(TEXT), "minItems": 1}, "ordered": _FLAG}, "enum"),
        *(_object({number: bounds}, number) for number in ("int", "decimal")),
        *(_object({collection: _ref("type")}, collection) for collection in ("list", "set")),
    ]


def _fact() -> Schema:
    extra = {"from": {"enum": list(get_args(FactSource))}, "default": {}}
    with_extra = [_object({**shape["properties"], **extra}, *shape["required"]) for shape in _shapes()]
    return {"oneOf": [{"enum": list(NAMED)}, _object({"type": _ref("type"), **extra}, "type"), *with_extra]}


def _agent() -> Schema:
    fields = {"name": TEXT, "description": TEXT, "model": TEXT, "include": _list(NAME)}
    return _object({**fields, **_phrasing(), "preamble": _list(NAME)})


def _phrasing() -> dict[str, Schema]:
    return {"composition": {"enum": list(COMPOSITIONS)}, "replies": _list(NAME)}


def _tool() -> Schema:
    fields: dict[str, Schema] = {
        **dict.fromkeys(KINDS, TEXT),
        "consequential": _FLAG,
        "idempotent": {
            **_FLAG,
            "description": "called again with the same key it does nothing twice, so it may be tried again",
        },
        "guard": {**FORMULA, "description": "must hold, certainly, whenever the tool runs; the engine enforces it"},
        "limits": {**FORMULA, "description": "is proved of every call that can be made, and not enforced"},
        "provides": _by_name({}),
        "description": TEXT,
        "parameters": _by_name(_ref("type")),
        "timeout": {**TEXT, "description": "how long one attempt may take, as `5s`"},
        "retries": {"type": "integer", "minimum": 0, "maximum": TOOL_RETRIES},
        "allow": _allow(),
    }
    return {**_object(fields), "oneOf": [{"required": [kind]} for kind in KINDS]}


def _service() -> Schema:
    texts = _by_name(TEXT)
    fields: dict[str, Schema] = {
        "mcp": {
            "oneOf": [TEXT, {"type": "array", "items": TEXT, "minItems": 1}],
            "description": "an address, or a command",
        },
        "openapi": {**TEXT, "description": "a document: a file beside the policy, or an address"},
        "url": {**TEXT, "description": "where the operations are, instead of where the document says"},
        "schema": {**TEXT, "description": "a file that says what there is when the service cannot be asked"},
        "headers": texts,
        "authentication": {**texts, "description": "a variable of the environment for each security scheme"},
        "environment": _list(NAME),
    }
    return {**_object(fields), "oneOf": [{"required": [kind]} for kind in SERVICE_KINDS]}


def _allow() -> Schema:
    return {**_object(dict.fromkeys(FINDINGS, TEXT)), "description": "findings accepted, each with a reason"}


def _relations() -> dict[str, Schema]:
    refs = _list(NAME)
    return {kind: _list(refs) if kind == "requires_any" else refs for kind in RELATION_KINDS}


def _guideline() -> Schema:
    call = {**_by_name(_by_name(LITERAL)), "minProperties": 1, "maxProperties": 1, "type": "object"}
    fields: dict[str, Schema] = {
        "condition": {**TEXT, "description": "when it applies, in natural language"},
        "when": FORMULA,
        "action": {**TEXT, "description": "an instruction to the agent"},
        "tools": _list({"oneOf": [NAME, call]}),
        "offer": _list(NAME),
        "forbid": _list({"oneOf": [NAME, _object({"topic": TEXT, "reply": NAME})]}),
        "decide": _by_name({}),
        "reply": NAME,
        "hand_off": NAME,
        "tags": _list(NAME),
        "scope": NAME,
        "rank": {"type": "integer"},
        "criticality": {"enum": list(get_args(Criticality))},
        "on_unknown": {"enum": list(get_args(OnUnknown))},
        "reevaluate_after": _list(NAME),
        "track": {
            **_FLAG,
            "description": "whether what was carried out is not carried out again while it goes on holding",
        },
        "allow": _allow(),
        **_phrasing(),
        **_relations(),
    }
    return _object(fields)


def _journey() -> Schema:
    condition = {"when": FORMULA, "condition": TEXT}
    transition = _object({**condition, "state": NAME, "otherwise": _FLAG}, "state")
    does: dict[str, Schema] = {
        "say": TEXT,
        "ask": TEXT,
        "tool": NAME,
        "journey": NAME,
        "fork": {"const": True},
        "end": {"const": True},
    }
    state = {
        **_object({**does, "to": _list(transition), **_phrasing()}),
        "oneOf": [{"required": [kind]} for kind in STATE_KINDS],
    }
    trigger = {"oneOf": [FORMULA, _object(condition)]}
    fields: dict[str, Schema] = {
        "triggers": {"oneOf": [trigger, {"type": "array", "items": trigger}]},
        "rank": {"type": "integer"},
        "tags": _list(NAME),
        "initial": NAME,
        "on_end": {"const": "deactivate"},
        "allow": _allow(),
        **_relations(),
        **_phrasing(),
        "states": {**_by_name(state), "propertyNames": {"pattern": f"^{STATE_ID.pattern}$"}},
        "back": _list(_object({**condition, "state": NAME}, "state")),
    }
    return _object(fields, "initial", "states")


def _reply() -> Schema:
    fields: dict[str, Schema] = {"text": TEXT, "template": TEXT, "mode": {"enum": ["strict", "composited"]}}
    fields["agent"] = {**NAME, "description": "the agent that has it of its own accord; every agent if nothing is said"}
    return {**_object(fields), "oneOf": [{"required": ["text"]}, {"required": ["template"]}]}


def _goal() -> Schema:
    action = {**_one_field(call=NAME, decide=NAME, reply=NAME), "type": "object"}
    expect = {"type": "array", "minItems": 1, "items": {"oneOf": [NAME, action]}}
    return {"oneOf": [FORMULA, _object({"when": FORMULA, "expect": expect, "allow": _allow()}, "when")]}


def _invariant() -> Schema:
    return {"oneOf": [FORMULA, _object({"holds": FORMULA, "allow": _allow()}, "holds")]}
