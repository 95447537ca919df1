"""The lexicon: every phrase that the graph and the cues know, compiled for one pass over a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import yaml
from ahocorasick_rs import AhoCorasick, MatchKind

from ccf_pipeline.graph.model import GraphFile
from ccf_pipeline.reader.book import Book
from ccf_pipeline.reader.entries import STARTERS, Entry, FrameTable, concept_of
from ccf_pipeline.reader.tables import Denial, Tables
from ccf_pipeline.reader.words import NUMBER, Vocabulary
from ccf_pipeline.records import NO_FINDING, SUPPORT_DEVICES, Temporality


@dataclass(frozen=True, eq=False)
class Lexicon(Tables):
    """Phrases, frames and what follows from what; made once from a graph, then only read.

    `entries` tell what each pattern of the automaton stands for; `naming` and `starters` are the indices of
    those that name something and of those that make one cue with a word behind them.
    """

    vocabulary: Vocabulary
    automaton: AhoCorasick
    entries: tuple[Entry, ...]
    naming: frozenset[int]
    starters: frozenset[int]

    @staticmethod
    def from_graph(graph: GraphFile) -> Lexicon:
        """Compile a graph's words together with the packaged cues."""
        return _compile(graph)


def _compile(graph: GraphFile) -> Lexicon:
    cues, frames, words = (packaged(name) for name in ("cues.yaml", "frames.yaml", "words.yaml"))
    vocabulary = Vocabulary(words["plurals"], words["abbreviations"], words["confusable"], words["glued"])
    known = {concept.id for concept in graph.concepts}
    book = Book(vocabulary)
    book.entries[NUMBER] = Entry("number", role="number")
    for entry in (*_make_cue_entries(cues), *_make_frame_entries(frames), *_make_place_entries(graph, cues)):
        book.add(entry)
    table = _make_frame_table(frames, known)
    kinship = _collect_kinship(graph)
    _add_concepts(book, graph, table, cues["temporal_concepts"])
    book.resolve_parts(kinship)
    book.leave_plurals_to_the_reader(cues["plural_of"])
    vocabulary.finish()
    patterns, entries = book.compiled(frozenset(cues["found_elsewhere_too"]), frozenset(frames["alone"]))
    denials, parents = _map_denials(graph), _map_parents(graph)
    temporal = {k: v for k, v in cues["temporal_concepts"].items() if k in known}
    return Lexicon(
        vocabulary=vocabulary,
        automaton=AhoCorasick(patterns, matchkind=MatchKind.LeftmostLongest),
        entries=entries,
        naming=frozenset(i for i, entry in enumerate(entries) if entry.names_something),
        starters=frozenset(i for i, entry in enumerate(entries) if entry.role in STARTERS),
        frames=table,
        denials=denials,
        denial_states=book.denial_states(graph),
        parents=parents,
        implying=frozenset((*denials, *parents, *cues["contraries"])),
        labels={concept.id: concept.sets_labels for concept in graph.concepts if concept.sets_labels},
        temporal_concepts=temporal,
        plural_of={a: b for a, b in cues["plural_of"].items() if a in known and b in known},
        sided=frozenset(concept.id for concept in graph.concepts if concept.sides != "none"),
        devices=_collect_devices(graph),
        cancels_no_finding=frozenset(c.id for c in graph.concepts if c.cancels_no_finding),
        abnormal=abnormal_in(graph),
        label_synonyms={a: b for a, b in cues["label_synonyms"].items() if a in known and b in known},
        signs={
            sign: (convention, finding)
            for convention, (sign, finding) in cues["signs"].items()
            if sign in known and finding in known
        },
        yielding_signs=frozenset(r.target for r in graph.relations if r.kind == "sign_of"),
        wires_and_clips=frozenset(
            r.source for r in graph.relations if r.kind == "variant" and r.target == SUPPORT_DEVICES
        ),
        headings_of_history=frozenset(cues["headings_of_history"]),
        wider_regions=_map_wider_regions(graph),
        sides_of_regions={r.id: r.sides for r in graph.regions if r.sides == "left" or r.sides == "right"},
        topics=frames["topics"],
        enlargements={part: concept for part, concept in frames["enlargements"].items() if concept in known},
        likely=frozenset(cues["likely"]),
        probable=frozenset(cues["probable"]),
        hardly_seen=tuple(cues["hardly_seen"]),
        alone=frames["alone"],
        pulls=frozenset(cues["pulls"]),
        pushes=frozenset(cues["pushes"]),
        of_bones=frozenset(cues["of_bones"]),
        verdicts=dict.fromkeys(_iter_phrases(frames["predicates"]["normal"]), table["chest"]["normal"]),
        contraries={a: b for a, b in cues["contraries"].items() if a in known and b in known},
        bones=frozenset(
            r for r, wider in _map_wider_regions(graph).items() if "bones" in wider or r == "bones"
        ),
    )


