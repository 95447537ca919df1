"""The sections of a radiology report, and the canonical text that a study is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ccf_pipeline.records import Sentence
from ccf_pipeline.sentences import split_sentences

# A header stands at the start of a line: capitals, blanks and ( ) / , - only, then a colon.
HEADER = re.compile(r"(?:^|\n)[ \t]*([A-Z][A-Z ()/,\-]*):(?=\s|$)")
FENCE = re.compile(r"^[ \t]*_{10,}[ \t]*$", re.MULTILINE)
BLANK_LINE = re.compile(r"\n[ \t]*\n")

# Spellings seen in the wild, after facts published with the MIMIC code repository.
SPELLINGS: dict[str, tuple[str, ...]] = {
    "impression": (
        "impression", "conclusion", "findings and impression", "findings/impression", "findings/ impression",
        "impresson", "impresion", "imprression", "imoression", "impressoin", "imprssion", "imperssion",
        "mpression", "impession",
    ),
    "findings": (
        "findings", "finding", "reference findings", "findins", "findindgs", "findgings", "findngs",
        "findnings", "finidngs",
    ),
    "comparison": (
        "comparison", "comparisons", "comparision", "comparisions", "comparsion", "comparrison",
        "comparison exam", "comparison film", "reference exam",
    ),
    "indication": (
        "indication", "idication", "ndication", "reason for exam", "reason for examination",
        "clinical indication",
    ),
    "history": ("history", "clinical history", "clinical information", "patient history", "pfi"),
    "examination": ("examination", "exam", "type of examination"),
    "technique": ("technique",),
    "wet_read": ("wet read", "wetread"),
    "addendum": ("addendum",),
    "notification": ("notification",),
    "recommendation": ("recommendation", "recommendations"),
    "comment": ("comment",),
    "date": ("date",),
}  # fmt: skip
SECTION_OF = {spelling: section for section, spellings in SPELLINGS.items() for spelling in spellings}
TITLE_WORDS = re.compile(
    r"\b(chest|portable|pa|ap|lateral|frontal|two views?|one view|bone window|upright|ribs)\b"
)
FALLBACKS = ("impression", "findings", "history", "comparison", "addendum")


@dataclass(frozen=True)
class CanonicalReport:
    """`FINDINGS: …` and `IMPRESSION: …` on a line each, the sentences in it, and where it was read from."""

    text: str
    sentences: tuple[Sentence, ...]
    read_from: str


def canonical_report(raw: str) -> CanonicalReport | None:
    """The part of a report that describes the image; None when it has none.

    A report without findings and impression is read from its last paragraph, and failing that
    from its comparison, where some radiologists put the read. An indication is never read.
    """
    sections = find_sections(raw)
    parts = [(name, sections[name]) for name in ("findings", "impression") if sections.get(name)]
    if parts:
        return write_canonical(parts, read_from="+".join(name for name, _ in parts))
    for name in ("last_paragraph", "comparison"):
        if sections.get(name):
            return write_canonical([("findings", sections[name])], read_from=name)
    return None


def write_canonical(parts: list[tuple[str, str]], *, read_from: str) -> CanonicalReport:
    """Lay named parts out as the canonical text, and number their sentences."""
    text = ""
    spans: list[tuple[str, int, int]] = []
    for name, body in parts:
        text += ("\n" if text else "") + f"{name.upper()}: "
        body_start = len(text)
        text += body
        spans += [(name, start, end) for start, end in split_sentences(body, body_start)]
    sentences = tuple(
        Sentence(number=number, section=name, start=start, end=end, text=text[start:end])
        for number, (name, start, end) in enumerate(spans, start=1)
    )
    return CanonicalReport(text, sentences, read_from)


def find_sections(raw: str) -> dict[str, str]:
    """Section texts by name, white space made single; the last section of a name wins.

    An addendum at the top, fenced by underscores, is not part of the read.
    """
    body = raw.replace("\r\n", "\n").replace("\r", "\n")
    fences = list(FENCE.finditer(body))
    if fences:
        body = body[fences[-1].end() :]
    found: dict[str, str] = {}
    last_block = ""
    for name, block in _blocks(body):
        last_block = block
        if name in found and not _squeeze(block):
            continue
        found[name] = _squeeze(block)
    paragraphs = BLANK_LINE.split(last_block.strip("\n"), maxsplit=1)
    if len(paragraphs) == 2:
        found["last_paragraph"] = _squeeze(paragraphs[1])
    elif "full_report" in found and len(found) == 1:
        found["last_paragraph"] = found["full_report"]
    return found


def section_named(header: str) -> str:
    """The section that a header opens, whatever its spelling."""
    name = " ".join(header.lower().split())
    if name in SECTION_OF:
        return SECTION_OF[name]
    for fallback in FALLBACKS:
        if fallback in name:
            return fallback
    return "findings" if TITLE_WORDS.search(name) else name


def _blocks(body: str) -> Iterator[tuple[str, str]]:
    headers = _headers(body)
    if not headers:
        yield "full_report", body
        return
    yield "preamble", body[: headers[0].start()]
    for header, following in zip(headers, [*headers[1:], None], strict=True):
        end = following.start() if following else len(body)
        yield section_named(header.group(1)), body[header.end() : end]


def _headers(body: str) -> list[re.Match[str]]:
    """After a header the search goes on past the end of its line: what looks like one there is text."""
    headers: list[re.Match[str]] = []
    position = 0
    while match := HEADER.search(body, position):
        headers.append(match)
        line_end = body.find("\n", match.end())
        if line_end < 0:
            break
        position = line_end
    return headers


def _squeeze(text: str) -> str:
    return " ".join(text.split())
