"""`schemas/` is what the code says, and the two ways to check a graph file agree."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from pydantic import BaseModel, ValidationError

from ccf_pipeline import records
from ccf_pipeline.cli.schemas import schema_files
from ccf_pipeline.records import Completion, Noun, Sentence

SCHEMAS = Path(__file__).parents[1] / "schemas"


def test_every_schema_file_is_what_the_code_says() -> None:
    committed = {
        path.name: path.read_text(encoding="utf-8")
        for pattern in ("*.schema.json", "*.arrow.txt")
        for path in SCHEMAS.glob(pattern)
    }

    assert committed == schema_files(), "run `make schemas` and commit the result"


def test_the_readme_names_every_kind_of_schema_file() -> None:
    readme = (SCHEMAS / "README.md").read_text(encoding="utf-8")

    kinds = {name.split(".")[0] for name in schema_files() if not name.startswith("dataset_")}

    assert [kind for kind in sorted(kinds) if f"`{kind}." not in readme] == []


def test_a_noun_refuses_unknown_fields_and_changes() -> None:
    sentence = Sentence(number=1, section="findings", start=0, end=3, text="Ok.")

    with pytest.raises(ValidationError):
        sentence.text = "other"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Completion.model_validate(
            {"prompt_id": "a", "expert": "rules", "model": "m", "text": "", "answer": "?"}
        )


def test_every_record_is_a_noun() -> None:
    names = [f"ccf_pipeline.records.{found.name}" for found in iter_modules(records.__path__)]

    models = {
        value
        for module in (records, *map(import_module, names))
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, BaseModel) and value is not BaseModel
    }

    assert {records.Study, records.Plan, records.Record} <= models
    assert [model.__name__ for model in models if not issubclass(model, Noun)] == []
    assert all(model.model_config["frozen"] and model.model_config["extra"] == "forbid" for model in models)
