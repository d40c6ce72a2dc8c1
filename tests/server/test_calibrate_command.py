"""`jurat calibrate`: what is asked, what is printed, what is kept, and what becomes of bad files."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.llm.openai_server import Manners, serving

from jurat.llm import thresholds
from jurat.llm.calibration import stored
from jurat.llm.injection import CONTROLS
from jurat.llm.wording import LAYOUT
from jurat.server.cli import calibrate as command
from jurat.server.cli import commands

from .conftest import Jurat

POLICY = """\
jurat: 1
observations: {asks: The customer asks for a refund}
guidelines: {g: {when: asks, action: Help}}
"""


class Scripted:
    """Says yes a little too easily, and never to what a conversation does not mention."""

    name, digest = "scripted", "ab" * 32

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.closed = False

    async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]:
        self.asked += suffixes
        last = prefix.rsplit("Conversation:", 1)[-1]
        return [self._score(last, each) for each in suffixes]

    def _score(self, talk: str, suffix: str) -> float:
        for text, true in CONTROLS:
            if text in suffix:
                return 0.99 if true else 0.02
        return 0.97 if "refund" in suffix and "money" in talk else 0.8

    async def close(self) -> None:
        self.closed = True


def cases(number: int = 24, statement: str = "The customer asks for a refund") -> str:
    lines = ["conversations:"]
    for n in range(number):
        said = "I want my money back" if n % 2 else "Where is my parcel?"
        holds = f"{{{statement}: {str(n % 2 == 1).lower()}, The customer sings: false}}"
        lines.append(f"- {{id: c{n}, said: [{{customer: Hello {n}}}, {{customer: {said}}}], holds: {holds}}}")
    return "\n".join(lines)


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Scripted:
    made = Scripted()
    monkeypatch.setattr(command, "open_backend", lambda run, model: made)
    monkeypatch.setenv("JURAT_CALIBRATIONS", str(tmp_path / "kept"))
    return made


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(commands.command_line, ["calibrate", *map(str, arguments)], standalone_mode=False)


def test_the_result_is_printed_and_kept_for_the_model_and_the_prompt(backend: Scripted, tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(cases(48))
    done = run(tmp_path / "cases.yaml")
    assert done.exception is None
    for line in ("scripted (abababababab)", "fitted on 48 statements, measured on 48 held back", "  accuracy "):
        assert line in done.output
    assert "  chosen" in done.output
    assert "The customer asks for a refund" in done.output.partition("a calibration of their own")[2]
    kept = stored(backend.digest, LAYOUT.digest)
    assert kept is not None
    assert kept.general.truth(kept.of("The customer sings").probability(0.8)) is not True
    assert kept.of("The customer asks for a refund").probability(0.97) > 0.7
    assert backend.closed
    (file,) = (tmp_path / "kept").iterdir()
    assert json.loads(file.read_text())["model"] == "scripted"


def test_a_dry_run_keeps_nothing_and_a_diagram_is_drawn(backend: Scripted, tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(cases())
    done = run(tmp_path / "cases.yaml", "--dry-run", "-o", tmp_path / "reliability.svg")
    assert done.exception is None
    assert not (tmp_path / "kept").exists()
    drawn = (tmp_path / "reliability.svg").read_text()
    assert drawn.startswith("<svg")
    assert drawn.count("<circle") >= 2


def test_cases_may_name_a_policys_observations(backend: Scripted, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "cases.yaml").write_text(cases(statement="asks"))
    assert run(tmp_path / "cases.yaml", "--policy", tmp_path / "policy.yaml", "--dry-run").exception is None
    assert any("The customer asks for a refund" in each for each in backend.asked)
    assert not any(" asks\n" in each for each in backend.asked)


def test_a_higher_price_of_not_knowing_leaves_less_unknown(backend: Scripted, tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(cases())
    assert run(tmp_path / "cases.yaml", "--unknown-cost", "0", "--dry-run").exception is None


def test_a_bad_file_is_shown_with_its_lines(jurat: Jurat, tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text("conversations:\n- said: [{customer: Hi}]\n  holds: {It is so: perhaps}\n")
    done = jurat("calibrate", str(tmp_path / "cases.yaml"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "cases.yaml:3:21" in done.stderr
    assert "what is said of `It is so` is true or false, not `perhaps`" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_file_and_missing_arguments_are_one_error(jurat: Jurat, tmp_path: Path) -> None:
    done = jurat("calibrate", str(tmp_path / "nothing.yaml"))
    assert done.returncode == 2
    assert "no such file or folder" in done.stderr
    assert jurat("calibrate").returncode == 2


def test_statements_of_one_kind_are_refused(backend: Scripted, tmp_path: Path) -> None:
    lines = "".join(f"- {{id: c{n}, said: [{{customer: Hi {n}}}], holds: {{It is so: true}}}}\n" for n in range(4))
    (tmp_path / "cases.yaml").write_text(f"conversations:\n{lines}")
    done = run(tmp_path / "cases.yaml")
    assert "needs statements that hold and statements that do not" in str(done.exception)
    assert not (tmp_path / "kept").exists()


class Unsure(Scripted):
    """Gives neither answer where the talk says so; `how` is its way of having no probabilities, or none at all."""

    def __init__(self, *, ungraded: str = "", never: bool = False) -> None:
        super().__init__()
        self.ungraded, self.never = ungraded, never

    def _score(self, talk: str, suffix: str) -> float:
        unsure = self.never or "Hello 1" in talk
        return math.nan if unsure else super()._score(talk, suffix)


def opening(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, backend: Scripted, text: str | None = None) -> Path:
    monkeypatch.setattr(command, "open_backend", lambda *_: backend)
    monkeypatch.setenv("JURAT_CALIBRATIONS", str(tmp_path / "kept"))
    (tmp_path / "cases.yaml").write_text(text or cases(48))
    return tmp_path / "cases.yaml"


def test_statements_without_a_score_are_counted_and_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    backend = Unsure()
    done = run(opening(monkeypatch, tmp_path, backend))
    assert done.exception is None
    assert "22 more got no score, and are not counted" in done.output
    kept = stored(backend.digest, LAYOUT.digest)
    assert kept is not None
    assert 0 < kept.limits.false_high < 0.1


@pytest.mark.parametrize(
    ("backend", "told"),
    [
        (Unsure(ungraded="it writes only"), "gives no probabilities, so there is nothing to calibrate"),
        (Unsure(never=True), "answered no statement with `yes` or `no`"),
    ],
)
def test_a_model_without_probabilities_is_not_calibrated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, backend: Unsure, told: str
) -> None:
    assert told in str(run(opening(monkeypatch, tmp_path, backend)).exception)
    assert not (tmp_path / "kept").exists()


def test_labels_that_say_the_opposite_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    swapped = cases(48).replace("true", "TRUE").replace("false", "true").replace("TRUE", "false")
    path = opening(monkeypatch, tmp_path, Scripted(), swapped.replace(", The customer sings: true", ""))
    assert "are the labels right?" in str(run(path).exception)


def test_a_diagram_that_cannot_be_drawn_loses_no_calibration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run(opening(monkeypatch, tmp_path, Scripted()), "-o", tmp_path / "missing" / "reliability.svg")
    assert len(list((tmp_path / "kept").iterdir())) == 1


def test_labels_that_contradict_each_other_leave_the_statement_unknown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = "".join(
        f"- {{said: [{{customer: Hello}}], holds: {{It is so: {str(n % 2 == 0).lower()}}}}}\n" for n in range(40)
    )
    backend = Scripted()
    done = run(opening(monkeypatch, tmp_path, backend, f"conversations:\n{lines}"))
    assert done.exception is None
    assert "nan" not in done.output
    kept = stored(backend.digest, LAYOUT.digest)
    assert kept is not None
    calibration = kept.of("It is so")
    assert calibration.truth(calibration.probability(0.8)) is None


def cases_of_many(number: int = 160) -> str:
    lines = ["conversations:"]
    for n in range(number):
        thing = ("refund", "parcel", "invoice", "garden")[n % 4]
        holds = f"{{The customer speaks of a {thing}: true, The customer sings: false}}"
        lines.append(f"- {{id: c{n}, said: [{{customer: Hello {n} my {thing} please}}], holds: {holds}}}")
    return "\n".join(lines)


def test_a_shortcut_is_fitted_printed_and_kept(backend: Scripted, tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(cases_of_many())
    with serving(Manners()) as url:
        done = run(tmp_path / "cases.yaml", "--embeddings", url)
    assert done.exception is None
    assert "fitted on 80 statements that hold, measured on 80 held back; 5 to be asked" in done.output
    assert "1.000 (1.000 to 1.000)" in done.output.partition("100%")[2]
    kept = thresholds.stored("tiny")
    assert kept is not None
    assert kept.recall == 1.0
    assert not backend.asked


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--recall", "0.9"), "--embeddings"),
        (("--embedding-model", "e5"), "give that too"),
        (("--embeddings", "nowhere"), "is not the address of a server"),
        (("--embeddings", ""), "is not the address of a server"),
        (("--embeddings", "http://127.0.0.1:1", "--backend", "embedded"), "leave its options out"),
        (("--embeddings", "http://127.0.0.1:1", "-o", "x.svg"), "there are none"),
        (("--embeddings", "http://127.0.0.1:1", "--unknown-cost", "0.1"), "there are none"),
    ],
)
def test_options_of_a_shortcut_that_make_no_sense(
    backend: Scripted, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "cases.yaml").write_text(cases_of_many())
    assert said in str(run(tmp_path / "cases.yaml", *arguments).exception)


def test_a_shortcut_wants_conversations_enough(backend: Scripted, tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(cases_of_many(40))
    with serving(Manners()) as url:
        done = run(tmp_path / "cases.yaml", "--embeddings", url)
        assert "20 statements that hold are to be fitted on, of which 30 are needed" in str(done.exception)
        (tmp_path / "cases.yaml").write_text(cases_of_many().replace("holds", "split: choice, holds"))
        done = run(tmp_path / "cases.yaml", "--embeddings", url)
        assert "0 to be measured on, of which one is" in str(done.exception)


def test_conversations_that_a_shortcut_does_not_look_at_are_counted(backend: Scripted, tmp_path: Path) -> None:
    long = f"- {{said: [{{customer: {'long ' * 2000}}}], holds: {{It is long: true}}}}"
    (tmp_path / "cases.yaml").write_text(f"{cases_of_many()}\n{long}")
    with serving(Manners()) as url:
        done = run(tmp_path / "cases.yaml", "--embeddings", url, "--dry-run")
    assert "for all is asked in them: 1 of 161 conversations" in done.output


def test_with_a_policy_those_are_counted_that_may_be_left_out(backend: Scripted, tmp_path: Path) -> None:
    (tmp_path / "cases.yaml").write_text(cases_of_many())
    two = POLICY.replace("refund}", "refund, sings: The customer sings}")
    two = two.replace("Help}", "Help}, h: {when: sings, hand_off: human}")
    (tmp_path / "policy.yaml").write_text(two)
    with serving(Manners()) as url:
        given = (tmp_path / "cases.yaml", "--policy", tmp_path / "policy.yaml", "--embeddings", url, "--dry-run")
        done = run(*given)
        assert "of 2 observations of the policy 1 may be left unasked" in done.output
        assert "; 1 to be asked" in done.output
        (tmp_path / "policy.yaml").write_text(two.replace("action: Help", "hand_off: human"))
        assert "has nothing to leave out" in str(run(*given).exception)
