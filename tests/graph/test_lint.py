"""Each fault that lint knows, planted in a graph that has none, and found on its line."""

from pathlib import Path

import pytest

from ccf_pipeline.graph.lint import FAULT_KINDS
from ccf_pipeline.graph.load import find_faults

SMALL = Path(__file__).with_name("small.yaml").read_text(encoding="utf-8")

RELATION = (
    "  - {{source: {source}, target: {target}, relation: {relation}, kind: {kind}, scope: global, "
    "strength: weak, why: Because., sources: [STD], review: taught{more}}}\n"
)


def related(source: str, target: str, relation: str, kind: str, more: str = "") -> str:
    return RELATION.format(source=source, target=target, relation=relation, kind=kind, more=more)


def with_relation(*relations: str) -> str:
    return SMALL.replace("relations:\n", "relations:\n" + "".join(relations), 1)


def changed(old: str, new: str) -> str:
    assert SMALL.count(old) == 1, f"{old!r} stands {SMALL.count(old)} times in the small graph"
    return SMALL.replace(old, new)


def placed(place: str) -> str:
    """The small graph, with a place at which atelectasis, always mild, is to be written."""
    was = "regions: [lower_lobe], sides: optional, severities: [mild],"
    return changed(was, f"{was} write: {{places: [{place}]}},")


PLANTED = {
    "schema": changed("why: Less air.,", "whi: Less air.,"),
    "unknown-concept": changed("target: att_pleural_line,", "target: att_plural_line,"),
    "unknown-region": changed("regions: [heart]", "regions: [hart]"),
    "unknown-source": changed(
        "definition: A broken bone.,", "definition: A broken bone., radlex: x,"
    ).replace("not_forms: [fractured wire], sources: [STD]", "not_forms: [fractured wire], sources: [SDT]"),
    "duplicate-concept": changed("id: att_skin_fold,", "id: att_chest_tube,"),
    "duplicate-region": changed("{id: heart, label: heart", "{id: apex, label: heart"),
    "duplicate-relation": with_relation(related("att_volume_loss", "fnd_atelectasis", "positive", "sign_of")),
    "wrong-prefix": changed(
        "id: fnd_fracture, label: Fracture, kind: finding",
        "id: fnd_fracture, label: Fracture, kind: attribute",
    ),
    "missing-finding": changed("label: Edema,", "label: Oedema,"),
    "orphan": changed("  - {source: att_skin_fold, target", "  - {source: fnd_atelectasis, target"),
    "missing-why": changed("why: Less air.,", "why: '',"),
    "missing-source": changed(
        "why: A fracture is a finding., sources: [STD]", "why: A fracture is a finding., sources: []"
    ),
    "review-state": changed("reviewed by A. Reader on 2026-01-31", "reviewed by A. Reader on 2026-02-31"),
    "unproved": changed(
        "why: Fluid fills the angle., sources: [STD], review: taught",
        "why: Fluid fills the angle., sources: [STD], review: derived by name",
    ),
    "open-question": changed('device_for: "?"', 'device_for: ""'),
    "shared-form": changed("shared_forms: [collapse]", "shared_forms: []"),
    "bad-form": changed("forms: [hyperinflation]", "forms: [Hyperinflation]"),
    "idle-not-form": changed("not_forms: [fractured wire]", "not_forms: [broken wire]"),
    "unknown-slot": changed("{severity} {side} pleural effusion.", "{severity} {place} pleural effusion."),
    "wrong-kind": with_relation(related("fnd_fracture", "att_deep_sulcus", "positive", "negation")),
    "self-relation": with_relation(related("fnd_fracture", "fnd_fracture", "exclusive", "contradicts")),
    "contradiction": with_relation(
        related("fnd_fracture", "att_deep_sulcus", "positive", "sign_of"),
        related("att_deep_sulcus", "fnd_fracture", "exclusive", "contradicts"),
    ),
    "inherited-contradiction": with_relation(
        related("fnd_consolidation", "nrm_clear_lungs", "positive", "co_occurs")
    ),
    "cycle": with_relation(related("fnd_lung_opacity", "fnd_edema", "positive", "is_a")),
    "region-cycle": changed("{id: chest, label: chest}", "{id: chest, label: chest, part_of: [apex]}"),
    "impossible-condition": changed("{min_severity: small}", "{min_severity: large, max_severity: small}"),
    "unknown-severity": changed("{min_severity: small}", "{min_severity: smallish}"),
}