@lru_cache(maxsize=8)
def packaged(name: str) -> Any:
    """One of the data files of this package."""
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    # The base loader leaves every scalar a string: "no" and "on" are words here.
    return yaml.load(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))


# --- phrases of the packaged rules --------------------------------------------------------

_TABLES = frozenset(
    [
        "side",
        "severity",
        "temporality",
        "temporal_concepts",
        "plural_of",
        "headings_of_history",
        "elsewhere",
        "harmless_concepts",
        "label_synonyms",
        "signs",
        "likely",
        "probable",
        "hardly_seen",
        "of_bones",
        "pulls",
        "pushes",
        "found_elsewhere_too",
        "removed_by_name",
        "also_said",
        "contraries",
    ]
)


def _iter_phrases(patterns: Iterable[str]) -> Iterator[str]:
    """Yield every phrase that the patterns stand for: "(a|b) c" is "a c" and "b c"."""
    for pattern in patterns:
        head, opened, rest = pattern.partition("(")
        if not opened:
            yield " ".join(pattern.split())
            continue
        words, _, tail = rest.partition(")")
        yield from _iter_phrases(f"{head}{word}{tail}" for word in words.split("|"))


def _make_cue_entries(cues: dict[str, Any]) -> Iterator[Entry]:
    for role, phrases in cues.items():
        if role not in _TABLES:
            gone: Temporality | None = "resolved" if role in ("resolved", "resolution_of") else None
            yield from (Entry(phrase, role=role, temporality=gone) for phrase in _iter_phrases(phrases))
    for side, phrases in cues["side"].items():
        yield from (Entry(phrase, side=side) for phrase in _iter_phrases(phrases))
    for word, phrases in cues["severity"].items():
        yield from (Entry(phrase, severity=word.rstrip("_")) for phrase in phrases)
    for temporality, phrases in cues["temporality"].items():
        yield from (Entry(phrase, temporality=temporality) for phrase in phrases)
    yield from (Entry(phrase, elsewhere=True) for phrase in cues["elsewhere"])
    for concept, patterns in cues["also_said"].items():
        yield from (Entry(phrase, concepts=(concept,)) for phrase in _iter_phrases(patterns))
    for device, phrases in cues["removed_by_name"].items():
        yield from (Entry(phrase, denies=(device,)) for phrase in phrases)


def _make_frame_entries(frames: dict[str, Any]) -> Iterator[Entry]:
    for subject, phrases in frames["subjects"].items():
        yield from (Entry(phrase, subject=subject) for phrase in _iter_phrases(phrases))
    for predicate, patterns in frames["predicates"].items():
        for phrase in _iter_phrases(patterns):
            yield Entry(phrase, predicate=predicate)
            if phrase.endswith("ed") and " " not in phrase:
                yield from (Entry(f"{non}{phrase}", predicate=predicate, role="non") for non in _NON)


# "Nonenlarged" is not enlarged.
_NON = ("non", "non ", "un")


def _make_frame_table(frames: dict[str, Any], known: set[str]) -> FrameTable:
    return {
        subject: {
            predicate: tuple(m for m in meanings if concept_of(m) in known)
            for predicate, meanings in predicates.items()
        }
        for subject, predicates in frames["frames"].items()
    }


