"""A plan in words: what the image is to show, what is to be described, what is no longer true."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ccf_pipeline.graph import Concept, ConceptGraph
from ccf_pipeline.reader.facts import spans_meet
from ccf_pipeline.records import (
    FINDING_LABELS,
    NO_FINDING,
    SUPPORT_DEVICES,
    Mention,
    Plan,
    Statement,
    Study,
)

STAYS = "All else that it shows stays."
DEVICES_NAMED = 3


def describe_task(plan: Plan, graph: ConceptGraph) -> str:
    """What the image is to show instead, by the names of the findings; the details name the signs."""
    target, leaving = FINDING_LABELS[plan.target], _leaving(plan)
    if plan.direction == "alter":
        return f"the image shows the same but for one thing: {_altered(plan)}. All else stays."
    if plan.direction == "remove":
        stays = f"{_spared_devices(graph)} {STAYS}" if plan.target == SUPPORT_DEVICES else STAYS
        return f"the image no longer shows {target}, nor its signs as far as they are listed. {stays}"
    if plan.target == NO_FINDING:
        return f"the image shows a normal chest, without {leaving} and the signs that are listed. {STAYS}"
    if plan.direction == "swap":
        going = f"{leaving}, whose signs go as far as they are listed"
        return f"the image shows {target} in place of {going}. {STAYS}"
    return f"the image shows {target} as well. {STAYS}"


def _spared_devices(graph: ConceptGraph) -> str:
    """What surgery left and supports nothing: no label counts it, so that it does not go with the devices."""
    ties = (r for r in graph.relations_of(SUPPORT_DEVICES) if r.kind == "variant")
    spared = [graph.concept(r.other(SUPPORT_DEVICES)) for r in ties]
    names = [name_of(concept) for concept in spared if not concept.sets_labels]
    return f"{' and '.join(names).capitalize()} do not count as such and stay." if names else ""


def _altered(plan: Plan) -> str:
    """The one element that differs; what it becomes is described with the details."""
    target, leaving = FINDING_LABELS[plan.target], _leaving(plan)
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
    target, leaving = FINDING_LABELS[plan.target], _leaving(plan)
    if plan.direction == "alter":
        return f"showing the same but for one thing: {_altered(plan)}."
    if plan.direction == "remove":
        return f"not showing {target}."
    return f"showing {target}{f' in place of {leaving}' if leaving else ''}."


def _leaving(plan: Plan) -> str:
    return ", ".join(FINDING_LABELS[finding] for finding in plan.swap_from)


def list_details(plan: Plan, graph: ConceptGraph, *, numbered: bool) -> str:
    """What is to be described, what can no longer stand, and what still holds in the same sentences.

    Args:
        numbered: whether the report is shown with the numbers of its sentences.
    """
    # What is new, worse or unchanged goes or stays with the finding that it is said of.
    staying, ceasing = (
        [mention for mention in mentions if mention.concept not in graph.words_of_change]
        for mentions in (plan.must_stay, plan.must_cease)
    )
    lines = {
        "Describe": "; ".join(_statements(plan, graph)),
        "No longer true": _mentions(ceasing, graph, numbered=numbered),
        "Still true": _mentions(staying, graph, numbered=numbered),
        "How other patients' reports put it (their manner, not their facts)": _quote_bank(plan),
    }
    return "\n".join(f"{title}: {words}." for title, words in lines.items() if words)


def _quote_bank(plan: Plan) -> str:
    """The sentences of the bank that the plan drew, by section, each once."""
    by_section: dict[str, list[str]] = {}
    for words in plan.wording:
        quoted = by_section.setdefault(words.section, [])
        if words.text not in quoted:
            quoted.append(words.text)
    return "; ".join(
        f"{section}: {', '.join(f'“{text}”' for text in texts)}" for section, texts in by_section.items()
    )


def _statements(plan: Plan, graph: ConceptGraph) -> Iterator[str]:
    """What appears, each thing once: a sign that is called what the finding is called adds nothing."""
    told: list[set[str]] = []
    for statement in plan.must_appear:
        words = _described(graph, statement.concept)
        # A finding that changes sides takes its kinds with it: a nodule is a nodule or mass already.
        own = {word.removesuffix("s") for word in words.split()}
        if not any(own == other or (plan.direction == "alter" and own < other) for other in told):
            yield words + _where(statement, graph)
        told.append(own)


def _where(statement: Statement, graph: ConceptGraph) -> str:
    # "Borderline" is read as a doubt, as the CheXpert labeler does; a device stands wherever it belongs.
    severity = statement.severity if statement.severity != "borderline" else None
    place = statement.region if statement.concept != SUPPORT_DEVICES else None
    region = graph.regions[place].label if place else None
    where = [word for word in (severity, statement.side, region) if word]
    return f" ({', '.join(where)})" if where else ""


def _described(graph: ConceptGraph, concept_id: str) -> str:
    """A concept as a report would name it; of devices, which are a class, some that could be meant."""
    if concept_id == NO_FINDING:
        return "a normal chest"
    if concept_id != SUPPORT_DEVICES:
        return name_of(graph.concept(concept_id))
    devices = [name_of(graph.concept(device)) for device in graph.descendants(concept_id)[:DEVICES_NAMED]]
    return (
        f"one device by its own name, such as {', '.join(devices)}" if devices else "one device by its name"
    )


def _mentions(mentions: Iterable[Mention], graph: ConceptGraph, *, numbered: bool) -> str:
    sentences: dict[str, list[int]] = {}
    for mention in _told_once(mentions, graph):
        numbers = sentences.setdefault(_mention(mention, graph), [])
        if mention.sentence not in numbers:
            numbers.append(mention.sentence)
    if not numbered:
        return "; ".join(sentences)
    return "; ".join(f"{words} [{', '.join(map(str, sorted(n)))}]" for words, n in sentences.items())


def _told_once(mentions: Iterable[Mention], graph: ConceptGraph) -> list[Mention]:
    """One mention for the same words: what is said before what follows from it, findings before the rest."""

    def standing(mention: Mention) -> tuple[bool, bool]:
        return mention.implied_by is not None, graph.concept(mention.concept).kind != "finding"

    told: list[Mention] = []
    for mention in sorted(mentions, key=standing):
        if not spans_meet(mention, ((other.start, other.end) for other in told)):
            told.append(mention)
    return sorted(told, key=lambda mention: mention.start)


def _mention(mention: Mention, graph: ConceptGraph) -> str:
    if mention.concept == NO_FINDING:
        return "that nothing is abnormal"
    name = name_of(graph.concept(mention.concept))
    if mention.polarity == "absent":
        return f"no {name}"
    doubt = "possible" if mention.polarity == "uncertain" else None
    return " ".join(filter(None, (doubt, mention.severity, mention.side, name)))


def name_of(concept: Concept) -> str:
    """What a concept is called within a sentence of a report: Lung Lesion is a nodule or mass there."""
    noun, label = concept.write.noun, concept.label.lower()
    if concept.kind == "attribute" and noun:
        return noun
    if concept.kind == "finding" and noun and label not in noun:
        return noun
    first = concept.label.split(maxsplit=1)[0]
    return concept.label if first.isupper() else label


def ask_for_rewording(plans: Iterable[Plan], study: Study, *, by_sentence: bool) -> str:
    """Which sentences of the factual report to reword: those that the counterfactuals rewrite, at least one.

    Args:
        by_sentence: whether the counterfactuals are edited by sentence, not written as whole reports.
    """
    numbers = [sentence.number for sentence in study.sentences]
    if by_sentence:
        numbers = sorted({number for plan in plans for number in plan.free_sentences}) or numbers[-1:]
    return f"reword {'sentence' if len(numbers) == 1 else 'sentences'} {', '.join(map(str, numbers))}."
