"""The README.md of a share: what this level holds, who may use it, how to make the rest again."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from ccf_pipeline.files.disk import write_text
from ccf_pipeline.records import CorpusTerms
from ccf_pipeline.sharing.folder import README
from ccf_pipeline.sharing.nouns import Recipe, ShareLevel

HOLDS: dict[ShareLevel, str] = {
    "L0": "Level L0, the recipe: ids, labels, scores, digests and the settings of the build. No text.",
    "L1": "Level L1, the delta: the recipe, and for every text how it is made from the source reports. New"
    " words are those that the writer of the counterfactuals chose; whatever a source report holds is named"
    " by its place in that report. It is of use only to those who hold the reports.",
    "L2": "Level L2, everything: factual and counterfactual texts.",
}
CROISSANT = "croissant.json"
_ON_PHYSIONET = (
    "**What derives from credentialed reports belongs on PhysioNet, under the same agreement.** This is"
    " PhysioNet's guidance; a delta holds no source text, which lowers the risk and does not clear it."
)
_LICENCE = {
    "mimic": ("physionet-credentialed-health-data-1.5.0", "https://physionet.org/about/licenses/"),
}


def write_share_card(folder: Path, recipe: Recipe, configs: dict[str, list[str]]) -> None:
    """Write README.md; its head tells the Hub which files make which config, and who may ask for access.

    Args:
        configs: the split names of every config that lies under data/.
    """
    head = {
        "pretty_name": f"CXR-CounterFact, level {recipe.level}",
        "language": ["en"],
        **_choose_licence(recipe.terms),
        "tags": ["chest-x-ray", "counterfactual", "preference"],
        **_make_gate_fields(recipe.terms),
        "configs": [
            {
                "config_name": config,
                "data_files": [
                    {"split": split, "path": f"data/{config}/{split}-*.parquet"} for split in splits
                ],
            }
            | ({"default": True} if number == 0 else {})
            for number, (config, splits) in enumerate(configs.items())
        ],
    }
    spoken = yaml.safe_dump(head, sort_keys=False, allow_unicode=True)
    write_text(folder / README, f"---\n{spoken}---\n\n{_write_card_body(recipe)}")


def drop_config(folder: Path, config: str) -> None:
    """Take a config out of the head of a card, so that nobody looks for files that were left out."""
    _, head, body = (folder / README).read_text(encoding="utf-8").split("---\n", 2)
    told = yaml.safe_load(head)
    told["configs"] = [one for one in told.get("configs", []) if one["config_name"] != config]
    spoken = yaml.safe_dump(told, sort_keys=False, allow_unicode=True)
    write_text(folder / README, f"---\n{spoken}---\n{body}")
    _drop_from_croissant(folder / CROISSANT, f"data/{config}/")


def _drop_from_croissant(file: Path, below: str) -> None:
    """Take what describes files that were left out from the description for machines."""
    if not file.is_file():
        return
    told = json.loads(file.read_text(encoding="utf-8"))
    for part in ("distribution", "recordSet"):
        told[part] = [one for one in told.get(part, []) if below not in json.dumps(one)]
    write_text(file, json.dumps(told, indent=1, ensure_ascii=False) + "\n")


def _write_card_body(recipe: Recipe) -> str:
    terms = recipe.terms
    is_credentialed = terms.sensitivity == "credentialed"
    lines = [
        f"# CXR-CounterFact, level {recipe.level}",
        "",
        HOLDS[recipe.level],
        "",
        *([_ON_PHYSIONET, ""] if is_credentialed else []),
        *([f"Shared by permission: {recipe.permission}", ""] if recipe.permission else []),
        f"Source: {terms.name}. {terms.terms}" + (f" Cite {terms.citation}." if terms.citation else ""),
        "",
        "Not for clinical use. The counterfactuals are written by a program.",
        "",
        f"{recipe.rows:,} pairs of {recipe.studies:,} studies, by the expert `{recipe.expert}`.",
        "",
    ]
    if recipe.level != "L2":
        lines += [
            "Make the texts again from your own copy of the source:",
            "",
            f"    ccf-build rehydrate THIS_FOLDER --corpus {_name_corpus_kind(recipe)}:PATH --out OUT",
            "",
            "Every row is compared with a keyed check value: a row whose report is another version is"
            " reported with its reason, and left out.",
            "",
        ]
    if recipe.level == "L0" and recipe.expert != "rules":
        lines += [
            f"The answers of `{recipe.expert}` are not in a recipe, so these texts cannot be made again from"
            " it alone; ask for level L1.",
            "",
        ]
    return "\n".join(lines)


def _name_corpus_kind(recipe: Recipe) -> str:
    return recipe.terms.kind.replace("_", "-")


def _choose_licence(terms: CorpusTerms) -> dict[str, str]:
    name, link = _LICENCE.get(terms.kind, ("see-the-source", ""))
    return {"license": "other", "license_name": name} | ({"license_link": link} if link else {})


def _make_gate_fields(terms: CorpusTerms) -> dict[str, object]:
    if terms.sensitivity == "open":
        return {}
    return {
        "extra_gated_prompt": f"Access is for those who may use {terms.name} themselves.",
        "extra_gated_fields": {
            "I have signed the data use agreement of the source and will keep to it": "checkbox",
        },
    }