def _make_place_entries(graph: GraphFile, cues: dict[str, Any]) -> Iterator[Entry]:
    for grade in graph.severity_grades:
        # "Moderate volume" would hide the volume loss in "moderate volume loss".
        yield from (Entry(word, severity=word) for word in grade if not word.endswith("volume"))
    for region in graph.regions:
        for word in region.words:
            yield Entry(word, region=region.id)


# --- phrases of the graph ----------------------------------------------------------------


def _add_concepts(
    book: Book,
    graph: GraphFile,
    table: FrameTable,
    temporal: dict[str, Temporality],
) -> None:
    for concept in graph.concepts:
        for phrase in concept.not_forms:
            # The reader sees a denial itself: "no large effusion" needs no exception.
            if not book.has_denial(phrase):
                book.add_not_form(concept.id, phrase)
    for concept in graph.concepts:
        for phrase in concept.forms:
            book.add_form(concept, phrase, table, temporal.get(concept.id))
        for phrase in concept.exact_forms:
            book.add_exact(concept, phrase)


# --- what follows from what --------------------------------------------------------------


def _collect_kinship(graph: GraphFile) -> set[tuple[str, str]]:
    """Pairs of concepts of which one may stand inside a form of the other and still be meant."""
    kin: set[tuple[str, str]] = set()
    for relation in graph.relations:
        if relation.relation == "positive" and relation.kind in ("is_a", "sign_of", "modifier", "location"):
            kin |= {(relation.source, relation.target), (relation.target, relation.source)}
    return kin


def _map_denials(graph: GraphFile) -> dict[str, tuple[Denial, ...]]:
    """Return what each normal state denies: its opposites in the graph and every finding that it excludes."""
    normal = {concept.id for concept in graph.concepts if concept.kind == "normal_state"}
    findings = {concept.id for concept in graph.concepts if concept.kind == "finding"}
    denied: dict[str, dict[str, Denial]] = {}
    for relation in graph.relations:
        if relation.relation != "exclusive":
            continue
        for state, other in ((relation.source, relation.target), (relation.target, relation.source)):
            if state not in normal or other in normal or other == NO_FINDING:
                continue
            strong_finding = relation.strength == "strong" and other in findings
            if relation.kind == "negation" or (relation.kind == "contradicts_normal" and strong_finding):
                excepted = relation.when is not None and relation.when.no_exception
                denied.setdefault(state, {})[other] = Denial(other, excepted)
    return {state: tuple(others.values()) for state, others in denied.items()}


def _map_parents(graph: GraphFile) -> dict[str, tuple[str, ...]]:
    """The findings that an attribute is a kind of: who says PICC says support device."""
    findings = {concept.id for concept in graph.concepts if concept.kind == "finding"}
    parents: dict[str, list[str]] = {}
    for relation in graph.relations:
        if relation.kind == "is_a" and relation.target in findings and relation.source not in findings:
            parents.setdefault(relation.source, []).append(relation.target)
    return {child: tuple(names) for child, names in parents.items()}


def _map_wider_regions(graph: GraphFile) -> dict[str, frozenset[str]]:
    """For each region all those it lies in."""
    parents = {region.id: region.part_of for region in graph.regions}

    def above(region: str) -> set[str]:
        return {wider for parent in parents.get(region, ()) for wider in (parent, *above(parent))}

    return {region: frozenset(above(region)) for region in parents}


def _collect_devices(graph: GraphFile) -> frozenset[str]:
    """Support devices and all that is a kind of them, wires and clips included."""
    kinds = {
        r.source for r in graph.relations if r.kind in ("is_a", "variant") and r.target == SUPPORT_DEVICES
    }
    return frozenset({SUPPORT_DEVICES, *kinds})


def abnormal_in(graph: GraphFile) -> frozenset[str]:
    """Return the concepts that a chest without findings does not show; devices are not counted."""
    cues = packaged("cues.yaml")
    harmless = {*cues["temporal_concepts"], *cues["harmless_concepts"]}
    abnormal = {c.id for c in graph.concepts if c.kind != "normal_state" and c.id != NO_FINDING}
    return frozenset(abnormal - harmless - _collect_devices(graph))
