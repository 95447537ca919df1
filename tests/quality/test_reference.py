"""The figure beside the gate: what the test gives for reports that nobody forged."""

from __future__ import annotations

from ccf_pipeline.counterfactual.masking import mask_details
from ccf_pipeline.quality.measuring import Rules
from ccf_pipeline.quality.reference import written_sides
from ccf_pipeline.records import Label, Record


def labelled(*findings: str) -> tuple[Label, ...]:
    return tuple(Label(finding=finding, state="present") for finding in findings)


def some(record: Record, number: int, before: str, after: str) -> Record:
    return record.model_copy(
        update={
            "record_id": f"r{number}",
            "study_id": f"s{number}",
            "subject_id": f"p{number}",
            "factual_labels": labelled(before),
            "counterfactual_labels": labelled(after),
        }
    )


def test_a_report_is_set_beside_another_patients_that_says_what_its_counterfactual_does(
    records: list[Record],
) -> None:
    turned = [some(records[0], n, "Edema", "Fracture") for n in range(60)]
    others = [some(records[0], n, "Fracture", "Edema") for n in range(60, 120)]
    lonely = [some(records[0], 120, "Edema", "Pneumothorax")]
    rows = [*turned, *others, *lonely]
    masked = {row.study_id: f"{row.factual_labels[0].finding} {row.study_id}" for row in rows}

    floor = written_sides(rows, masked, seed=7, view="written")

    sides = floor.sides
    assert floor.numbers == tuple(range(120))

    assert len(sides.chosen) == 120
    for chosen, rejected in zip(sides.chosen, sides.rejected, strict=True):
        assert {chosen.split()[0], rejected.split()[0]} == {"Edema", "Fracture"}
    on_both = [
        (text, block)
        for texts in (sides.chosen, sides.rejected)
        for text, block in zip(texts, sides.patients, strict=True)
    ]
    assert len({text for text, _ in on_both}) == len(set(on_both)), "a report belongs to one block"


def test_sides_places_and_degrees_are_blotted_out_and_the_manner_stays(rules: Rules) -> None:
    text = "There is a small left █ in the left lower lobe, with interval change."

    assert mask_details(text, rules.graph) == "There is a █ in the █ , with interval change."
