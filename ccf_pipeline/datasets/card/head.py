"""The card's head: YAML by which the Hub shows and gates a data set, and `datasets` finds its files."""

from __future__ import annotations

from typing import Any

import yaml

from ccf_pipeline.datasets.card.contents import NAME, CardMatter
from ccf_pipeline.datasets.card.licences import licence_of

# The Hub's own words for how many rows there are.
SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)


def card_head(matter: CardMatter) -> str:
    """The head as YAML, without its dashes."""
    head: dict[str, Any] = {
        "pretty_name": NAME,
        **_choose_licence(matter),
        "language": ["en"],
        "annotations_creators": ["machine-generated"],
        "source_datasets": ["extended"],
        "task_categories": ["image-text-to-text", "visual-question-answering"],
        "size_categories": [size_category(matter.summary.accepted)],
        "tags": ["medical", "chest-x-ray", "radiology", "counterfactual", "preference", "dpo"],
        **_make_gate(matter),
        "configs": _list_configs(matter),
    }
    return yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=110)


def size_category(rows: int) -> str:
    """The Hub's category of a number of rows."""
    return next((name for most, name in SIZES if rows < most), "10M<n<100M")


def _choose_licence(matter: CardMatter) -> dict[str, str]:
    licence = licence_of(matter.terms)
    if licence.name is None:
        return {"license": licence.key}
    return {"license": licence.key, "license_name": licence.name, "license_link": "LICENSE.md"}


def _make_gate(matter: CardMatter) -> dict[str, Any]:
    """Return the questions that the Hub asks before access; none unless the source must be signed for."""
    if matter.terms.sensitivity != "credentialed":
        return {}
    return {
        "extra_gated_prompt": f"These rows are derived from {matter.terms.name}. You must hold its data use"
        " agreement in your own name, and may not pass them on.",
        "extra_gated_fields": {
            "Name": "text",
            "Institution": "text",
            "I have signed the data use agreement of the source": "checkbox",
            "I will not try to identify any patient and will not pass the rows on": "checkbox",
        },
        "extra_gated_button_content": "Ask for access",
    }


def _list_configs(matter: CardMatter) -> list[dict[str, Any]]:
    configs: list[dict[str, Any]] = []
    for config in matter.written.configs:
        files = matter.files_of(config.config)
        if files:
            suffix = next(iter(files.values()))[0].rpartition(".")[2]
            patterns = [
                {"split": split, "path": f"data/{config.config}/{split}-*.{suffix}"} for split in files
            ]
            configs.append({"config_name": config.config, "data_files": patterns})
    if configs:
        configs[0]["default"] = True
    return configs
