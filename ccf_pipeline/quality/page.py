"""report.html: one file that needs no network, whose texts are data and never markup."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.quality.figures import Quality
from ccf_pipeline.quality.flips import DIRECTIONS
from ccf_pipeline.quality.graph_picture import graph_svg
from ccf_pipeline.quality.tables import bound_of, figure_rows, number, verdict_of
from ccf_pipeline.quality.visible import made_visible
from ccf_pipeline.records import FINDING_LABELS, Label, Record

MOST_PAIR_BYTES = 3_600_000  # the page stays below 5 MB, whatever the data set's size


def write_page(
    quality: Quality,
    graph: ConceptGraph,
    pairs: Iterable[Record],
    thumbnails: Mapping[str, bytes],
    *,
    notice: str,
    pairs_in_build: int,
) -> str:
    """The whole page.

    Args:
        pairs: rows to show, the most wanted first; as many as there is room for.
        thumbnails: small JPEGs, by the path of the film.
        notice: who may see the page.
    """
    data = {
        **_make_overview(quality),
        "notice": notice,
        "pairsInBuild": pairs_in_build,
        "pairs": _pick_pairs(pairs, thumbnails),
    }
    style, script = _read_part("page.css"), _read_part("page.js")
    page = _read_part("page.html")
    filled = {
        "@policy": _make_policy(style, script),
        "@style": style,
        "@graph": graph_svg(graph, quality.figures.relations),
        "@data": script_safe(data),
        "@script": script,
    }
    for marker, content in filled.items():
        page = page.replace(f"<!--{marker}-->", content, 1)
    return page


def script_safe(data: object) -> str:
    """JSON that a script element can hold: nothing in it can end the element, whatever the texts say."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _make_policy(style: str, script: str) -> str:
    """Only what this file holds itself may run or be shown, and nothing may be fetched or sent."""
    return (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@lru_cache(maxsize=8)
def _read_part(name: str) -> str:
    return resources.files(__package__).joinpath("page", name).read_text(encoding="utf-8")


# --- what the page shows ------------------------------------------------------------------------


def _make_overview(quality: Quality) -> dict[str, Any]:
    figures, yields = quality.figures, quality.figures.yields
    skipped = sum(entry.count for entry in yields.studies_skipped)
    return {
        "madeWith": {
            "graph": quality.made_with.graph,
            "graph digest": quality.made_with.graph_digest[:16],
            "ccf_pipeline": quality.made_with.code,
            "expert": quality.made_with.expert,
        },
        "samples": figures.samples.model_dump(),
        "funnel": [
            {"name": "studies read", "count": yields.studies_read, "unit": "studies"},
            {"name": "skipped", "count": skipped, "unit": "studies", "lost": True},
            {
                "name": "no eligible counterfactual",
                "count": yields.studies_without_target,
                "unit": "studies",
                "lost": True,
            },
            {"name": "studies planned", "count": yields.studies_planned, "unit": "studies"},
            {"name": "counterfactuals planned", "count": yields.planned, "unit": "rows"},
            {"name": "rejected", "count": yields.judged - yields.accepted.hits, "unit": "rows", "lost": True},
            {"name": "accepted", "count": yields.accepted.hits, "unit": "rows"},
        ],
        "reasons": [entry.model_dump() for entry in yields.reasons],
        "warnings": [entry.model_dump() for entry in yields.warnings],
        "gates": [
            {
                "name": gate.name,
                "value": number(gate.value),
                "bound": bound_of(gate),
                "verdict": verdict_of(gate),
                "why": gate.why,
            }
            for gate in quality.gates
        ],
        "figures": [list(row) for row in figure_rows(figures)],
        "flips": [
            {
                "judge": one.judge,
                "cells": [cell.model_dump() for cell in one.cells],
                "success": one.success.model_dump(),
            }
            for one in figures.flips
        ],
        "heat": [cell.model_dump() for cell in figures.balance.cells],
        "balance": [one.model_dump() for one in figures.balance.findings],
        "findings": list(FINDING_LABELS.values()),
        "directions": list(DIRECTIONS),
        "artefacts": [_describe_view(view.model_dump()) for view in figures.artefacts],
        "cost": {
            "tokens in": yields.tokens_in,
            "of them cached": yields.tokens_cached,
            "tokens out": yields.tokens_out,
            "per accepted row": number(yields.tokens_per_accepted),
            **{entry.reason: f"{entry.count} answers" for entry in yields.experts},
        },
        "attempts": [one.model_dump() for one in yields.attempts],
    }


def _describe_view(view: dict[str, Any]) -> dict[str, Any]:
    words = [{**word, "word": made_visible(word["word"])} for word in view["words"]]
    return {**view, "words": words}


def _pick_pairs(pairs: Iterable[Record], thumbnails: Mapping[str, bytes]) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    room = MOST_PAIR_BYTES
    for record in pairs:
        pair = _describe_pair(record, thumbnails)
        room -= len(script_safe(pair)) + 1
        if room < 0:
            break
        shown.append(pair)
    return sorted(
        shown, key=lambda pair: (not pair["accepted"], pair["target"], pair["direction"], pair["id"])
    )


def _show_film(thumbnail: bytes | None) -> str | None:
    return f"data:image/jpeg;base64,{base64.b64encode(thumbnail).decode()}" if thumbnail else None


def _describe_pair(record: Record, thumbnails: Mapping[str, bytes]) -> dict[str, Any]:
    film = record.matched_image
    return {
        "id": made_visible(record.record_id),
        "study": made_visible(record.study_id),
        "split": record.split,
        "view": record.view,
        "direction": record.direction,
        "target": record.target,
        "from": list(record.swap_from),
        "accepted": record.accepted,
        "chosen": made_visible(record.chosen_text or record.factual_text),
        "rejected": made_visible(record.counterfactual_text),
        "before": _list_labels(record.factual_labels),
        "after": _list_labels(record.counterfactual_labels),
        "problems": [
            {"code": problem.code, "level": problem.level, "message": made_visible(problem.message)}
            for problem in record.problems
        ],
        "why": made_visible(record.why),
        "scores": {
            "sentences kept": record.scores.sentences_kept,
            "words changed": record.scores.token_distance,
            "length": record.scores.length_ratio,
            "signs told": record.scores.supports_found,
        },
        "expert": made_visible(record.expert),
        "attempt": record.attempt,
        "image": _show_film(thumbnails.get(record.image_path or "")),
        "film": _show_film(thumbnails.get(film.path)) if film else None,
        "filmAgrees": ", ".join(film.agrees) if film else "",
    }


def _list_labels(labels: tuple[Label, ...]) -> dict[str, str]:
    return {label.finding: label.state for label in labels}
