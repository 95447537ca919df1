"""Films of invented studies as they would be if the counterfactual were true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ccf_pipeline.demo.cases import DeviceSeen, Fact
from ccf_pipeline.demo.images import Pixels, draw_image
from ccf_pipeline.demo.studies import DemoStudy
from ccf_pipeline.records import FINDING_LABELS, SUPPORT_DEVICES, Mention


def draw_changed_film(
    study: DemoStudy, image_id: str, factual: Sequence[Mention], counterfactual: Sequence[Mention]
) -> Pixels:
    """Draw an exposure of the study again, with the findings that the counterfactual text asserts.

    What both texts say alike is drawn as it was; grain and build of the patient stay the same.
    """
    before, after = _collect_asserted(factual), _collect_asserted(counterfactual)
    facts = {fact.concept: fact for fact in study.case.facts if fact.concept in after}
    for finding, mention in after.items():
        if before.get(finding) is None or _read_detail(before[finding]) != _read_detail(mention):
            facts[finding] = _make_fact(mention)
    case = study.case._replace(
        facts=tuple(facts.values()), devices=_find_devices(study, before, counterfactual)
    )
    image = next(image for image in study.images if image.dicom_id == image_id)
    return draw_image(replace(study, case=case), image)


def _collect_asserted(mentions: Sequence[Mention]) -> dict[str, Mention]:
    """The first assertion of each finding, the one that says most of it first."""
    found: dict[str, Mention] = {}
    for mention in sorted(mentions, key=lambda m: -sum(map(bool, _read_detail(m)))):
        if mention.polarity == "present" and mention.concept in FINDING_LABELS:
            found.setdefault(mention.concept, mention)
    return found


def _read_detail(mention: Mention) -> tuple[str | None, ...]:
    return mention.side, mention.region, mention.severity


def _make_fact(mention: Mention) -> Fact:
    place = mention.region.replace("_", " ") if mention.region else None
    return Fact(mention.concept, "present", mention.side, place, mention.severity, None, None)


def _find_devices(
    study: DemoStudy, before: dict[str, Mention], counterfactual: Sequence[Mention]
) -> tuple[DeviceSeen, ...]:
    after = _collect_asserted(counterfactual)
    if SUPPORT_DEVICES not in after:
        return ()
    if SUPPORT_DEVICES in before:
        return study.case.devices
    named = {m.concept: m.side for m in counterfactual if m.implied_by is None and m.polarity == "present"}
    known = {device: side for device, side in named.items() if device in DRAWN_DEVICES}
    return tuple(DeviceSeen(device, side, True) for device, side in (known or {"att_cvc": None}).items())


DRAWN_DEVICES = frozenset({
    "att_ett", "att_tracheostomy", "att_ngt", "att_feeding_tube", "att_chest_tube", "att_pacemaker",
    "att_icd", "att_valve", "att_cvc", "att_picc", "att_port", "att_swan_ganz",
})  # fmt: skip
