"""Files and folders: which are read, and one clear error for each that cannot be."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jurat.policies import limits
from jurat.policies.diagnostics import Diagnostic
from jurat.policies.errors import PolicyError
from jurat.policies.reader import documents, parse, read_policy

GREET = "jurat: 1\nguidelines:\n  greet: {action: Say hello}\n"


def fault_of(source: str | Path) -> Diagnostic:
    """The one fault of a policy."""
    with pytest.raises(PolicyError) as refusal:
        read_policy(source)
    (found,) = refusal.value.diagnostics
    return found


def guidelines(source: str | Path) -> list[str]:
    return list(read_policy(source).guidelines)


def test_a_file_a_folder_and_text(tmp_path: Path) -> None:
    (tmp_path / "policy.yml").write_text(GREET)
    assert guidelines(tmp_path / "policy.yml") == guidelines(str(tmp_path)) == guidelines(GREET) == ["greet"]
    assert guidelines("jurat: 1") == []


def test_a_folder_is_read_with_what_is_below_it_sorted_and_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b.yaml", "a/z.yml", "a/.hidden.yaml", ".git/c.yaml", "notes.txt", "c.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"guidelines: {{{path.stem}: {{action: Help}}}}\n" + ("jurat: 1\n" if name == "c.yaml" else ""))
    policy = read_policy(tmp_path)
    assert list(policy.guidelines) == ["z", "b", "c"]
    assert list(policy.sources) == [str(tmp_path / name) for name in ("a/z.yml", "b.yaml", "c.yaml")]


def test_includes_are_relative_and_read_once(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "root.yaml").write_text("jurat: 1\ninclude: [in/a.yaml, ./in/../in/b.yaml]\n")
    (tmp_path / "in" / "a.yaml").write_text("include: [b.yaml, ../c.yaml]\n")
    (tmp_path / "in" / "b.yaml").write_text("guidelines: {b: {action: Help}}\n")
    (tmp_path / "c.yaml").write_text("guidelines: {c: {action: Help}}\n")
    assert guidelines(tmp_path / "root.yaml") == ["b", "c"]


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbf" + GREET.encode())
    span = read_policy(tmp_path / "a.yaml").guidelines["greet"].span
    assert (span.line, span.column) == (3, 3)


def test_lines_end_in_any_way(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(GREET.replace("\n", "\r\n").encode())
    span = read_policy(tmp_path / "a.yaml").guidelines["greet"].span
    assert (span.line, span.column, span.end_column) == (3, 3, 8)


def test_ids_in_two_files_show_both_places(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GREET)
    (tmp_path / "b.yaml").write_text(GREET)
    fault = fault_of(tmp_path)
    assert (fault.code, fault.message, fault.span.source) == (
        "P304", "`greet` names a guideline twice", str(tmp_path / "b.yaml"),
    )  # fmt: skip
    assert [note.span.source for note in fault.related] == [str(tmp_path / "a.yaml")]


def test_a_missing_file_suggests_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(GREET)
    fault = fault_of(tmp_path / "polcy.yaml")
    assert (fault.code, fault.message) == ("P101", f"cannot read `{tmp_path}/polcy.yaml`: no such file or folder")
    assert fault.help == f"did you mean `{tmp_path}/policy.yaml`?"


@pytest.mark.parametrize("name", ["a/b/c.yaml", "policy.yaml/inside", "null\0byte", "x" * 5000])
def test_paths_that_lead_nowhere(tmp_path: Path, name: str) -> None:
    (tmp_path / "policy.yaml").write_text(GREET)
    assert fault_of(f"{tmp_path}/{name}").code == "P101"


@pytest.mark.parametrize(
    ("content", "code", "message", "place"),
    [
        (b"jurat: 1\n# caf\xe9\n", "P103", "byte 14 (0xe9) is not UTF-8", (2, 6)),
        (GREET.encode("utf-16"), "P103", "the file is UTF-16; a policy is UTF-8", (1, 1)),
        (GREET.encode("utf-32"), "P103", "the file is UTF-32; a policy is UTF-8", (1, 1)),
        (b"jurat: 1\na: \0\n", "P103", "the character U+0000 is not allowed in a policy", (2, 4)),
        (b"jurat: 1\na: \x07\n", "P103", "the character U+0007 is not allowed in a policy", (2, 4)),
        (b"", "P109", "the file is empty", (1, 1)),
        (b"\n\n# only a comment\n", "P109", "the file is empty", (1, 1)),
        (b"\xef\xbb\xbf", "P109", "the file is empty", (1, 1)),
    ],
)
def test_contents_that_are_no_text(
    tmp_path: Path, content: bytes, code: str, message: str, place: tuple[int, int]
) -> None:
    (tmp_path / "a.yaml").write_bytes(content)
    fault = fault_of(tmp_path / "a.yaml")
    assert (fault.code, fault.message, (fault.span.line, fault.span.column)) == (code, message, place)


def test_half_a_character_in_text_is_refused() -> None:
    assert fault_of("jurat: 1\n# \ud800\n").message == "the character U+D800 is not allowed in a policy"


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_empty_text(text: str) -> None:
    assert fault_of(text).code == "P109"


def test_a_folder_without_policies(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text(GREET)
    assert fault_of(tmp_path).message == f"the folder `{tmp_path}` has no policy files"


def test_a_folder_in_which_no_file_has_the_header(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("guidelines: {a: {action: Help}}\n")
    assert fault_of(tmp_path).code == "P110"


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run as root nothing is forbidden, so the refusal is put in the system's mouth."""
    path = tmp_path / "a.yaml"
    path.write_text(GREET)
    path.chmod(0)
    if os.geteuid() == 0:
        monkeypatch.setattr("builtins.open", _refuse)
    assert fault_of(path).message == f"cannot read `{path}`: permission denied"


