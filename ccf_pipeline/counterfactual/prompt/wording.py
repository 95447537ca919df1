"""A plan in words: what the image is to show, what is to be described, what is no longer true."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from ccf_pipeline.counterfactual.plan.statements import leaning_attributes
from ccf_pipeline.graph import Concept, ConceptGraph
from ccf_pipeline.reader.embedded_orders import is_order
from ccf_pipeline.reader.facts import spans_meet
from ccf_pipeline.records import (
    FINDING_LABELS,
    NO_FINDING,
    SUPPORT_DEVICES,
    Dependent,
    Mention,
    Plan,
    Sentence,
    Statement,
    Study,
)

STAYS = "All else that it shows stays."
DEVICES_NAMED = 3


def describe_task(plan: Plan, graph: ConceptGraph) -> str:
    """Return what the image is to show instead, by the names of the findings; the details name the signs."""
    target, leaving = FINDING_LABELS[plan.target], _describe_leaving(plan)
    if plan.direction == "alter":
        return f"the image shows the same but for one thing: {_describe_altered(plan)}. All else stays."
    if plan.direction == "remove":
        stays = f"{_list_spared_devices(graph)} {STAYS}" if plan.target == SUPPORT_DEVICES else STAYS
        return f"the image no longer shows {target}, nor its signs as far as they are listed. {stays}"
    if plan.target == NO_FINDING:
        return f"the image shows a normal chest, without {leaving} and the signs that are listed. {STAYS}"
    if plan.direction == "swap":
        going = f"{leaving}, whose signs go as far as they are listed"
        return f"the image shows {target} in place of {going}. {STAYS}"
    return f"the image shows {target} as well. {STAYS}"


def needs_signs(plan: Plan) -> bool:
    """True if the writer has to know by what signs the target shows: not of what goes, nor of a device."""
    return plan.direction not in ("remove", "alter") and plan.target not in (NO_FINDING, SUPPORT_DEVICES)


def _list_spared_devices(graph: ConceptGraph) -> str:
    """Name what surgery left and supports nothing: no label counts it, so it does not go with devices."""
    ties = (r for r in graph.relations_of(SUPPORT_DEVICES) if r.kind == "variant")
    spared = [graph.concept(r.other(SUPPORT_DEVICES)) for r in ties]
    names = [name_of(concept) for concept in spared if not concept.sets_labels]
    return f"{' and '.join(names).capitalize()} do not count as such and stay." if names else ""


def _describe_altered(plan: Plan) -> str:
    """The one element that differs; what it becomes is described with the details."""
    target, leaving = FINDING_LABELS[plan.target], _describe_leaving(plan)
    new = plan.must_appear[0]
    match plan.element:
        case "side":
            return f"{target} is on the {new.side} instead, with its signs; its degree and place are the same"
        case "severity":
            return f"{target} is {new.severity} instead; its side, place and signs are the same"
        case "cause":
            return (
                f"the signs are those of {target} instead of {leaving}, which goes; the signs themselves stay"
            )
        case _:
            return f"{target} is seen by another sign instead of the one that is listed"


def describe_showing(plan: Plan) -> str:
    """The end of the paper's request, which knows of nothing but diagnoses."""
    target, leaving = FINDING_LABELS[plan.target], _describe_leaving(plan)
    if plan.direction == "alter":
        return f"showing the same but for one thing: {_describe_altered(plan)}."
    if plan.direction == "remove":
        return f"not showing {target}."
    return f"showing {target}{f' in place of {leaving}' if leaving else ''}."


def _describe_leaving(plan: Plan) -> str:
    return ", ".join(FINDING_LABELS[finding] for finding in plan.swap_from)


