"""A backend's answers in a file: recorded once with the real one, replayed without it.

An entry is found by the model's name, the prompt with everything else that was asked, and a revision: the digest of the
weights. A question that was never recorded is an error (`CassetteMiss`) that ends the turn, not an unknown answer, for a
recording that does not fit what is asked would otherwise pass for a conversation.

The file has a line a record, the first one the model's; new ones are appended as they come, so that nothing but
half a line is lost when a recording is broken off. Processes that record at the same time take turns.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jurat.llm.errors import BackendError, CassetteMiss, ContextTooLong
from jurat.llm.models.lock import file_lock
from jurat.llm.protocol import Backend, CutOff, Noted, OnText, Ungraded

FORM = 1
_HEAD = ("cassette", "model", "revision", "ungraded")


class Cassette:
    """What was recorded of one model, by key."""

    def __init__(self, file: Path, model: str, revision: str, ungraded: str = "") -> None:
        self.file = file
        self.model = model
        self.revision = revision
        self.ungraded = ungraded
        self._answers: dict[str, Any] = {}

    @classmethod
    def read(cls, file: Path | str) -> Cassette:
        """The recording in a file, but for a last line that was broken off. Raises `BackendError` where there is none."""
        path = Path(file)
        try:
            lines = [_record(line) for line in _whole(path.read_bytes()).split(b"\n") if line.strip()]
            head = lines[0]
            if head["cassette"] != FORM:
                raise BackendError(f"`{path}` is a recording of another form ({head['cassette']}); record it again")
            found = cls(path, *(_text(head.get(name, "")) for name in _HEAD[1:]))
            for entry in lines[1:]:
                found._answers.setdefault(_text(entry["key"]), _answer(entry))
        except OSError as error:
            raise BackendError(f"cannot read the recording `{path}`: {(error.strerror or '').lower()}") from error
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise BackendError(f"`{path}` is not a recording of a model's answers") from error
        return found

    @contextmanager
    def held(self) -> Iterator[None]:
        """While no other process that records has the file. Raises `BackendError` where it cannot be read or written."""
        try:
            with file_lock(self.file, lambda: None):
                yield
        except OSError as error:
            raise self._unwritten(error) from error

    def begin(self) -> None:
        """Make the file, which is held, ready to be added to: with a head, and without half a line at its end."""
        content = self.file.read_bytes()
        with self.file.open("a+b") as stream:
            stream.truncate(len(_whole(content)))
            if content.strip() and _whole(content) == content and not content.endswith(b"\n"):
                stream.write(b"\n")
        if not content.strip():
            self._append(dict(zip(_HEAD, (FORM, self.model, self.revision, self.ungraded), strict=True)))

    def key(self, question: dict[str, Any]) -> str:
        """What an answer is found by; hex. The same question of another model or revision has another."""
        whole = json.dumps([self.model, self.revision, question], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()

    def look(self, question: dict[str, Any]) -> Any:
        """The recorded answer, or None."""
        return self._answers.get(self.key(question))

    def add(self, question: dict[str, Any], answer: str | float | ContextTooLong) -> None:
        """Record an answer; the first one to a question stays."""
        key = self.key(question)
        if key not in self._answers:
            told: Any = answer
            if isinstance(answer, ContextTooLong):
                told = {"tokens": answer.tokens, "limit": answer.limit}
            elif isinstance(answer, CutOff):
                told = {"cut off": answer}
            with self.held():
                self._append({"key": key, "asked": question, "answer": told})
            self._answers[key] = answer

    def _append(self, record: dict[str, Any]) -> None:
        # Half a surrogate pair becomes its escape, which is what JSON has for it.
        line = json.dumps(record, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        with self.file.open("ab") as stream:
            stream.write(line)

    def _unwritten(self, error: OSError) -> BackendError:
        reason = (error.strerror or "no reason given").lower()
        return BackendError(f"cannot write the recording `{self.file}`: {reason}")


def _whole(content: bytes) -> bytes:
    """Without what stands after the last line break, where that is no record: a process was killed while it wrote."""
    lines, end, last = content.rpartition(b"\n")
    try:
        json.loads(last or b"0")
    except (ValueError, RecursionError):
        return lines + end
    return content


def _record(line: bytes) -> dict[str, Any]:
    found = json.loads(line)
    if not isinstance(found, dict):
        raise TypeError
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _answer(entry: dict[str, Any]) -> str | float | ContextTooLong:
    """A text, which may be cut off, or a score: in [0, 1], or nan where the model gave neither answer; or that the question was too long."""
    answer = entry["answer"]
    if isinstance(answer, dict) and "cut off" in answer and "generate" in entry["asked"]:
        return CutOff(_text(answer["cut off"]))
    if isinstance(answer, dict) and "suffix" not in entry["asked"]:
        tokens, limit = answer["tokens"], answer["limit"]
        if type(tokens) is not int or type(limit) is not int:
            raise TypeError
        return ContextTooLong(tokens, limit)
    if "generate" in entry["asked"]:
        return _text(answer)
    if type(answer) not in (int, float) or not (0 <= answer <= 1 or math.isnan(answer)):
        raise ValueError
    return float(answer)


class CassetteBackend:
    """Replays a recording, or records another backend; made by `replay` and `record`."""

    def __init__(self, cassette: Cassette, source: Backend | None) -> None:
        self.name = cassette.model
        self.digest = cassette.revision
        self.ungraded = cassette.ungraded
        self.note = source.note if source is not None and isinstance(source, Noted) else ""
        self._cassette = cassette
        self._source = source

    @classmethod
    def replay(cls, file: Path | str) -> CassetteBackend:
        """Answers from a recording alone. Raises `BackendError` where there is none."""
        return cls(Cassette.read(file), None)

    @classmethod
    def record(cls, file: Path | str, source: Backend) -> CassetteBackend:
        """Answers of `source`, written down; a recording of the same model and revision is gone on with.

        Raises `BackendError` where the file holds one of another.
        """
        path = Path(file)
        model = (source.name, source.digest, source.ungraded if isinstance(source, Ungraded) else "")
        cassette = Cassette(path, *model)
        with cassette.held():
            if path.exists() and path.stat().st_size:
                cassette = Cassette.read(path)
                if (cassette.model, cassette.revision, cassette.ungraded) != model:
                    raise BackendError(
                        f"`{path}` is a recording of `{cassette.model}` in another revision, or of another model"
                    )
            cassette.begin()
        return cls(cassette, source)

    async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]:
        """As the recorded backend answered; a condition is recorded by itself, so the others asked do not matter."""
        questions = [{"score": prefix, "suffix": each, "answers": list(answers)} for each in suffixes]
        whole = {"score": prefix, "suffixes": list(suffixes), "answers": list(answers)}
        fresh = [i for i, each in enumerate(questions) if self._cassette.look(each) is None]
        if fresh and isinstance(too_long := self._cassette.look(whole), ContextTooLong):
            raise ContextTooLong(too_long.tokens, too_long.limit)
        if fresh and self._source is None:
            raise self._miss("the score of", suffixes[fresh[-1]])
        if self._source is not None and (fresh or not suffixes):
            with self._recorded(whole):
                found = await self._source.score(prefix, [suffixes[i] for i in fresh], answers)
            for i, score in zip(fresh, found, strict=True):
                self._cassette.add(questions[i], score)
        return [float(self._cassette.look(each)) for each in questions]

    async def generate(
        self,
        prompt: str,
        schema: dict[str, Any] | None = None,
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        on_text: OnText | None = None,
    ) -> str:
        """As the recorded backend answered; replayed text comes in one piece."""
        question = {"generate": prompt, "schema": schema, "max_tokens": max_tokens, "stop": list(stop)}
        known = self._cassette.look(question)
        if known is None:
            if self._source is None:
                raise self._miss("the answer to", prompt)
            with self._recorded(question):
                text = await self._source.generate(prompt, schema, max_tokens=max_tokens, stop=stop, on_text=on_text)
            self._cassette.add(question, text)
            return text
        if isinstance(known, ContextTooLong):
            raise ContextTooLong(known.tokens, known.limit)
        if on_text is not None:
            on_text(known)
        return known if isinstance(known, CutOff) else str(known)

    async def close(self) -> None:
        """Free the backend that was recorded, if there is one."""
        if self._source is not None:
            await self._source.close()

    @contextmanager
    def _recorded(self, question: dict[str, Any]) -> Iterator[None]:
        """Writes down that a question was too long, for what is asked next is a shorter one."""
        try:
            yield
        except ContextTooLong as error:
            self._cassette.add(question, error)
            raise

    def _miss(self, what: str, text: str) -> CassetteMiss:
        end = " ".join(text.split())[-80:]
        return CassetteMiss(f"`{self._cassette.file}` has no recording of {what} `{end}`; record it again")
