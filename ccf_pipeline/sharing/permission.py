"""Decide what the terms of a source let leave, at which level, and with whose permission."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ccf_pipeline.errors import SharingRefused
from ccf_pipeline.files.hostile import open_file
from ccf_pipeline.records import CorpusTerms
from ccf_pipeline.sharing.nouns import ShareLevel
from ccf_pipeline.sharing.physionet import HOSTED_THERE, is_ext_name

SUBMISSION_NAME = {"mimic": "MIMIC-Ext-CXR-CounterFact", "demo": "Demo-Ext-CXR-CounterFact"}


def refuse_texts(level: ShareLevel, terms: CorpusTerms, permission: str) -> None:
    """Some terms let nothing leave that was made from the texts, not even in pieces; a recipe holds none."""
    if level == "L0" or terms.adaptations_may_be_shared or permission:
        return
    raise SharingRefused(
        f"level {level} holds what was made from the texts of {terms.name}, which may not be shared:"
        f" {terms.terms}",
        hint="Share level L0, which holds no text, or name the owner's written permission with --permission.",
    )


def refuse_texts_on_the_hub(level: ShareLevel, terms: CorpusTerms, permission: str) -> None:
    """Whole texts of credentialed reports stay off the Hub, whatever the repository's settings are."""
    if level == "L2" and terms.sensitivity == "credentialed" and not permission:
        raise SharingRefused(
            f"level L2 holds the texts of {terms.name}, which may not go to the Hub",
            hint="Push level L0 or L1, make a submission with `ccf-build share --physionet`, or name the"
            " owner's written permission with --permission.",
        )


def refuse_name(repository: str) -> None:
    """A repository must not pass for MIMIC itself."""
    name = repository.rpartition("/")[2]
    if "mimic" in name.lower() and not is_ext_name(name):
        raise SharingRefused(
            f"`{name}` reads as if it were MIMIC itself",
            hint="PhysioNet asks for `Ext` in such a name, as in MIMIC-Ext-CXR-CounterFact.",
        )


def refuse_submission(name: str, level: ShareLevel, terms: CorpusTerms) -> None:
    """A submission is whole, says that it extends, and derives from what PhysioNet hosts."""
    if level != "L2":
        raise SharingRefused(
            "a PhysioNet submission holds everything", hint="Give --level L2 with --physionet."
        )
    if not is_ext_name(name):
        raise SharingRefused(
            f"`{name}` does not say that it extends another data set",
            hint=f"PhysioNet asks for `Ext` in the name, as in {SUBMISSION_NAME['mimic']}.",
        )
    if terms.kind not in HOSTED_THERE:
        raise SharingRefused(
            f"{terms.name} is not hosted by PhysioNet; what derives from it goes where its own terms say"
        )


def read_permission(permission: str | Path | None) -> str:
    """The reference as the card will tell it: the name of the file that holds it, and its digest."""
    if permission is None:
        return ""
    path = Path(permission)
    try:
        with open_file(path) as file:
            letter = file.read()
    except (OSError, ValueError):
        letter = b""
    if not letter.strip():
        raise SharingRefused(
            "--permission is no file that holds a permission",
            hint="Name the owner's letter or message, kept as a file; its name and digest go on the card.",
        )
    return f"{path.name}, sha256 {hashlib.sha256(letter).hexdigest()}"
