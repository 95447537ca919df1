"""The words around a chain of thought: one wrapper for both sides, so that it cannot tell them apart."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path

import yaml
from pydantic import Field, ValidationError, field_validator

from ccf_pipeline.errors import MissingInput, SettingsError, UnreadableInput
from ccf_pipeline.files.hostile import refuse_growing_yaml
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, SUPPORT_DEVICES, Label, Noun, Record
from ccf_pipeline.settings import DatasetSettings

IMAGE_TAG = "<image>"

_HEADING = re.compile(r"^(FINDINGS|IMPRESSION):[ \t]*", re.MULTILINE)
# What a chat template or a training package would take for a command of its own.
_MARKUP = re.compile(r"<(/?(?:think|answer|image|video|audio)|\|[^<>|]*\|)>", re.IGNORECASE)


class Wrapper(Noun):
    """A wrapper as its YAML file says it."""

    name: str = Field(pattern=r"^[a-z0-9_-]+$")
    question: str
    answer: str
    findings: str
    impression: str
    between: str
    no_disease: str

    @field_validator("question")
    @classmethod
    def _has_a_place_for_the_image(cls, question: str) -> str:
        if question.count("{image}") != 1 or _MARKUP.search(question):
            raise ValueError("must say {image} once, where the image belongs, and hold no tag")
        return question

    @field_validator("answer")
    @classmethod
    def _has_a_place_for_text_and_diagnosis(cls, answer: str) -> str:
        places = [answer.find("{text}"), answer.find("{diagnosis}")]
        if answer.count("{text}") != 1 or answer.count("{diagnosis}") != 1 or places != sorted(places):
            raise ValueError("must say {text} once and then {diagnosis} once")
        return answer

    @cached_property
    def around(self) -> tuple[str, str, str]:
        """The words before the text, between it and the diagnosis, and after it."""
        before, _, rest = self.answer.partition("{text}")
        middle, _, after = rest.partition("{diagnosis}")
        return before, middle, after

    def asked(self, *, tag: bool) -> str:
        """The question, with the image's tag or, for a package that places images by itself, without."""
        if tag:
            return self.question.replace("{image}", IMAGE_TAG)
        return " ".join(re.sub(r" ?\{image\}", "", self.question).split())


@dataclass(frozen=True)
class Sides:
    """The answers on the chosen and on the rejected side of one pair."""

    chosen: str
    rejected: str

    @property
    def turned(self) -> Sides:
        """The same texts the other way round."""
        return Sides(self.rejected, self.chosen)


@dataclass(frozen=True)
class Diagnosed:
    """The labels that the diagnosis line of each side goes by."""

    factual: tuple[Label, ...]
    counterfactual: tuple[Label, ...]


def load_wrapper(chosen: DatasetSettings) -> Wrapper:
    """The wrapper that the settings name: one that is shipped, or a file of one's own."""
    text, where = _read_wrapper(chosen.wrapper)
    try:
        refuse_growing_yaml(text)
        said = yaml.safe_load(text)
        if isinstance(said, dict) and chosen.question is not None:
            asked = chosen.question
            said["question"] = asked if "{image}" in asked else "{image}" + asked
        return Wrapper.model_validate(said)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, fault["loc"])) or "the file"
        raise SettingsError(f"{where}: `{place}`: {fault['msg']}", hint=_SEE) from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise SettingsError(f"{where}: not valid YAML, or YAML that multiplies itself", hint=_SEE) from error


def shipped_wrappers() -> tuple[str, ...]:
    """The names of the wrappers that come with the package."""
    folder = resources.files(__package__).joinpath("wrappers")
    return tuple(
        sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    )


def pair_answers(record: Record, wrapper: Wrapper) -> Sides:
    """Both sides of a pair in the same words and the same sections.

    Where only one side has a section, neither shows headings: their number would tell the sides apart.
    """
    chosen = record.chosen_text or record.factual_text
    rejected = record.counterfactual_text
    headings = sections(chosen) == sections(rejected)
    named = diagnosed(record)
    return Sides(
        chosen=answer(chosen, named.factual, wrapper, headings=headings),
        rejected=answer(rejected, named.counterfactual, wrapper, headings=headings),
    )


def chosen_answer(record: Record, wrapper: Wrapper) -> str:
    """The chosen side alone, as a row without a rejected text says it."""
    return answer(record.chosen_text or record.factual_text, diagnosed(record).factual, wrapper)


def answer(text: str, labels: Iterable[Label], wrapper: Wrapper, *, headings: bool = True) -> str:
    """A report as reasoning, then the diagnosis it leads to."""
    before, middle, after = wrapper.around
    return before + reasoning(text, wrapper, headings=headings) + middle + diagnosis(labels, wrapper) + after


def reasoning(text: str, wrapper: Wrapper, *, headings: bool = True) -> str:
    """A report in one line; what looks like a tag loses its brackets, on either side alike."""
    words = {"FINDINGS": wrapper.findings, "IMPRESSION": wrapper.impression}
    spelt = _HEADING.sub(lambda found: f"{words[found[1]]} " if headings else "", text)
    while _MARKUP.search(spelt):
        spelt = _MARKUP.sub(r"\1", spelt)
    return " ".join(spelt.split())


def sections(text: str) -> tuple[str, ...]:
    """The headings of a report, in their order."""
    return tuple(found[1] for found in _HEADING.finditer(text))


def diseases(labels: Iterable[Label]) -> tuple[str, ...]:
    """The findings asserted, in the order of CheXpert's tables; devices are no disease."""
    present = {label.finding for label in labels if label.state == "present"}
    return tuple(
        label
        for finding, label in FINDING_LABELS.items()
        if label in present and finding not in (NO_FINDING, SUPPORT_DEVICES)
    )


def diagnosed(record: Record) -> Diagnosed:
    """Return the labels that both diagnosis lines name: all that each side shows, or one disease on both.

    Where the plan named one diagnosis, the factual side names one of its own as well, so that the number of
    diseases does not tell the sides apart. Which one depends on the study alone, and each is as likely:
    the first of the table would be Atelectasis far too often.
    """
    if record.diagnosis is None:
        return Diagnosed(record.factual_labels, record.counterfactual_labels)
    shown = diseases(record.factual_labels)
    number = int.from_bytes(hashlib.sha256(record.study_id.encode()).digest()[:8], "big")
    chosen = shown[number % len(shown) :][:1] if shown else ()
    return Diagnosed(_list_present(chosen), _list_present((record.diagnosis,)))


def _list_present(findings: Iterable[str]) -> tuple[Label, ...]:
    return tuple(Label(finding=finding, state="present") for finding in findings)


def diagnosis(labels: Iterable[Label], wrapper: Wrapper) -> str:
    """The diseases of one side, as the wrapper lists them."""
    return wrapper.between.join(diseases(labels)) or wrapper.no_disease


def _read_wrapper(name: str) -> tuple[str, str]:
    if name in shipped_wrappers():
        file = resources.files(__package__).joinpath("wrappers", f"{name}.yaml")
        return file.read_text(encoding="utf-8"), f"wrapper {name}"
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        raise SettingsError(
            f"setting `dataset.wrapper`: there is no wrapper `{name}`",
            hint=f"Known wrappers: {', '.join(shipped_wrappers())}; or name a YAML file of your own.",
        )
    try:
        return path.read_text(encoding="utf-8"), str(path)
    except FileNotFoundError as error:
        raise MissingInput(f"{path}: there is no such wrapper") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableInput(f"{path}: cannot be read ({error.__class__.__name__})") from error


_SEE = "`ccf-build help datasets` tells what a wrapper file says."