def _refuse(*_: object, **__: object) -> Iterator[bytes]:
    raise PermissionError(13, "Permission denied")


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")  # whoever reads from it waits for ever
    assert fault_of(tmp_path / "pipe.yaml").message == f"`{tmp_path}/pipe.yaml` is not a file"


def test_folders_that_contain_each_other(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GREET)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "again").symlink_to(tmp_path)
    assert fault_of(tmp_path).message == f"the folder `{tmp_path}/in/again` is a link to a folder that contains it"


def test_links_that_lead_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to(tmp_path / "b.yaml")
    (tmp_path / "b.yaml").symlink_to(tmp_path / "a.yaml")
    assert fault_of(tmp_path / "a.yaml").message == f"cannot read `{tmp_path}/a.yaml`: its links lead in a circle"


def test_a_file_linked_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GREET)
    (tmp_path / "b.yaml").symlink_to(tmp_path / "a.yaml")
    assert guidelines(tmp_path) == ["greet"]


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    with path.open("wb") as stream:
        stream.truncate(50 * 1024 * 1024)
    started = time.process_time()
    fault = fault_of(path)
    assert time.process_time() - started < 0.5
    assert (fault.code, fault.message) == ("P102", f"`{path}` has 50 MiB; a policy file has 16 MiB at most")


def test_files_that_are_too_large_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "POLICY_BYTES", 2 * len(GREET))
    for name in "abc":
        (tmp_path / f"{name}.yaml").write_text(GREET.replace("greet", f"gree{name}"))
    fault = fault_of(tmp_path)
    assert (fault.code, fault.span.source) == ("P102", str(tmp_path / "c.yaml"))


def test_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jurat.policies.reader.files.FILES", 2)
    for name in "abc":
        (tmp_path / f"{name}.yaml").write_text(GREET)
    assert fault_of(tmp_path).message == f"`{tmp_path}` has more than 2 policy files"


