"""One text explained for people: its phrases coloured, each mention with what decided it, the labels."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ccf_pipeline.cli.showing import CONTROL
from ccf_pipeline.corpora.report_lines import PlainText
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.mining.label_corpus import TextReading
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.records import Mention

STYLES = {"present": "bold green", "absent": "not bold red", "uncertain": "not bold yellow"}
MEANINGS = {1: "present", 0: "absent", -1: "uncertain", None: ""}
# What the roles of the cues do, in a reader's words; the cues themselves are in reader/cues.yaml.
DENIES = ("no", "without", "not", "no_longer", "rather_than", "absent", "excluded")
GONE = ("resolution_of", "resolved")
CAME_OUT = ("removal_of", "removed")
DOUBTS = (
    *("maybe", "maybe_before", "maybe_after", "either", "differential", "conditional", "versus", "query"),
    "excluded",
)


def print_reading(told: PlainText, reading: TextReading, lexicon: Lexicon, graph: ConceptGraph) -> None:
    """The text, its mentions with their reasons, and its labels."""
    console = Console(highlight=False, markup=False)
    if told.read_from is not None:
        console.print(Text(f"read from {told.read_from}", style="dim"))
    console.print(coloured(told.text, reading.mentions), soft_wrap=True)
    console.print()
    if reading.mentions:
        console.print(_make_mention_table(told.text, reading, lexicon, graph))
    else:
        console.print("No concept of the graph is named in this text.")
    console.print()
    console.print(_make_label_table(reading))


def coloured(text: str, mentions: tuple[Mention, ...]) -> Text:
    """The text with every phrase in the colour of what is said of a finding or attribute in it.

    What only follows adds no colour, and a normal state only where it names nothing else: "no effusion" is
    a denial before it is good news.
    """
    page = Text(inert(text))
    for mention in sorted(mentions, key=lambda m: not m.concept.startswith("nrm_")):
        if mention.implied_by is None:
            page.stylize(_choose_style(mention), mention.start, mention.end)
    return page


def inert(text: str) -> str:
    """The text letter for letter, but for what would move the cursor or turn the line around."""
    return CONTROL.sub("�", text)


def _make_mention_table(text: str, reading: TextReading, lexicon: Lexicon, graph: ConceptGraph) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for column in ("concept", "is", "where and how", "phrase", "because"):
        table.add_column(column, overflow="fold")
    roles = {entry.phrase: entry.role for entry in lexicon.entries if entry.role}
    for mention in sorted(reading.mentions, key=lambda m: (m.start, m.end, m.implied_by is not None)):
        table.add_row(
            Text(graph.concept(mention.concept).label),
            Text(mention.polarity, style=_choose_style(mention)),
            Text(" ".join(_list_details(mention, graph))),
            Text(inert(" ".join(text[mention.start : mention.end].split()))),
            Text(reason(mention, roles, graph), style="dim"),
        )
    return table


def reason(mention: Mention, roles: dict[str, str], graph: ConceptGraph) -> str:
    """Return which phrase or normal state decided what is said of a concept, and by which rule."""
    if mention.implied_by is not None:
        source = graph.concept(mention.implied_by)
        return (
            f"denied by “{source.label}”" if source.kind == "normal_state" else f"implied by “{source.label}”"
        )
    if mention.cue is None:
        return "asserted" if mention.polarity == "present" else "what the phrase says"
    role = roles.get(mention.cue) or roles.get(mention.cue.partition(" ")[0], "")
    return f"“{mention.cue}” {_describe_effect(role, mention)}"


def _describe_effect(role: str, mention: Mention) -> str:
    rule = f" (rule {role})" if role else ""
    if mention.polarity == "absent" and role in GONE:
        return f"says it is gone{rule}"
    if mention.polarity == "absent" and role in CAME_OUT:
        return f"says it came out{rule}"
    if mention.polarity == "absent" and role in DENIES:
        return f"denies it{rule}"
    if mention.polarity == "uncertain" and role in DOUBTS:
        return f"doubts it{rule}"
    return f"makes it {mention.polarity}{rule}"


def _choose_style(mention: Mention) -> str:
    past = " dim" if mention.temporality in ("prior", "resolved") else ""
    return STYLES[mention.polarity] + past


def _list_details(mention: Mention, graph: ConceptGraph) -> list[str]:
    region = graph.regions.get(mention.region) if mention.region is not None else None
    place = mention.region if region is None else region.label
    return [word for word in (mention.severity, mention.side, place, mention.temporality) if word is not None]


def _make_label_table(reading: TextReading) -> Table:
    """The fourteen labels with CheXpert's codes, in two columns."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for column in ("label", "code", "", "label", "code", ""):
        table.add_column(column, justify="right" if column == "code" else "left")
    rows = [
        (Text(label), Text("" if code is None else f"{code}.0"), _describe_code(code))
        for label, code in reading.codes.items()
    ]
    half = (len(rows) + 1) // 2
    for left, right in zip(rows[:half], rows[half:], strict=True):
        table.add_row(*left, *right)
    return table


def _describe_code(code: int | None) -> Text:
    meaning = MEANINGS[code]
    return Text(meaning, style=STYLES.get(meaning, ""))