def list_details(plan: Plan, study: Study, graph: ConceptGraph) -> str:
    """List what is to be described, what is no longer true and what still holds in the same sentences.

    What is no longer true is quoted in the report's own words, with the numbers of the sentences: the graph's
    names for it would turn a denial into a double one.
    """
    # What is new, worse or unchanged goes or stays with the finding that it is said of.
    idle = graph.words_of_change | leaning_attributes(graph)
    ceasing = [m for m in plan.must_cease if m.concept not in graph.words_of_change]
    staying = [m for m in plan.must_stay if m.concept not in idle and m.implied_by is None]
    lines = {
        "Describe": "; ".join(_iter_statements(plan, graph)),
        "No longer true": _quote_all(ceasing, study, lambda m: _name_part_that_goes(m, plan, graph)),
        "Still true": _quote_all(staying, study),
        "How other patients' reports put it (their manner, not their facts)": _list_bank_sentences(plan),
        **_quote_dependents(plan, study),
    }
    return "\n".join(f"{title}: {words}." for title, words in lines.items() if words)


def _list_bank_sentences(plan: Plan) -> str:
    """The sentences of the bank that the plan drew, by section, each once."""
    by_section: dict[str, list[str]] = {}
    for words in plan.wording:
        quoted = by_section.setdefault(words.section, [])
        if words.text not in quoted:
            quoted.append(words.text)
    return "; ".join(
        f"{section}: {', '.join(f'“{text}”' for text in texts)}" for section, texts in by_section.items()
    )


def _quote_dependents(plan: Plan, study: Study) -> dict[str, str]:
    """Quote the clauses that go because they only continue what goes, and those that stay where they are."""

    def quote(dependents: Iterable[Dependent]) -> str:
        told = ((one.sentence, " ".join(study.text[one.start : one.end].split())) for one in dependents)
        return "; ".join(f'"{words.rstrip(".")}" [{number}]' for number, words in told)

    orders = {sentence.number for sentence in study.sentences if is_order(sentence.text)}
    known = [one for one in plan.dependents if one.sentence not in orders]
    going = [one for one in known if one.goes]
    return {
        "Goes with it": quote(one for one in going if not one.is_rewritten),
        "Stays without the word that points to what goes": quote(one for one in going if one.is_rewritten),
        "Put nothing new before": quote(
            one for one in known if plan.must_appear and one.is_near and not one.goes
        ),
    }


def _iter_statements(plan: Plan, graph: ConceptGraph) -> Iterator[str]:
    """Return what appears, each thing once: a sign that is called what the finding is called adds nothing."""
    told: list[set[str]] = []
    for statement in plan.must_appear:
        words = _describe_concept(graph, statement.concept)
        # A finding that changes sides takes its kinds with it: a nodule is a nodule or mass already.
        own = {word.removesuffix("s") for word in words.split()}
        if not any(own == other or (plan.direction == "alter" and own < other) for other in told):
            yield words + _describe_place(statement, graph)
        told.append(own)


def _describe_place(statement: Statement, graph: ConceptGraph) -> str:
    # "Borderline" is read as a doubt, as the CheXpert labeler does; a device stands wherever it belongs.
    severity = statement.severity if statement.severity != "borderline" else None
    place = statement.region if statement.concept != SUPPORT_DEVICES else None
    if place in graph.concept(statement.concept).regions[:1] and statement.side is None:
        place = None  # "Cardiomegaly (heart)": it is nowhere else.
    region = graph.regions[place].label if place else None
    where = [word for word in (severity, statement.side, region) if word]
    return f" ({', '.join(where)})" if where else ""


def _describe_concept(graph: ConceptGraph, concept_id: str) -> str:
    """A concept as a report would name it; of devices, which are a class, some that could be meant."""
    if concept_id == NO_FINDING:
        return "a normal chest"
    if concept_id != SUPPORT_DEVICES:
        return name_of(graph.concept(concept_id))
    devices = [name_of(graph.concept(device)) for device in graph.descendants(concept_id)[:DEVICES_NAMED]]
    return (
        f"one device by its own name, such as {', '.join(devices)}" if devices else "one device by its name"
    )