def faults_in(text: str, folder: Path) -> list[tuple[str, str]]:
    path = folder / "planted.yaml"
    path.write_text(text, encoding="utf-8")
    return [(fault.kind, text.splitlines()[line - 1]) for line, fault in find_faults(path)]


def test_the_small_graph_has_no_fault(tmp_path: Path) -> None:
    assert faults_in(SMALL, tmp_path) == []


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_a_planted_fault_is_found(kind: str, tmp_path: Path) -> None:
    found = faults_in(PLANTED[kind], tmp_path)

    assert kind in {found_kind for found_kind, _ in found}


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("unknown-concept", "att_plural_line"),
        ("unknown-region", "[hart]"),
        ("missing-why", "why: ''"),
        ("bad-form", "Hyperinflation"),
        ("review-state", "2026-02-31"),
        ("unknown-slot", "{place}"),
        ("schema", "whi: Less air."),
    ],
)
def test_a_fault_names_the_line_it_stands_on(kind: str, line: str, tmp_path: Path) -> None:
    found = dict(faults_in(PLANTED[kind], tmp_path))

    assert line in found[kind]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (changed("{views: [supine]}", "{views: [sideways]}"), "impossible-condition"),
        (
            changed("id: att_volume_loss,", "id: att_volume_loss, regions: [heart],"),
            "impossible-condition",
        ),
        (changed("{views: [supine]}", "{acuity: [ancient]}"), "impossible-condition"),
        (placed("{regions: [apex]}"), "impossible-condition"),
        (placed("{regions: [lower_lobe], min_severity: large}"), "impossible-condition"),
        (placed("{regions: [lower_lobe], max_severity: largish}"), "unknown-severity"),
        (placed("{regions: [lower_lobe], beside: [knee]}"), "unknown-region"),
        (changed("{views: [supine]}", "{wording: [deep], not_wording: [deep]}"), "impossible-condition"),
        (changed("{views: [supine]}", "{regions: [ape]}"), "unknown-region"),
        (changed("condition: always", "condition: present(fnd_penumonia)"), "unknown-concept"),
        (changed("severities: [mild]", "severities: [mildish]"), "unknown-severity"),
        (changed("forms: [hyperinflation]", "forms: ['']"), "bad-form"),
        (changed("exact_forms: [CHF]", "exact_forms: [' CHF']"), "bad-form"),
        (changed("exact_forms: [CHF]", "exact_forms: [Fracture]"), "shared-form"),
        (changed("part_of: [upper_zone], sides", "part_of: [uper_zone], sides"), "unknown-region"),
        (changed("review: reviewed by A. Reader on 2026-01-31", "review: seen"), "review-state"),
        (SMALL.replace("  - {id: fnd_pneumonia,", "  - {id: fnd_pneumonitis,"), "missing-finding"),
        (
            changed(
                "source: att_skin_fold, target: fnd_pneumothorax, why",
                "source: att_skin, target: fnd_pneumothorax, why",
            ),
            "unknown-concept",
        ),
        (
            with_relation(
                related("att_deep_sulcus", "fnd_pneumonia", "positive", "is_a"),
                related("att_deep_sulcus", "fnd_edema", "positive", "is_a"),
                related("fnd_pneumonia", "fnd_edema", "exclusive", "contradicts"),
            ),
            "inherited-contradiction",
        ),
    ],
)
def test_other_ways_to_the_same_faults(text: str, kind: str, tmp_path: Path) -> None:
    assert kind in {found_kind for found_kind, _ in faults_in(text, tmp_path)}


def test_every_kind_is_explained_and_planted() -> None:
    assert PLANTED.keys() == FAULT_KINDS.keys()
    assert len(FAULT_KINDS) >= 12
