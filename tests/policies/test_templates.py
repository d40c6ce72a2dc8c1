"""Templates of canned replies: plain data filled in, and nothing loaded, called or run."""

from __future__ import annotations

import time

import pytest

from jurat.policies import PolicyError, load
from jurat.policies.templates import MOST_CHARACTERS, FieldUnknown, TemplateFault, fields_in, filled

FIELDS: dict[str, object] = {
    "order.total": 5, "order": "1042", "look": "it is red", "look.colour": "red", "name": "{{ look }} <b>",
    "vip": True, "items": ["a", "b"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Hello {{ name }}, {{ look.colour }}: {{look}}.", "Hello {{ look }} <b>, red: it is red."),
        ("{{ order.total }} for {{ order }}", "5 for 1042"),
        ("{% if vip %}Dear {{ name|upper }}{% else %}Hi{% endif %}", "Dear {{ LOOK }} <B>"),
        ("{{ vip }} {{ items }} {{ items|join('+') }}", "true a, b a+b"),
        ("{% for each in items %}{{ each }};{% endfor %}", "a;b;"),
        ("{{ order.nope|default('none') }} {{ nope is defined }}", "none false"),
    ],
)
def test_fields_are_filled_in_as_they_are(text: str, told: str) -> None:
    assert filled(text, FIELDS) == told


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("{{ nope }}", "nope"), ("{{ order.nope }}", "order.nope"), ("{{ order.nope.deeper }}", "order.nope"),
        ("{% if nope %}x{% endif %}", "nope"), ("{{ nope|upper }}", "nope"), ("{{ look ~ nope }}", "nope"),
        ("{{ nope == 3 }}", "nope"), ("{% for x in nope %}{% endfor %}", "nope"), ("{{ order.path }}", "order.path"),
        ("{{ order.below }}", "order.below"), ("{{ nope|replace('a', 'b') }}", "nope"), ("{{ look|replace('a', nope) }}", "nope"),
        ("{{ nope|join }}", "nope"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_not_said(text: str, name: str) -> None:
    with pytest.raises(FieldUnknown) as caught:
        filled(text, FIELDS)
    assert str(caught.value) == f"nothing is known of `{name}`"


@pytest.mark.parametrize(
    "text",
    [
        "{{ name.__class__ }}", "{{ range(3) }}", "{{ ''.join(items) }}", "{% include 'x' %}", "{% extends 'x' %}",
        "{% import 'x' as y %}", "{% macro m() %}{% endmacro %}", "{{ 2 ** 99 }}", "{{ 'a' * 99 }}", "{{ name|attr('upper') }}",
        "{{ name|center(99) }}", "{{ open", "{% if %}", "{{ order._below }}", "{% block b %}{% endblock %}",
    ],
)  # fmt: skip
def test_what_could_run_or_grow_is_refused_when_it_is_read(text: str) -> None:
    with pytest.raises(TemplateFault):
        fields_in(text)


@pytest.mark.parametrize(
    "text", ["{{ name.upper }}", "{{ 1 / 0 }}", "{% for a in items %}{{ long }}{% endfor %}", "{{ items.append }}"]
)
def test_what_goes_wrong_is_one_sentence(text: str) -> None:
    with pytest.raises(TemplateFault) as caught:
        filled(text, {**FIELDS, "long": "x" * (MOST_CHARACTERS // 2 + 1)})
    assert "\n" not in str(caught.value)


def deeply(levels: int) -> object:
    found: object = 1
    for _ in range(levels):
        found = [found]
    return found


@pytest.mark.parametrize(
    "text",
    [
        "{{ long|replace('x', long) }}", "{{ long|replace('', long)|replace('', long) }}", "{{ long|list|join(long) }}",
        "{{ '%999999999d' % 1 }}", "{{ 1e999|int }}", "{{ deep }}",
    ],
)  # fmt: skip
def test_nothing_grows_beyond_bounds_while_it_is_filled_in(text: str) -> None:
    before = time.process_time()
    with pytest.raises(TemplateFault):
        filled(text, {"long": "x" * (MOST_CHARACTERS // 2), "deep": deeply(2000)})
    assert time.process_time() - before < 1


def test_fields_are_named_in_order_and_without_the_template_s_own_names() -> None:
    assert fields_in("{% for x in a.b %}{{ x.y }}{% endfor %}{{ generative.mood }} {{ a.b }}") == (
        "a.b",
        "generative.mood",
    )


def test_a_template_that_cannot_be_used_is_a_fault_of_the_policy() -> None:
    with pytest.raises(PolicyError) as caught:
        load("jurat: 1\nreplies:\n  hello: {template: 'Hello {{ name'}\n")
    (fault,) = caught.value.diagnostics
    assert (fault.code, fault.span.line) == ("P302", 3)
    assert fault.message.startswith("the template cannot be used: line 1: ")


GIVEN: dict[str, object] = {
    "order": {"number": 7, "items": ["a", "b"], "city": {"name": "Rome"}, "note": None, "paid": False, "_id": 3},
    "rows": [{"n": 1, "keys": "k"}, {"n": 2, "keys": "l"}],
    "empty": {},
    "order.state": "sent",
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{{ order.number }} {{ order['number'] }} {{ order.city.name }}", "7 7 Rome"),
        ("{% for k in order %}{{ k }};{% endfor %}", "number;items;city;note;paid;_id;state;"),
        ("{% for k in order if k == 'number' %}{{ order[k] }}{% endfor %}", "7"),
        ("{{ order.items }} {{ order.items|length }} {{ order.items[1] }}", "a, b 2 b"),
        ("{% for row in rows %}{{ row.n }}{{ row.keys }} {% endfor %}", "1k 2l "),
        ("{{ rows[0].n }} {{ (rows|last).n }} {{ rows|length }} {{ order|length }}", "1 2 2 7"),
        ("{{ 'number' in order }} {{ 'x' in order }} {{ order is mapping }}", "true false true"),
        ("{% if empty %}x{% else %}none{% endif %} {% if order %}some{% endif %}", "none some"),
        ("{{ order.paid }} {{ order.note or 'no note' }} {{ order['_id'] }}", "false no note 3"),
        (
            "{{ order.nope|default('none') }} {{ order.values is defined }} {{ order.get is defined }}",
            "none false false",
        ),
        ("{{ order.city }} {{ rows|first }}", '{"name": "Rome"} {"n": 1, "keys": "k"}'),
        ("{{ order.state }}", "sent"),
        (
            "{{ rows|join(', ', attribute='n') }} {{ order.items|join }} {{ order.state|replace('s', 'b') }}",
            "1, 2 ab bent",
        ),
        ("{{ order.number % 2 }} {{ order.items|replace('a', 'b') }}", "1 b, b"),
    ],
)
def test_mappings_mean_what_they_mean_to_jinja(text: str, told: str) -> None:
    assert filled(text, GIVEN) == told


@pytest.mark.parametrize("name", ["order.get", "order.keys", "order.values", "order.pop", "order.city.copy"])
def test_methods_of_mappings_are_no_fields(name: str) -> None:
    with pytest.raises(FieldUnknown) as caught:
        filled(f"{{{{ {name} }}}}", GIVEN)
    assert caught.value.name == name


@pytest.mark.parametrize(
    "text",
    [
        "{{ order['__class__'] }}", "{{ order['_below'] }}", "{{ order['_given'] }}", "{{ rows[0]['__init__'] }}",
        "{{ order.city['__iter__'] }}", "{{ order.note }}", "{{ rows.sort }}",
    ],
)  # fmt: skip
def test_nothing_of_what_holds_the_data_leaks(text: str) -> None:
    with pytest.raises(TemplateFault):
        filled(text, GIVEN)
