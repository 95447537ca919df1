"""Check values and seals that say to a holder of the corpus what is right, and nothing to anybody else.

A bare hash of a short report confirms a guess. Here every check value is keyed, and the key is made of the
reports themselves: it opens for whoever has all reports of one slip. A guess would have to be right about
all of them at once.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence

from ccf_pipeline.sharing.nouns import Slip

REPORTS_PER_SLIP = 32
"""Distinct reports that seal a slip, at least: at six bits of the commonest one, 192 bits."""

MOST_SLIPS = 128
"""Enough that one opens while a tenth of the reports were edited."""

_CHECK_LETTERS = 16
_SEAL_STEP = 64
_SCRYPT = {"n": 1 << 14, "r": 8, "p": 1, "dklen": 32}


def make_key(texts: Mapping[str, str]) -> bytes:
    """The key of a share, made of all its reports by study id: the same reports give the same key."""
    whole = hashlib.sha256(b"ccf-pipeline share key 1")
    for study_id in sorted(texts):
        whole.update(_encode_with_length(study_id) + _encode_with_length(texts[study_id]))
    return whole.digest()


def check_value(key: bytes, kind: str, *parts: str) -> str:
    """Sixty-four bits that only the holder of the key can make or compare."""
    message = b"".join(map(_encode_with_length, (kind, *parts)))
    return hmac.new(key, message, hashlib.sha256).hexdigest()[:_CHECK_LETTERS]


def seal(key: bytes, kind: str, plain: str) -> str:
    """Close a text so that only the holder of the key can read it; equal texts give equal seals.

    The tag is made of the text and starts the pad, so that no pad serves two texts. The length is told in
    steps only.
    """
    raw = plain.encode("utf-8", errors="surrogatepass")
    raw += b" " * (-len(raw) % _SEAL_STEP)
    tag = hmac.new(key, _encode_with_length(f"seal {kind}") + raw, hashlib.sha256).digest()[:16]
    return (tag + _cover(key, tag, raw)).hex()


def unseal(key: bytes, kind: str, sealed: str) -> str | None:
    """Return the text of a seal; None where the key or the kind is another one, or it was damaged."""
    try:
        whole = bytes.fromhex(sealed)
    except ValueError:
        return None
    tag, raw = whole[:16], _cover(key, whole[:16], whole[16:])
    made = hmac.new(key, _encode_with_length(f"seal {kind}") + raw, hashlib.sha256).digest()[:16]
    # In constant time: how far a wrong tag agrees must not be told by how long the comparison takes.
    return raw.decode("utf-8", errors="surrogatepass") if hmac.compare_digest(made, tag) else None


def _cover(key: bytes, tag: bytes, raw: bytes) -> bytes:
    """Add a pad made of key and tag; adding it twice takes it away."""
    pad = hashlib.shake_256(b"ccf-pipeline seal 1" + key + tag).digest(len(raw))
    return bytes(a ^ b for a, b in zip(raw, pad, strict=True))


def write_slips(key: bytes, texts: Mapping[str, str]) -> tuple[Slip, ...]:
    """The key sealed with the reports of several groups of studies, each of them enough to open it."""
    groups = _split_groups(texts)
    step = max(1, -(-len(groups) // MOST_SLIPS))
    return tuple(
        Slip(study_ids=tuple(group), sealed=_seal_key(key, [texts[study_id] for study_id in group]).hex())
        for group in groups[::step]
    )


def open_key(slips: Sequence[Slip], key_check: str, texts: Mapping[str, str]) -> bytes | None:
    """The key, from the first slip whose reports are all as they were; None where there is no such slip."""
    for slip in slips:
        if not all(study_id in texts for study_id in slip.study_ids):
            continue
        key = _seal_key(bytes.fromhex(slip.sealed), [texts[study_id] for study_id in slip.study_ids])
        if hmac.compare_digest(check_value(key, "key"), key_check):
            return key
    return None


def seals_well(texts: Mapping[str, str]) -> bool:
    """True if there are enough distinct reports for a guess to be hopeless."""
    return len(set(texts.values())) >= REPORTS_PER_SLIP


def _split_groups(texts: Mapping[str, str]) -> list[list[str]]:
    """All studies in the order of their ids, so many at a time that the distinct texts of each suffice.

    Groups are all of one size and leave nobody out: who is skipped for having a neighbour's text would be
    known to have a common one.
    """
    ids = sorted(texts)
    for size in range(REPORTS_PER_SLIP, len(ids) // 2 + 1):
        groups = [ids[at : at + size] for at in range(0, len(ids) - size + 1, size)]
        if all(len({texts[study_id] for study_id in group}) >= REPORTS_PER_SLIP for group in groups):
            return groups
    return [ids]


def _seal_key(key: bytes, texts: Sequence[str]) -> bytes:
    """The key under a pad made of the texts; sealing twice opens."""
    joined = hashlib.sha256(b"".join(map(_encode_with_length, texts))).digest()
    # scrypt and not a plain hash: a guess of all reports of a slip has to be slow to try.
    pad = hashlib.scrypt(joined, salt=b"ccf-pipeline slip 1", **_SCRYPT)
    return bytes(a ^ b for a, b in zip(key, pad, strict=True))


def _encode_with_length(text: str) -> bytes:
    """With its length before it, so that no two lists of texts look the same."""
    raw = text.encode("utf-8", errors="surrogatepass")
    return len(raw).to_bytes(8, "big") + raw
