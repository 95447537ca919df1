"""croissant.json: the data set in MLCommons' Croissant, for catalogues and loaders that speak it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from ccf_pipeline.datasets.card.contents import NAME, CardMatter
from ccf_pipeline.datasets.card.licences import licence_of
from ccf_pipeline.datasets.formats import Export, all_exports
from ccf_pipeline.files.disk import file_digest

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
MEDIA_TYPES = {
    "parquet": "application/x-parquet",
    "csv": "text/csv",
    "json": "application/json",
    "jsonl": "application/jsonlines",
}


def croissant_text(matter: CardMatter) -> str:
    """The metadata as JSON-LD.

    Every file is named with its digest. Record sets are given for the configs that hold plain columns; the
    conversations and images of the others are nested deeper than Croissant's fields go.
    """
    exports = {export.config: export for export in all_exports()}
    files = {
        one.config: [path for paths in matter.files_of(one.config).values() for path in paths]
        for one in matter.written.configs
    }
    licence = licence_of(matter.terms)
    said = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": NAME,
        "description": "Pairs of chest X-ray reports, factual and counterfactual, as preference data.",
        "version": matter.chosen.version,
        "license": licence.link or licence.title,
        "citeAs": matter.terms.citation or matter.terms.name,
        "creator": {"@type": "sc:Organization", "name": "whoever ran ccf_pipeline"},
        "keywords": ["chest x-ray", "counterfactual", "preference data"],
        "isAccessibleForFree": matter.terms.sensitivity == "open",
        "distribution": [
            _describe_file(matter.written.folder, path) for paths in files.values() for path in paths
        ],
        "recordSet": [
            _record_set(exports[config], path)
            for config, paths in files.items()
            for path in paths
            if path.endswith(".parquet") and not exports[config].shows_images
        ],
    }
    return json.dumps(said, indent=1, ensure_ascii=False) + "\n"


def _describe_file(folder: Path, path: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": path,
        "name": path,
        "contentUrl": path,
        "encodingFormat": MEDIA_TYPES[path.rpartition(".")[2]],
        "sha256": file_digest(folder / path),
    }


def _record_set(export: Export, path: str) -> dict[str, Any]:
    name = Path(path).name.rpartition("-of-")[0]
    return {
        "@type": "cr:RecordSet",
        "@id": f"{export.config}/{name}",
        "name": f"{export.config}/{name}",
        "description": export.purpose,
        "field": [
            _describe_field(f"{export.config}/{name}/{column.name}", column, path)
            for column in export.schema
            if _choose_data_type(column.type) is not None
        ],
    }


def _describe_field(name: str, column: pa.Field, path: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": name,
        "name": name,
        "dataType": _choose_data_type(column.type),
        "source": {"fileObject": {"@id": path}, "extract": {"column": column.name}},
    }


def _choose_data_type(kind: pa.DataType) -> str | None:
    """Croissant's word for a plain column; None for one that is nested."""
    if pa.types.is_string(kind):
        return "sc:Text"
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_integer(kind):
        return "sc:Integer"
    return "sc:Float" if pa.types.is_floating(kind) else None
