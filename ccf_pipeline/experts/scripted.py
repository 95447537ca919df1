"""Plays recorded answers back: tests without a model, and a build whose answers somebody else wrote."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from pydantic import ConfigDict, ValidationError

from ccf_pipeline.errors import MissingInput, SettingsError, UnreadableInput
from ccf_pipeline.experts import Take, storable
from ccf_pipeline.records import Completion, Message, Noun, Prompt

NO_ANSWER = "no recorded answer"
BATCH_SIZE = 256


class Recording(Noun):
    """A line of a file of recorded answers: the prompt by its id or by its messages, and what was answered.

    What else stands in the line is let be; a line without a text is a prompt that still waits.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    prompt_id: str | None = None
    messages: tuple[Message, ...] = ()
    text: str | None = None
    origin: str = ""
    model: str | None = None
    finish_reason: str = "stop"
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0


def digest_of(messages: Iterable[Message]) -> str:
    """Return what was said, whoever it is said for."""
    said = "\x1e".join(f"{message.role}\x1f{message.content}" for message in messages)
    return hashlib.sha256(said.encode(errors="surrogatepass")).hexdigest()


def read_recordings(path: Path) -> dict[str, Recording]:
    """The answers of a JSON lines file, by prompt id and by digest of the messages; the first stands."""
    recordings: dict[str, Recording] = {}
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                recording = _parse_recording(line, path, number)
                for key in _list_keys(recording) if recording.text is not None else ():
                    recordings.setdefault(key, recording)
    except FileNotFoundError as error:
        raise MissingInput(f"{path}: there is no such file of recorded answers") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableInput(f"{path}: cannot be read ({error.__class__.__name__})") from error
    return recordings


def _parse_recording(line: str, path: Path, number: int) -> Recording:
    try:
        recording = Recording.model_validate(json.loads(line))
    except (ValueError, ValidationError, RecursionError):
        raise UnreadableInput(f"{path}: line {number} is no recorded answer", hint=_FORM) from None
    if not list(_list_keys(recording)):
        raise UnreadableInput(f"{path}: line {number} names no prompt", hint=_FORM)
    return recording


_FORM = "A line is a JSON object with `text` and `prompt_id` or `messages`, as `ccf-build prompts` writes it."


def _list_keys(recording: Recording) -> Iterator[str]:
    if recording.prompt_id:
        yield recording.prompt_id
    if recording.messages:
        yield digest_of(recording.messages)


class ScriptedExpert:
    """Answers what is recorded, and says of the rest that it is not."""

    name = "scripted"
    learns = True
    endpoints = ()

    def __init__(
        self,
        recordings: Mapping[str, Recording],
        *,
        model: str | None = None,
        unanswered: Callable[[Prompt], None] = lambda prompt: None,
    ) -> None:
        """Args:
        model: what the rows say wrote them; the model that the recordings name, if they name one.
        unanswered: is told of each prompt without an answer.
        """
        named = sorted({r.model for r in recordings.values() if r.model})
        self.model = model or "+".join(named) or "recorded"
        self._recordings, self._unanswered = recordings, unanswered

    @classmethod
    def from_file(cls, path: Path | None, *, model: str | None = None) -> ScriptedExpert:
        if path is None:
            raise SettingsError(
                "the expert `scripted` has nothing to play back",
                hint="Name the file with --recorded, or set `recorded` in [expert].",
            )
        return cls(read_recordings(path), model=model)

    def answer(self, take: Take) -> Iterator[tuple[Completion, ...]]:
        """A completion for each prompt, in their order."""
        # None means nothing just now: each batch begins to take anew, for a refused answer asks again.
        while batch := tuple(itertools.islice(iter(take, None), BATCH_SIZE)):
            yield tuple(self._complete(prompt) for prompt in batch if prompt is not None)

    def _complete(self, prompt: Prompt) -> Completion:
        found = self._recordings.get(prompt.prompt_id) or self._recordings.get(digest_of(prompt.messages))
        if found is None:
            self._unanswered(prompt)
        return Completion(
            prompt_id=prompt.prompt_id,
            expert=self.name,
            model=self.model,
            text=storable(found.text or "") if found else "",
            finish_reason=found.finish_reason if found else "stop",
            failure=None if found else NO_ANSWER,
            served_by=(found.origin or None) if found else None,
            tokens_in=found.tokens_in if found else 0,
            tokens_cached=found.tokens_cached if found else 0,
            tokens_out=found.tokens_out if found else 0,
            attempt=prompt.attempt,
        )
