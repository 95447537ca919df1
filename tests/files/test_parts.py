"""What the core is made of can be listed, and nothing in it is under the GPL."""

from __future__ import annotations

import pytest

from ccf_pipeline.files.parts import Part, list_core_parts, make_sbom


def test_the_core_holds_nothing_under_the_gpl() -> None:
    parts = list_core_parts()

    names = {part.name.lower() for part in parts}
    assert {"pyarrow", "pydantic", "prefect", "typing_extensions"} <= names
    assert names.isdisjoint({"torch", "matplotlib", "moto", "pytest"})
    assert [part.name for part in parts if part.is_strong_copyleft] == []
    assert [part.name for part in parts if part.licence == "not told"] == []


@pytest.mark.parametrize(
    ("licence", "is_strong"),
    [
        ("GPL-3.0-only", True),
        ("GNU General Public License v3 (GPLv3)", True),
        ("AGPL-3.0", True),
        ("GNU Affero General Public License", True),
        ("LGPL-2.1-or-later", False),
        ("GNU Lesser General Public License v2 (LGPLv2)", False),
        ("MIT", False),
        ("MIT AND GPL-2.0", True),
        ("MIT OR GPL-2.0", False),
        ("Artistic License / GNU General Public License (GPL)", False),
    ],
)
def test_strong_copyleft_is_known_by_its_name(licence: str, is_strong: bool) -> None:
    assert Part("a", "1", licence).is_strong_copyleft == is_strong


def test_the_sbom_names_every_part_with_version_and_licence() -> None:
    sbom = make_sbom()

    assert (sbom["bomFormat"], sbom["specVersion"]) == ("CycloneDX", "1.5")
    assert len(sbom["components"]) == len(list_core_parts())
    for part in sbom["components"]:
        assert part["purl"].startswith("pkg:pypi/")
        assert part["purl"].endswith(f"@{part['version']}")
        assert part["licenses"][0]["license"]["name"]
