"""An attestation: somebody's word, in a file, that a provider keeps and reads nothing of what it is sent."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, Field, StringConstraints, ValidationError

from ccf_pipeline.errors import EndpointRefused, MissingInput
from ccf_pipeline.files.disk import write_text
from ccf_pipeline.files.hostile import refuse_growing_yaml
from ccf_pipeline.records import Noun

VALID_DAYS = 180
HEAD = """\
# Who vouches that reports under a data use agreement may go to this host.
# Written by `ccf-build attest`; read strictly, shown on the data set's card and in audit.jsonl.
"""


def _format_field(text: str) -> str:
    if text.casefold().strip(" .-_?!<>") in {
        "",
        "todo",
        "tbd",
        "none",
        "n/a",
        "na",
        "unknown",
        "x",
        "yes",
        "no",
    }:
        raise ValueError("says nothing")
    return text


Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=2, max_length=300), AfterValidator(_format_field)
]


class Attestation(Noun):
    """An attestation: by whom, of whom, on which ground, for which corpora, until when."""

    format: Literal[1] = 1
    who: Words = Field(description="Name and position of the person who vouches.")
    provider: Words = Field(description="The company that runs the host.")
    host: str = Field(pattern=r"^[a-z0-9.:-]+$", description="The host of the URL, exactly.")
    zero_retention: Words = Field(
        description="Where zero data retention was agreed: contract, approval number, URL of the approval."
    )
    no_training: Literal[True] = Field(description="Nothing that is sent is used for training.")
    no_human_review: Literal[True] = Field(description="No person at the provider reads what is sent.")
    region: Words = Field(description="Where the host computes.")
    attested: date = Field(description="The day it was attested.")
    expires: date = Field(description=f"Its last day, at most {VALID_DAYS} days later.")
    corpora: tuple[Words, ...] = Field(min_length=1, description="The kinds of corpus that may be sent.")

    @property
    def digest(self) -> str:
        """Names this attestation in the audit log and on the card."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    @property
    def line(self) -> str:
        """Return what the card says of it."""
        return (
            f"{self.provider}, {self.host}, {self.region}: {self.who} attested on {self.attested} zero data"
            f" retention ({self.zero_retention}), no training and no human review; attestation"
            f" `{self.digest}`, valid to {self.expires}"
        )

    def require(self, host: str, corpus: str, today: date) -> None:
        """Refuse what it does not cover."""
        if host != self.host:
            raise _make_refusal(f"the attestation is for {self.host}, not for {host}")
        if corpus not in self.corpora:
            raise _make_refusal(f"the attestation covers {', '.join(self.corpora)}, not `{corpus}`")
        if not self.attested <= today <= self.expires:
            raise _make_refusal(
                f"the attestation holds from {self.attested} to {self.expires}, not on {today}"
            )
        if self.expires - self.attested > timedelta(days=VALID_DAYS):
            raise _make_refusal(f"the attestation is to hold for more than {VALID_DAYS} days")


def read_attestation(path: Path) -> Attestation:
    """Read a file strictly: every field there, none unknown, none twice."""
    try:
        text = path.read_text(encoding="utf-8")
        refuse_growing_yaml(text)
        told = yaml.load(text, Loader=_EachOnce)
    except FileNotFoundError as error:
        raise MissingInput(f"{path}: there is no such attestation file") from error
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise _make_refusal(f"{path}: cannot be read ({error.__class__.__name__})") from error
    return check_attestation(told, str(path))


def check_attestation(told: Any, where: str) -> Attestation:
    """The attestation that was told, or the first field that does not stand."""
    try:
        return Attestation.model_validate(told)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        raise _make_refusal(
            f"{where}: {'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['msg']}"
        ) from error


def write_attestation(path: Path, attestation: Attestation) -> None:
    """Write the file that `endpoint.attestation` names."""
    told = attestation.model_dump(mode="python")
    told["corpora"] = list(attestation.corpora)
    write_text(path, HEAD + yaml.safe_dump(told, sort_keys=False, allow_unicode=True))


class _EachOnce(yaml.SafeLoader):
    """YAML in which a key that stands twice is a mistake."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        if len(set(map(str, keys))) < len(keys):
            raise yaml.constructor.ConstructorError(None, None, "a key stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _make_refusal(what: str) -> EndpointRefused:
    return EndpointRefused(
        what, hint="Check the facts with the provider, then write it with `ccf-build attest`."
    )