def _quote_all(
    mentions: Sequence[Mention], study: Study, note: Callable[[Sequence[Mention]], str] = lambda said: ""
) -> str:
    """Quote what mentions say, each statement once, with the numbers of the sentences that it stands in.

    Args:
        note: what is to be added about mentions that are told by the same words.
    """
    shown = {sentence.number: sentence for sentence in study.sentences}
    numbers: dict[str, list[int]] = {}
    for said in _split_by_words([m for m in mentions if m.sentence in shown]):
        sentence = shown[said[0].sentence]
        words = "" if is_order(sentence.text) else quote_mention(sentence, said[0])
        found = numbers.setdefault(words + note(said), [])
        if sentence.number not in found:
            found.append(sentence.number)
    return "; ".join(f"{words} [{', '.join(map(str, sorted(n)))}]".strip() for words, n in numbers.items())


def _split_by_words(mentions: Sequence[Mention]) -> list[list[Mention]]:
    """Group the mentions that share words, the one that says most of them first, in the report's order."""
    groups: list[list[Mention]] = []
    for mention in sorted(mentions, key=lambda m: (m.start - m.end, m.implied_by is not None)):
        shared = [group for group in groups if spans_meet(mention, [(group[0].start, group[0].end)])]
        if shared:
            shared[0].append(mention)
        else:
            groups.append([mention])
    return sorted(groups, key=lambda group: group[0].start)


def quote_mention(sentence: Sentence, mention: Mention) -> str:
    """Quote a mention with its own side, degree and cue: "No … pneumothorax", "small left effusion"."""
    text, shift = sentence.text, sentence.start
    start, end = mention.start - shift, mention.end - shift
    own = {*(mention.severity or "").split(), mention.side, "both"}
    while (before := _WORD_BEFORE.search(text, 0, start)) and before[1].lower() in own:
        start = before.start(1)
    words = text[start:end]
    cue = re.search(rf"\b{re.escape(mention.cue)}\b", text, re.IGNORECASE) if mention.cue else None
    if cue and cue.end() <= start:
        link = " " if not text[cue.end() : start].strip() else " … "
        words = f"{cue[0]}{link}{words}"
    elif cue and cue.start() >= end:
        link = " " if not text[end : cue.start()].strip() else " … "
        words = f"{words}{link}{cue[0]}"
    return f'"{" ".join(words.split())}"'


_WORD_BEFORE = re.compile(r"([\w-]+)\s+$")


def _name_part_that_goes(said: Sequence[Mention], plan: Plan, graph: ConceptGraph) -> str:
    """Name the part of "heart and mediastinum normal" that is no longer true, where the rest still is."""
    if plan.direction not in ("add", "swap"):
        return ""
    told = [m for m in said if m.implied_by is None and graph.concept(m.concept).kind == "normal_state"]
    going = [m for m in told if graph.excludes(m.concept, plan.target) is not None]
    if not going or len(going) == len(told):
        return ""
    names = dict.fromkeys(name_of(graph.concept(m.concept)) for m in going)
    return f" (only {', '.join(names)})"


def name_of(concept: Concept) -> str:
    """Return the name of a concept within a sentence: Lung Lesion is a nodule or mass there."""
    noun, label = concept.write.noun, concept.label.lower()
    if concept.kind == "attribute" and noun:
        return noun
    if concept.kind == "finding" and noun and label not in noun:
        return noun
    first = concept.label.split(maxsplit=1)[0]
    return concept.label if first.isupper() else label


def ask_for_rewording(plans: Iterable[Plan], study: Study, *, by_sentence: bool) -> str:
    """Name the sentences of the factual report to reword: those that counterfactuals rewrite, at least one.

    Args:
        by_sentence: whether the counterfactuals are edited by sentence, not written as whole reports.
    """
    numbers = [sentence.number for sentence in study.sentences]
    if by_sentence:
        numbers = sorted({number for plan in plans for number in plan.free_sentences}) or numbers[-1:]
    return f"reword {'sentence' if len(numbers) == 1 else 'sentences'} {', '.join(map(str, numbers))}."
