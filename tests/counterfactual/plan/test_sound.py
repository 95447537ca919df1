"""A plan that the rest of the report contradicts is not asked for; another change is drawn."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ccf_pipeline.counterfactual.plan import plan_change, plan_study
from ccf_pipeline.counterfactual.plan.changes import Change
from ccf_pipeline.counterfactual.plan.sound import is_sound
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import Plan, Study
from tests.counterfactual.conftest import study_of

Read = Callable[[str], Reading]
Made = tuple[Plan, Study, Reading]


def made(report: str, change: Change, graph: ConceptGraph, read: Read) -> Made:
    study = study_of(report)
    reading = read(study.text)
    return plan_change(study, reading, graph, change, seed=1), study, reading


def removal(finding: str) -> Change:
    return Change("remove", finding, (finding,))


@pytest.mark.parametrize("finding", ["consolidation", "pneumonia", "atelectasis"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_finding_stays_while_the_other_section_tells_it_as_an_opacity(
    finding: str, side: str, graph: ConceptGraph, read: Read
) -> None:
    other = "left" if side == "right" else "right"
    findings = "FINDINGS: There is {} lower lobe airspace disease.\n"
    shadow = f"{findings}IMPRESSION: {side.title()} lower lobe {finding}.\n"
    named = shadow.replace(f"{finding}.", f"airspace disease, consistent with {finding}.")
    change = removal(f"fnd_{finding}")

    assert not is_sound(*made(shadow.format(side), change, graph, read), graph)
    assert is_sound(*made(shadow.format(other), change, graph, read), graph)
    assert is_sound(*made(named.format(side), change, graph, read), graph)


@pytest.mark.parametrize(
    ("finding", "report"),
    [
        (
            "fnd_pleural_effusion",
            "FINDINGS: Large right effusion. Compressive atelectasis in the right base.\n",
        ),
        ("fnd_pleural_effusion", "FINDINGS: Bilateral effusions. Opacities in the adjacent lung bases.\n"),
        (
            "fnd_fracture",
            "FINDINGS: Lucency with a step in the sixth rib. Findings are concerning for fracture.\n",
        ),
        (
            "fnd_lung_opacity",
            "FINDINGS: Scarring in the left base.\nIMPRESSION: Chronic changes in the left base.\n",
        ),
        ("fnd_fracture", "FINDINGS: Density over the left fourth rib likely represents a rib fracture.\n"),
        ("fnd_fracture", "FINDINGS: Left rib fracture. The hip is described in another report.\n"),
        ("fnd_lung_lesion", "FINDINGS: Calcified granuloma in the right base. The nodule is unchanged.\n"),
    ],
)
def test_nothing_goes_that_what_stays_still_speaks_of(
    finding: str, report: str, graph: ConceptGraph, read: Read
) -> None:
    assert not is_sound(*made(report, removal(finding), graph, read), graph)


@pytest.mark.parametrize(
    ("target", "report"),
    [
        ("fnd_enlarged_cardiomediastinum", "FINDINGS: The mediastinum is stable. The lungs are clear.\n"),
        ("fnd_cardiomegaly", "FINDINGS: Stable cardiomediastinal silhouette. The lungs are clear.\n"),
        ("fnd_fracture", "FINDINGS: The lungs are clear. The XXXX are intact.\n"),
    ],
)
def test_what_is_called_stable_or_intact_is_left_so(
    target: str, report: str, graph: ConceptGraph, read: Read
) -> None:
    study = study_of(report)
    plans = [
        plan
        for seed in range(20)
        for plan in plan_study(study, read(study.text), graph, per_study=20, seed=seed)
    ]

    assert plans
    assert target not in {plan.target for plan in plans}


def test_what_explains_only_what_goes_goes_with_it(graph: ConceptGraph, read: Read) -> None:
    for link in ("consistent with", "likely representing", "which may represent", "suggesting"):
        report = f"FINDINGS: Nodular opacities in the left base {link} calcified granulomas. No effusion.\n"
        plan, study, _ = made(report, removal("fnd_lung_lesion"), graph, read)
        (clause,) = [one for one in plan.dependents if one.goes]
        assert study.text[clause.start : clause.end].split() == [*link.split(), "calcified", "granulomas"]
        assert not plan.must_stay


def test_a_sentence_that_goes_on_from_what_goes_loses_its_opening(graph: ConceptGraph, read: Read) -> None:
    report = "FINDINGS: The lungs are clear. Specifically, no effusion or pneumothorax.\n"
    plan, *_ = made(report, Change("add", "fnd_lung_opacity", ()), graph, read)

    assert [(one.sentence, one.is_rewritten, one.goes) for one in plan.dependents] == [(2, True, True)]


def test_a_chest_called_stable_gives_way_to_what_comes(graph: ConceptGraph, read: Read) -> None:
    for said in ("Stable chest.", "No significant interval change.", "Unchanged appearance of the chest."):
        report = f"FINDINGS: The lungs are clear. No effusion.\nIMPRESSION: {said}\n"
        plan, study, _ = made(report, Change("add", "fnd_lung_lesion", ()), graph, read)
        assert study.sentences[-1].number in plan.free_sentences, said
    kept = "FINDINGS: The lungs are clear.\nIMPRESSION: Stable hiatal hernia.\n"
    plan, study, _ = made(kept, Change("add", "fnd_lung_lesion", ()), graph, read)
    assert study.sentences[-1].number in plan.kept_sentences


GOING = {
    "fnd_pleural_effusion": ("Small left pleural effusion.", "Minimal bibasilar atelectasis."),
    "fnd_lung_lesion": ("There is a nodule in the right upper lobe.", "Small left pleural effusion."),
    "fnd_pneumothorax": ("Small right apical pneumothorax.", "Mild cardiomegaly."),
}


@pytest.mark.parametrize("finding", GOING)
@pytest.mark.parametrize(
    "remark",
    [
        "The appearance is stable from several prior studies.",
        "XXXX since the earlier study.",
        "CT of the chest with contrast may be helpful.",
        "Further workup could be started with a CT of the abdomen.",
        "Dr. XXXX XXXX the findings XXXX.",
    ],
)
def test_what_only_goes_on_from_a_finding_is_not_left_behind(
    finding: str, remark: str, graph: ConceptGraph, read: Read
) -> None:
    told, other = GOING[finding]
    left = made(f"IMPRESSION: {other} {told} {remark}\n", removal(finding), graph, read)
    of_another = made(f"IMPRESSION: {told} {other} {remark}\n", removal(finding), graph, read)

    assert 3 not in left[0].kept_sentences or not is_sound(*left, graph)
    assert is_sound(*of_another, graph)


@pytest.mark.parametrize("finding", GOING)
@pytest.mark.parametrize("noun", ["redemonstration", "interval development", "progression"])
def test_no_stump_of_a_sentence_is_left(finding: str, noun: str, graph: ConceptGraph, read: Read) -> None:
    told = GOING[finding][0].removeprefix("There is a ").rstrip(".").lower()
    stump = f"FINDINGS: There is {noun} without other change of a {told}. The heart is normal.\n"

    assert not is_sound(*made(stump, removal(finding), graph, read), graph)
    assert is_sound(*made(stump.replace("without other change ", ""), removal(finding), graph, read), graph)


@pytest.mark.parametrize("target", ["fnd_pneumonia", "fnd_lung_opacity", "fnd_edema"])
def test_what_comes_takes_nothing_abnormal_away(target: str, graph: ConceptGraph, read: Read) -> None:
    report = "FINDINGS: There is {} of the lungs appear to be clear. The heart is normal.\n"
    change = Change("add", target, ())

    assert not is_sound(*made(report.format("hyperinflation"), change, graph, read), graph)
    assert is_sound(
        *made("FINDINGS: The lungs are clear. The heart is normal.\n", change, graph, read), graph
    )


@pytest.mark.parametrize(
    ("finding", "told", "left", "harmless"),
    [
        (
            "fnd_pneumothorax",
            "Right pneumothorax.",
            "Slight right-to-left cardiomediastinal shift.",
            "Hiatal hernia.",
        ),
        (
            "fnd_cardiomegaly",
            "Cardiomegaly.",
            "There has been interval enlargement in the cardiac silhouette.",
            "Hiatal hernia.",
        ),
        (
            "fnd_fracture",
            "Fracture of the right ninth rib.",
            "Lucency through the right ninth rib.",
            "Lucency in the left humerus.",
        ),
        (
            "fnd_lung_opacity",
            "Increased interstitial markings in the left base.",
            "Left basilar fibrosis.",
            "Aortic atherosclerosis.",
        ),
        (
            "fnd_pneumonia",
            "Left lower lobe pneumonia.",
            "Left parapneumonic effusion.",
            "Left pleural effusion.",
        ),
        (
            "fnd_pneumonia",
            "Right lower lobe pneumonia.",
            "Right lower lobe opacity.",
            "Left lower lobe opacity.",
        ),
    ],
)
def test_a_finding_stays_that_the_other_section_tells_by_another_word(
    finding: str, told: str, left: str, harmless: str, graph: ConceptGraph, read: Read
) -> None:
    report = f"FINDINGS: {{}} No effusion on the other side.\nIMPRESSION: {told}\n"

    assert not is_sound(*made(report.format(left), removal(finding), graph, read), graph)
    assert is_sound(*made(report.format(harmless), removal(finding), graph, read), graph)


def test_an_opacity_keeps_what_places_it(graph: ConceptGraph, read: Read) -> None:
    for side in ("left", "right"):
        bare = f"IMPRESSION: Opacity, likely representing {side} upper lobe pneumonia.\n"
        placed = f"IMPRESSION: {side.title()} upper lobe opacity, likely representing pneumonia.\n"
        assert not is_sound(*made(bare, removal("fnd_pneumonia"), graph, read), graph)
        assert is_sound(*made(placed, removal("fnd_pneumonia"), graph, read), graph)


def test_lungs_called_well_with_another_organ_get_no_finding(graph: ConceptGraph, read: Read) -> None:
    report = "FINDINGS: The lungs and pleural spaces show no acute abnormality. {}\n"
    for target in ("fnd_lung_opacity", "fnd_pneumonia", "fnd_lung_lesion"):
        change = Change("add", target, ())
        assert not is_sound(*made(report.format("Hiatal hernia."), change, graph, read), graph)


def test_a_finding_joined_by_a_blanked_word_does_not_go_along(graph: ConceptGraph, read: Read) -> None:
    report = "FINDINGS: Persistent small right pleural effusion and XXXX XXXX atelectasis. No pneumothorax.\n"
    plan, *_ = made(report, removal("fnd_pleural_effusion"), graph, read)

    assert "fnd_atelectasis" not in {m.concept for m in plan.must_cease}
