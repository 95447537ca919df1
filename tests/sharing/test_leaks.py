"""What may not leave is found by kind and place, and its text is never repeated."""

from __future__ import annotations

import base64

import pytest

from ccf_pipeline.sharing.delta.leaks import (
    IDENTIFYING,
    MACHINE_PATH,
    REPORT_TEXT,
    SECRET,
    LeakScan,
    Told,
    identifiers,
)

REPORT = "FINDINGS: Small left pleural effusion, seen by Dr. Marsh on 3/4/2019. No pneumothorax."


def kinds(text: str, **options: frozenset[str]) -> list[str]:
    scan = LeakScan(ids=options.get("ids", frozenset()), known=options.get("known", frozenset()))
    scan.take([Told("a.json", "here", text)])
    scan.compare([REPORT])
    return [leak.kind for leak in scan.report().leaks]


@pytest.mark.parametrize(
    "secret",
    [
        "hf_" + "abcdEFGH" * 4,
        "sk-" + "proj-abcdEFGH1234abcd",
        "AKIA" + "ABCDEFGH12345678",
        "ghp_" + "a1" * 18,
        "Bearer " + "abcd1234" * 4,
        "-----BEGIN RSA " + "PRIVATE KEY-----",
        "https://user:" + "pass@example.org/",
        'api_key = "' + "abcdefgh12" + '"',
    ],
)
def test_keys_are_found(secret: str) -> None:
    assert SECRET in kinds(f"see {secret} here")


@pytest.mark.parametrize(
    "path",
    [
        "/home/ada/mimic",
        "/data",
        "~/mimic/files",
        "C:\\Users\\ada",
        r"\\server\share",
        "file:///x",
        "/mnt/a/b.csv",
    ],
)
def test_paths_are_found(path: str) -> None:
    assert kinds(f"read from {path}") == [MACHINE_PATH]


@pytest.mark.parametrize(
    "told",
    [
        "Dr. Marsh agrees",
        "seen on 12/03/2011",
        "call 555-123-4567",
        "MRN 4711",
        "a 64-year-old",
        "record 12345678",
        "at Mercy Hospital",
    ],
)
def test_persons_are_found(told: str) -> None:
    assert kinds(told) == [IDENTIFYING]


@pytest.mark.parametrize(
    "harmless",
    [
        "https://physionet.org/about/licenses/",
        "data/ccf/train-00000-of-00001.parquet",
        "Moderate right pleural effusion with and/or without atelectasis.",
        "0123456789012345",
        "ccf-build rehydrate FOLDER --corpus mimic:PATH",
        "12,345 pairs",
    ],
)
def test_what_is_no_leak_is_let_through(harmless: str) -> None:
    assert kinds(harmless) == []


def test_words_of_a_report_are_found_whatever_their_case_and_commas() -> None:
    assert kinds("The SMALL LEFT, pleural-effusion is new") == [REPORT_TEXT]
    assert kinds("Small left pleural thickening") == []


LEAKED = "Small left pleural effusion, seen by"
SPELLINGS = {
    "as it is": LEAKED,
    "other case": LEAKED.swapcase(),
    "plurals": "small left pleural effusions seen",
    "hyphens for spaces": "small-left-pleural-effusion",
    "hyphens in words": "sm-all le-ft pleu-ral effu-sion",
    "soft hyphens": "small left pleu\u00adral effu\u00adsion",
    "zero width": "sm\u200ball le\u200dft pleural eff\ufeffusion",
    "zero width for spaces": "small\u200bleft\u200bpleural\u200beffusion",
    "full width": "ｓｍａｌｌ　ｌｅｆｔ　ｐｌｅｕｒａｌ　ｅｆｆｕｓｉｏｎ",
    "homoglyphs": "smаll lеft рleural еffusiоn",
    "mathematical letters": "𝐬𝐦𝐚𝐥𝐥 𝐥𝐞𝐟𝐭 𝐩𝐥𝐞𝐮𝐫𝐚𝐥 𝐞𝐟𝐟𝐮𝐬𝐢𝐨𝐧",
    "accents": "smäll lëft plêural éffusion",
    "spaced letters": " ".join("smalllefteffusion".replace("left", "leftpleural")),
    "no spaces": "smallleftpleuraleffusion",
    "humps": "SmallLeftPleuralEffusion",
    "underscores": "small_left_pleural_effusion",
    "lines": "small\nleft\npleural\neffusion",
    "marks": "small | left | pleural | effusion",
    "reversed": LEAKED[::-1],
    "base64": base64.b64encode(LEAKED.encode()).decode(),
    "base64 for addresses": base64.urlsafe_b64encode(LEAKED.encode()).decode().rstrip("="),
    "hexadecimal": f"0{LEAKED.encode().hex().upper()}"[1:],
    "percent": "".join(f"%{byte:02x}" for byte in LEAKED.encode()),
    "entities": "".join(f"&#{ord(letter)};" for letter in LEAKED),
    "escapes": "".join(f"\\u{ord(letter):04x}" for letter in LEAKED),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_words_of_a_report_are_found_in_every_spelling(spelling: str) -> None:
    assert REPORT_TEXT in kinds(SPELLINGS[spelling])


def test_three_words_are_found_where_rows_stand_and_one_is_rare() -> None:
    def found(file: str, text: str) -> list[str]:
        scan = LeakScan(ids=frozenset())
        scan.take([Told(file, "here", text)])
        scan.compare(["A small zebraline nodule. No pleural effusion."])
        return [leak.kind for leak in scan.report().leaks]

    assert found("data/a.parquet", "with small zebraline nodules") == [REPORT_TEXT]
    assert found("data/a.parquet", "with no pleural effusion") == []
    assert found("README.md", "with small zebraline nodules") == []


def test_ids_of_the_corpus_are_no_persons_numbers() -> None:
    assert kinds("10000032", ids=frozenset({"10000032"})) == []
    assert kinds("files/p10/10000032.jpg", ids=frozenset({"10000032"})) == []
    assert kinds("/home/ada/10000032.jpg", ids=frozenset({"10000032"})) == [MACHINE_PATH]
    assert kinds("10000032, as before", ids=frozenset({"10000032"})) == [IDENTIFYING]


def test_where_reports_are_shared_their_own_identifiers_are_known() -> None:
    assert kinds("Dr. Marsh", known=identifiers(REPORT)) == []
    assert kinds("Dr. Stone", known=identifiers(REPORT)) == [IDENTIFYING]


def test_a_leak_is_told_without_its_text() -> None:
    scan = LeakScan(ids=frozenset())
    scan.take([Told("a.json", "row", "Dr. Marsh saw a small left pleural effusion at /home/ada/x")])
    scan.compare([REPORT])

    told = scan.report().model_dump_json()

    assert "Marsh" not in told
    assert "effusion" not in told
    assert "ada" not in told