def test_too_long_a_chain_of_includes(tmp_path: Path) -> None:
    count = limits.INCLUDE_LEVELS + 2
    for number in range(count):
        (tmp_path / f"{number}.yaml").write_text(f"jurat: 1\ninclude: [{number + 1}.yaml]\n")
    (tmp_path / f"{count}.yaml").write_text(GREET)
    assert fault_of(tmp_path / "0.yaml").message == "more than 64 includes in a chain"


@pytest.mark.parametrize("bracket", ["[", "{a: ", "- ", "? ", "&a [", "[[{a: "])
def test_deep_nesting(bracket: str) -> None:
    started = time.process_time()
    fault = fault_of("jurat: 1\na: \n " + bracket * 100_000)
    assert time.process_time() - started < 2
    assert fault.code in ("P104", "P106", "P107")
    assert "nesting" in fault.message or fault.code != "P107"


def test_too_many_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "Budget", lambda: parse.Budget(1000))
    assert fault_of("jurat: 1\na: [" + "x, " * 1000 + "]\n").code == "P107"


def test_a_bomb_of_aliases_is_small_and_quick() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 200)]
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    assert fault_of("jurat: 1\n" + "\n".join(lines) + "\n").code == "P107"
    assert time.process_time() - started < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


def test_without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML's parser in Python gives the same nodes at the same places."""
    text = (
        GREET + "  leave: {when: 'message.received', action: \"Say\\n bye\", tags: [a]}\n  more: {action: |\n   x\n }\n"
    )
    text = text.replace("{action: |\n   x\n }", "\n    action: |\n      x\n      y\n")
    fast = read_policy(text)
    import yaml

    monkeypatch.setattr(parse, "_parser", yaml.SafeLoader)
    slow = read_policy(text)
    assert fast == slow
    assert fault_of("jurat: 1\na: b: c\n").code == "P104"


def test_every_fault_is_reported_but_not_without_end() -> None:
    lines = "".join(f"  g{n}: {{actoin: Help}}\n" for n in range(3000))
    with pytest.raises(PolicyError) as refusal:
        read_policy("jurat: 1\nguidelines:\n" + lines)
    assert len(refusal.value.diagnostics) == limits.DIAGNOSTICS + 1
    assert refusal.value.diagnostics[-1].message.endswith("more faults are not shown")


def test_ten_thousand_guidelines_are_read_in_ten_seconds() -> None:
    lines = ["jurat: 1", "facts:", "  tier: {enum: [standard, gold], ordered: true}", "  level: int", "guidelines:"]
    for n in range(10_000):
        lines += [f"  g{n}:", f'    when: tier >= "gold" && level > {n}', "    action: Help", f"    tags: [t{n % 50}]"]
    started = time.process_time()
    policy = read_policy("\n".join(lines) + "\n")
    assert time.process_time() - started < 10
    assert len(policy.guidelines) == 10_000


def test_an_axiom_that_would_stand_for_too_many_pairs() -> None:
    names = [f"o{n}" for n in range(limits.EXCLUSIVE_CONDITIONS + 1)]
    words = "".join(f"  {name}: The customer says {name}\n" for name in names)
    fault = fault_of(f"jurat: 1\nobservations:\n{words}axioms:\n  - exclusive: [{', '.join(names)}]\n")
    assert fault.message == "`exclusive` lists at most 200 conditions"


def test_ten_thousand_unknown_names_do_not_take_long() -> None:
    lines = "".join(f"  g{n}: {{when: fact{n}, tools: [tol{n}], overrides: [h{n}, i{n}]}}\n" for n in range(10_000))
    started = time.process_time()
    with pytest.raises(PolicyError):
        read_policy(f"jurat: 1\ntools: {{tool: {{python: 'a:b'}}}}\nguidelines:\n{lines}")
    assert time.process_time() - started < 20


def test_a_long_text_cannot_be_multiplied() -> None:
    text = "jurat: 1\na: [&a " + "long " * 200_000 + ", " + "*a, " * 1000 + "]\n"
    assert fault_of(text).code == "P107"
