"""Who may call a server, as its options say it; every wrong word is one sentence before anything is proved."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.server.test_access import SECRET

import jurat.sdk as p
from jurat.server.cli.commands import command_line
from jurat.server.cli.options import allowed
from jurat.server.scopes import LOCAL, SCOPES


@pytest.mark.parametrize(
    ("words", "local", "expected"),
    [
        ((), True, LOCAL),
        ((), False, frozenset()),
        (("none",), True, frozenset()),
        (("all",), False, SCOPES),
        (("chat", "policy:read"), False, frozenset({"chat", "policy:read"})),
    ],
)
def test_what_may_be_done_without_a_name(words: tuple[str, ...], local: bool, expected: frozenset[str]) -> None:
    assert allowed(words, local) == expected


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--anonymous", "chta"], "there is no scope `chta`"),
        (["--origin", "*"], "`*` is no origin"),
        (["--rate", "nan"], "is no rate"),
        (["--rate", "-1"], "is no rate"),
        (["--turns-at-once", "0"], "0 is not in the range 1<=x<=2000"),
        (["--jwt-issuer", "https://i.example"], "--jwt-issuer needs --jwt-key"),
        (["--jwt-key", "KEY"], "--jwt-key needs --jwt-issuer"),
        (["--jwt-key", "none", "--jwt-issuer", "i"], "`none` cannot be read"),
        (["--jwt-key", "KEY", "--jwt-issuer", "i"], "a public key in PEM"),
        (["--jwt-key", "SHORT", "--jwt-issuer", "i", "--jwt-algorithm", "HS256"], "at least 32 bytes"),
        (["--jwt-algorithm", "none"], "is not one of"),
    ],
)
def test_a_wrong_option_is_one_sentence(tmp_path: Path, options: list[str], said: str) -> None:
    (tmp_path / "KEY").write_bytes(SECRET)
    (tmp_path / "SHORT").write_text("short")
    options = [str(tmp_path / each) if each in ("KEY", "SHORT") else each for each in options]
    done = CliRunner().invoke(command_line, ["serve", str(tmp_path), *options, "--port", "0"])
    assert done.exit_code == 2, done.output
    assert said in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"anonymous": ["chta"]}, "there is no scope `chta`"),
        ({"anonymous": "chat"}, "`anonymous` is a list"),
        ({"cors_allowed_origins": ["*"]}, "`\\*` is no origin"),
    ],
)
def test_a_program_is_told_the_same(options: dict[str, object], said: str) -> None:
    with pytest.raises(p.SDKError, match=said):
        p.Server(**options)  # type: ignore[arg-type]
    assert p.Server(anonymous=[]).settings.anonymous == frozenset()
    assert p.Server(host="0.0.0.0").settings.anonymous == frozenset()  # noqa: S104 - it is not served
