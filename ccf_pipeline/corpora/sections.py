"""The sections of a radiology report, and the canonical text that a study is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ccf_pipeline.reader.sentences import split_sections, split_sentences
from ccf_pipeline.records import Sentence

# A header stands at the start of a line: capitals, blanks and ( ) / , - only, then a colon.
HEADER = re.compile(r"(?:^|\n)[ \t]*([A-Z][A-Z ()/,\-]*):(?=\s|$)")
FENCE = re.compile(r"^[ \t]*_{10,}[ \t]*$", re.MULTILINE)
BLANK_LINE = re.compile(r"\n[ \t]*\n")

# Spellings seen in the wild, after facts published with the MIMIC code repository.
SPELLINGS: dict[str, tuple[str, ...]] = {
    "impression": (
        "impression", "conclusion", "findings and impression", "findings/impression", "findings/ impression",
        "impresson", "impresion", "imprression", "imoression", "impressoin", "imprssion", "imperssion",
        "mpression", "impession", "impressions", "conclusions", "opinion", "summary", "assessment",
    ),
    "findings": (
        "findings", "finding", "reference findings", "findins", "findindgs", "findgings", "findngs",
        "findnings", "finidngs", "interpretation", "report", "result", "results",
    ),
    "comparison": (
        "comparison", "comparisons", "comparision", "comparisions", "comparsion", "comparrison",
        "comparison exam", "comparison film", "reference exam",
    ),
    "indication": (
        "indication", "idication", "ndication", "reason for exam", "reason for examination",
        "clinical indication", "reason for study", "reason for this examination", "clinical question",
        "request",
    ),
    "history": (
        "history", "clinical history", "clinical information", "clinical data", "patient history", "pfi",
        "past medical history", "medical history", "brief history",
    ),
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

# What only a description of the image speaks of: "None." or "Chest film of ___." under COMPARISON does not.
DESCRIPTION = re.compile(
    r"\b(lungs?|hearts?|cardi\w*|mediastin\w*|pleura\w*|effusions?|pneumothora\w*|pneumonia|consolidations?"
    r"|opacit\w*|opacif\w*|atelecta\w*|edema|hil[au]\w*|bones?|osseous|ribs?|diaphragm\w*|costophrenic"
    r"|tubes?|catheters?|lines?|acute|unremarkable|clear)\b",
    re.IGNORECASE,
)
QUESTION = re.compile(r"\?|//|(?:^|[.;:] )(?:please )?(?:evaluate|eval|assess|rule out|r/o)\b", re.IGNORECASE)
TITLE = re.compile(r"[A-Z0-9 .,()/&:_\-]*\Z")
# Sections that some radiologists wrote the read under. An indication and a history are never among them.
ODD_PLACES = ("comparison", "technique", "examination", "recommendation", "comment", "note", "notes")
NOT_THE_READ = frozenset({"addendum", "wet_read"})
MOST_SENTENCES = 2000


@dataclass(frozen=True)
class CanonicalReport:
    """`FINDINGS: …` and `IMPRESSION: …` on a line each, the sentences in it, and where it was read from."""

    text: str
    sentences: tuple[Sentence, ...]
    read_from: str


def canonical_report(raw: str) -> CanonicalReport | None:
    """The part of a report that describes the image; None when it has none.

    Findings and impression come first, under MIMIC's headers or within a line ("Findings: ..."); then the
    last paragraph; then sections that some radiologists wrote the read under. An indication is never read.
    """
    sections = find_sections(raw)
    found = _read_parts(sections) or _read_parts(_split_inline_sections(raw))
    if found:
        return write_canonical(found, read_from="+".join(name for name, _ in found))
    paragraph = sections.get("last_paragraph", "")
    if paragraph and not QUESTION.search(paragraph):
        return write_canonical([("findings", paragraph)], read_from="last_paragraph")
    for name in ODD_PLACES:
        text = sections.get(name, "")
        if text and DESCRIPTION.search(text) and not QUESTION.search(text):
            return write_canonical([("findings", text)], read_from=name)
    return None


def has_words(text: str) -> bool:
    """True if anything but white space, signs and `___` is there."""
    return any(letter.isalpha() for letter in text)


def _read_parts(sections: dict[str, str]) -> list[tuple[str, str]]:
    return [
        (name, sections[name]) for name in ("findings", "impression") if has_words(sections.get(name, ""))
    ]


def _split_inline_sections(raw: str) -> dict[str, str]:
    """Findings and impression of a report whose headings stand anywhere and in any case."""
    found: dict[str, str] = {}
    part = _pick_last_part(raw)
    for section in split_sections(part):
        if text := _strip_spaces(part[section.start : section.end]):
            found[SECTION_OF.get(section.heading, section.heading)] = text
    return found


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
    """Section texts by name, white space made single; the last section of a name wins unless it is empty.

    An addendum at the top, fenced by underscores, is not part of the read.
    """
    found: dict[str, str] = {}
    last_block = ""
    for name, block in _split_blocks(_pick_last_part(raw)):
        last_block = block
        if name not in found or _strip_spaces(block):
            found[name] = _strip_spaces(block)
    if "full_report" in found:
        found["last_paragraph"] = _strip_spaces(_strip_title(last_block))
        return found
    paragraphs = BLANK_LINE.split(last_block.strip("\n"), maxsplit=1)
    if len(paragraphs) == 2:
        found["last_paragraph"] = _strip_spaces(paragraphs[1])
    return found


def _pick_last_part(raw: str) -> str:
    """Return what stands between two fences, or after the last: the last of these parts that is a read."""
    body = raw.replace("\r\n", "\n").replace("\r", "\n")
    parts = [part for part in FENCE.split(body) if has_words(part)]
    for part in reversed(parts):
        opening = part.strip().split("\n", 1)[0].lower()
        headers = _find_headers(part)
        names = {section_named(header.group(1)) for header in headers}
        is_aside = names <= NOT_THE_READ if names else opening.startswith(("addendum", "wet read"))
        # A part without a header of its own counts only where it is the last one.
        if not is_aside and (headers or part is parts[-1]):
            return part
    return parts[-1] if len(parts) == 1 else ""


def _strip_title(report: str) -> str:
    """A report without headers, from its first line that is not a title in capitals."""
    lines = report.split("\n")
    for number, line in enumerate(lines):
        if line.strip() and not (TITLE.match(line.strip()) and len(line) < 80):
            return "\n".join(lines[number:])
    return report


def section_named(header: str) -> str:
    """The section that a header opens, whatever its spelling."""
    name = " ".join(header.lower().split())
    if name in SECTION_OF:
        return SECTION_OF[name]
    for fallback in FALLBACKS:
        if fallback in name:
            return fallback
    return "findings" if TITLE_WORDS.search(name) else name


def _split_blocks(body: str) -> Iterator[tuple[str, str]]:
    headers = _find_headers(body)
    if not headers:
        yield "full_report", body
        return
    yield "preamble", body[: headers[0].start()]
    for header, following in zip(headers, [*headers[1:], None], strict=True):
        end = following.start() if following else len(body)
        yield section_named(header.group(1)), body[header.end() : end]


def _find_headers(body: str) -> list[re.Match[str]]:
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


def _strip_spaces(text: str) -> str:
    return " ".join(text.split())
