"""How faults are shown: with the line and carets, one a line, as JSON; never an escape that the author wrote."""

from __future__ import annotations

import json
from pathlib import Path

from jurat.policies.diagnostics import Diagnostic, Note
from jurat.policies.rendering import as_json, render, render_colour, render_lines
from jurat.policies.spans import NOWHERE, Span

TEXT = "jurat: 1\nfacts: {tier: strng}\n\tx: 名前 abc\n" + "y" * 400 + " here\n"
FAULT = Diagnostic(Span("p", 2, 15, 2, 20), "P308", "`strng` is not a type", "strng", "did you mean `string`?")


def shown(*spans: Span) -> list[str]:
    faults = [Diagnostic(span, "P1", "wrong") for span in spans]
    return render(faults, {"p": TEXT}).splitlines()


def test_the_line_with_carets_and_help() -> None:
    assert render([FAULT], {"p": TEXT}) == (
        "error[P308]: `strng` is not a type\n"
        " --> p:2:15\n"
        "  |\n"
        "2 | facts: {tier: strng}\n"
        "  |               ^^^^^\n"
        "  = help: did you mean `string`?\n"
        "\n"
        "1 error\n"
    )


def test_tabs_and_wide_characters_are_measured() -> None:
    assert shown(Span("p", 3, 8, 3, 11))[3:5] == ["3 |     x: 名前 abc", "  |" + " " * 13 + "^^^"]


def test_a_long_line_is_cut_around_the_fault() -> None:
    line, carets = shown(Span("p", 4, 402, 4, 406))[3:5]
    assert len(line) < 120
    assert line.endswith("y here")
    assert carets.endswith("^^^^")
    assert len(carets) == len(line)


def test_a_place_over_lines_shows_its_first() -> None:
    assert shown(Span("p", 1, 8, 3, 2))[3:5] == ["1 | jurat: 1", "  |        ^"]


def test_places_that_do_not_exist() -> None:
    assert shown(Span("p", 99, 1, 99, 1)) == ["error[P1]: wrong", "  --> p:99:1", "", "1 error"]
    assert shown(NOWHERE) == ["error[P1]: wrong", " --> <python>:1:1", "", "1 error"]


def test_a_text_is_read_from_its_file_where_it_is_not_given(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("jurat: 2\n")
    span = Span(str(tmp_path / "a.yaml"), 1, 8, 1, 9)
    assert "1 | jurat: 2" in render([Diagnostic(span, "P110", "wrong")])


def test_notes_show_their_own_place() -> None:
    note = Note(Span("p", 1, 1, 1, 6), "first given here")
    text = render([Diagnostic(FAULT.span, "P304", "twice", related=(note,))], {"p": TEXT})
    assert "  = note: first given here\n --> p:1:1\n  |\n1 | jurat: 1\n  | ^^^^^\n" in text


def test_what_an_author_wrote_cannot_act_on_the_terminal() -> None:
    evil = "a: \x1b[31mred\x07"
    fault = Diagnostic(Span("p", 1, 4, 1, 9), "P1", f"`{evil}` is wrong", help=evil)
    for text in (render([fault], {"p": evil}), render_lines([fault])):
        assert "\x1b" not in text
        assert "\x07" not in text


def test_colour_only_when_asked() -> None:
    assert "\x1b[" in render_colour([FAULT], {"p": TEXT})
    assert "\x1b[" not in render([FAULT], {"p": TEXT})


def test_markup_in_a_message_is_only_text() -> None:
    fault = Diagnostic(Span("p", 1, 1, 1, 2), "P1", "`[bold]x[/bold]` is wrong")
    assert "`[bold]x[/bold]` is wrong" in render([fault], {"p": TEXT})
    assert "[bold]x[/bold]" in render_colour([fault], {"p": TEXT})


def test_one_line_each_in_order() -> None:
    other = Diagnostic(Span("p", 1, 1, 1, 2), "P1", "wrong")
    assert render_lines([FAULT, other]) == (
        "p:1:1: error[P1]: wrong\np:2:15: error[P308]: `strng` is not a type (did you mean `string`?)\n"
    )


def test_json() -> None:
    (found,) = json.loads(json.dumps(as_json([FAULT])))
    assert found == {
        "code": "P308",
        "message": "`strng` is not a type",
        "span": {"source": "p", "line": 2, "column": 15, "end_line": 2, "end_column": 20},
        "quote": "strng",
        "help": "did you mean `string`?",
        "related": [],
    }
