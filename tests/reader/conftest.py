"""A small graph that the reader's tests can be read against."""

from __future__ import annotations

import pytest

from ccf_pipeline.graph.model import Concept, Condition, GraphFile, Region, Relation
from ccf_pipeline.reader import Lexicon


def _concept(id: str, *forms: str, **more: object) -> Concept:
    kind = {"fnd": "finding", "att": "attribute", "nrm": "normal_state"}[id[:3]]
    given = {"sides": "optional", **more}
    return Concept.model_validate(
        {
            "id": id,
            "label": id,
            "kind": kind,
            "category": "density",
            "definition": "-",
            "forms": forms,
            "sources": ("s",),
        }
        | given
    )


def _relation(source: str, target: str, kind: str, **more: object) -> Relation:
    relation = "positive" if kind == "is_a" else "exclusive"
    return Relation.model_validate(
        {"source": source, "target": target, "kind": kind, "relation": relation, "scope": "same_region"}
        | {"strength": "strong", "why": "-", "sources": ("s",), "review": "taught"}
        | more
    )


@pytest.fixture(scope="session")
def graph() -> GraphFile:
    return GraphFile(
        name="small",
        version="1",
        language="en",
        description="",
        sources={},
        severity_grades=(("trace", "tiny"), ("small", "mild"), ("moderate",), ("large", "severe")),
        regions=(
            Region(id="base", label="base", words=("base", "basilar", "bibasilar")),
            Region(id="apex", label="apex", words=("apex", "apical")),
            Region(id="lower_lobe", label="lower lobe", words=("lower lobe",)),
        ),
        concepts=(
            _concept(
                "fnd_pleural_effusion",
                "pleural effusion",
                "effusion",
                "pleural fluid",
                not_forms=("pericardial effusion",),
            ),
            _concept("fnd_pneumothorax", "pneumothorax", "ptx"),
            _concept("fnd_consolidation", "consolidation"),
            _concept("fnd_pneumonia", "pneumonia"),
            _concept("fnd_edema", "pulmonary edema", "edema", sides="none"),
            _concept("fnd_atelectasis", "atelectasis"),
            _concept("fnd_cardiomegaly", "cardiomegaly", "enlarged heart", sides="none"),
            _concept("fnd_enlarged_cardiomediastinum", "widened mediastinum", sides="none"),
            _concept("fnd_lung_opacity", "opacity"),
            _concept("fnd_fracture", "fracture", "rib fracture"),
            _concept("fnd_support_devices", "support device", sides="none"),
            _concept("fnd_no_finding", "normal chest", sides="none"),
            _concept("att_picc", exact_forms=("PICC",)),
            _concept("att_ett", "endotracheal tube", sides="none"),
            _concept("att_new", "new", sides="none"),
            _concept("att_unchanged", "unchanged", sides="none"),
            _concept("att_resolved", "resolved", sides="none"),
            _concept("nrm_no_effusion", "no pleural effusion", "no effusion"),
            _concept("nrm_normal_heart", "heart size is normal", sides="none"),
            _concept("nrm_clear_lungs", "lungs are clear"),
            _concept("nrm_no_acute_process", "no acute cardiopulmonary process", sides="none"),
        ),
        relations=(
            _relation("nrm_no_effusion", "fnd_pleural_effusion", "negation"),
            _relation("nrm_normal_heart", "fnd_cardiomegaly", "negation"),
            _relation(
                "nrm_clear_lungs", "fnd_lung_opacity", "contradicts_normal", when=Condition(no_exception=True)
            ),
            _relation("att_picc", "fnd_support_devices", "is_a"),
            _relation("att_ett", "fnd_support_devices", "is_a"),
        ),
    )


@pytest.fixture(scope="session")
def lexicon(graph: GraphFile) -> Lexicon:
    return Lexicon.from_graph(graph)
