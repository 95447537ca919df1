"""Files that were made to crash, hang or burst whoever reads them, and the commands that read them.

    python -m tests.hostile_files GROUP

prints one line of JSON for each: its name, the exit code, what was told, the seconds; then the memory.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import re
import resource
import signal
import stat
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

DEEP = 100_000
PAIR = {"id": "1", "factual": "No effusion.", "candidate": "Small effusion.", "target": "Pleural Effusion"}
REPORT = {"study_id": "1", "text": "FINDINGS: No effusion."}
SECONDS = 60

Make = Callable[[Path], Path]
"""Makes the file in an empty folder and says what the command is to read."""


def text(name: str, content: str | bytes) -> Make:
    def make(folder: Path) -> Path:
        raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
        (folder / name).write_bytes(raw)
        return folder / name

    return make


def pipe(name: str) -> Make:
    def make(folder: Path) -> Path:
        os.mkfifo(folder / name)
        return folder / name

    return make


def link(name: str, there: str) -> Make:
    def make(folder: Path) -> Path:
        (folder / name).symlink_to(there)
        return folder / name

    return make


def folder_with(*makers: Make) -> Make:
    def make(folder: Path) -> Path:
        for one in makers:
            one(folder)
        return folder

    return make


def below(inside: str, maker: Make) -> Make:
    def make(folder: Path) -> Path:
        (folder / inside).mkdir(parents=True)
        maker(folder / inside)
        return folder

    return make


def archive(members: dict[str, bytes], links: dict[str, str] | None = None, name: str = "r.zip") -> Make:
    def make(folder: Path) -> Path:
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as packed:
            for member, content in members.items():
                packed.writestr(member, content)
            for member, there in (links or {}).items():
                entry = zipfile.ZipInfo(member)
                entry.external_attr = (stat.S_IFLNK | 0o777) << 16
                packed.writestr(entry, there)
        return folder / name

    return make


def packed(name: str, megabytes: int) -> Make:
    """A table that unpacks to so much."""

    def make(folder: Path) -> Path:
        with gzip.open(folder / name, "wb") as file:
            file.write(b"study_id,text\n")
            for _ in range(megabytes):
                file.write(b"0" * 1_000_000)
        return folder / name

    return make


def tar(member: tarfile.TarInfo, content: bytes = b"") -> Make:
    def make(folder: Path) -> Path:
        member.size = len(content)
        with tarfile.open(folder / "NLMCXR_reports.tgz", "w:gz") as packed:
            packed.addfile(member, io.BytesIO(content))
        return folder

    return make


def tar_member(name: str, kind: bytes = tarfile.REGTYPE, there: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, there
    return member


def line(**fields: object) -> str:
    return json.dumps({**REPORT, **fields}) + "\n"


BOMB = "\n".join(
    ["a: &a [x,x,x,x,x,x,x,x,x]"]
    + [
        f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]"
        for old, new in zip("abcdefghi", "bcdefghij", strict=True)
    ]
)
PATIENT = "files/p10/p10000032"
XML = b"<eCitation><uId id='CXR1'/>%s</eCitation>"

SETTINGS = {
    "deep lists": text("build.toml", f"a = {'[' * DEEP}{']' * DEEP}"),
    "deep tables": text("build.toml", f"[{'.'.join(['a'] * DEEP)}]"),
    "deep keys": text("build.toml", f"{'.'.join(['a'] * DEEP)} = 1"),
    "a number without end": text("build.toml", f"a = {'9' * DEEP}"),
    "no text": text("build.toml", bytes(range(256))),
    "half a letter": text("build.toml", 'out = "\\ud800"'),
    "a folder": below("build.toml", text("x", "")),
}
GRAPHS = {
    "aliases that multiply": text("g.yaml", BOMB),
    "deep lists": text("g.yaml", f"name: {'[' * DEEP}{']' * DEEP}"),
    "deep lists that quotes hide": text("g.yaml", "name: " + '[ "]", ' * DEEP),
    "deep blocks": text("g.yaml", "- " * DEEP + "a"),
    "deep maps": text("g.yaml", "{a: " * DEEP + "}" * DEEP),
    "deep by indents": text("g.yaml", "\n".join(" " * n + "a:" for n in range(2000))),
    "a block that holds itself": text("g.yaml", "name: &a [*a]"),
    "many aliases": text("g.yaml", "name: &a x\nconcepts: [" + "*a," * 1_000 + "]"),
    "merges": text("g.yaml", "a: &a {b: c}\nname:\n" + "  <<: *a\n" * 1_000),
    "a tag that makes": text("g.yaml", "name: !!python/object/apply:os.system [id]"),
    "a long line": text("g.yaml", f"name: {'x' * 5_000_000}"),
    "no text": text("g.yaml", bytes(range(256))),
    "zeros": text("g.yaml", b"\0" * 1000),
}
PAIRS = {
    "deep JSON": text("p.jsonl", f"{'[' * DEEP}{']' * DEEP}"),
    "deep objects": text("p.json", '{"a":' * DEEP + "1" + "}" * DEEP),
    "depth inside a row": text(
        "p.jsonl", json.dumps({**PAIR, "x": 1})[:-1] + f', "y": {"[" * 900}{"]" * 900}}}'
    ),
    "a number without end": text("p.jsonl", '{"id": ' + "9" * DEEP + "}"),
    "half a letter": text("p.jsonl", json.dumps({**PAIR, "id": "a\ud800", "candidate": "b\udfff."})),
    "control letters": text("p.jsonl", json.dumps({**PAIR, "candidate": "Small\x00\x1b[2J effusion.\u202e"})),
    "endless infinity": text("p.jsonl", '{"id": Infinity, "factual": NaN}'),
    "a key twice": text("p.jsonl", '{"id": "1", "id": "2", "factual": "a", "factual": "b"}'),
    "a list in a field": text("p.jsonl", json.dumps({**PAIR, "factual": [["a"]]})),
    "a formula": text("p.csv", "id,factual,candidate,target\n=1+1,No effusion.,Small effusion.,x\n"),
    "a cell without end": text("p.csv", "id,factual\n1," + '"' + "a," * 2_000_000),
    "zeros in a table": text("p.csv", b"id,factual\n\0,\0\n"),
    "no Parquet": text("p.parquet", b"PAR1" + bytes(range(256)) + b"PAR1"),
    "a Parquet of lies": text("p.parquet", b"PAR1" + b"\xff" * 100 + b"\xff\xff\xff\x7fPAR1"),
    "no text": text("p.jsonl", bytes(range(256))),
    "nothing": text("p.jsonl", ""),
    "a sentence of two megabytes": text("p.jsonl", json.dumps({**PAIR, "candidate": "effusion " * 20_000})),
}
CORPORA = {
    "table: a pipe": pipe("r.jsonl"),
    "table: a pipe beside": folder_with(pipe("a.jsonl"), text("r.jsonl", line())),
    "table: a device": link("r.jsonl", "/dev/zero"),
    "table: a device beside": folder_with(link("a.csv", "/dev/zero"), text("r.jsonl", line())),
    "table: a pipe as Parquet": folder_with(pipe("a.parquet"), text("r.jsonl", line())),
    "table: a link to itself": link("r.jsonl", "r.jsonl"),
    "table: a link to nowhere": link("r.jsonl", "nowhere"),
    "table: deep JSON": text("r.jsonl", f"{'[' * DEEP}{']' * DEEP}\n{line()}"),
    "table: half a letter": text("r.jsonl", line(text="No effu\ud800sion.", subject_id="\udfff")),
    "table: half a letter as an id": text("r.jsonl", line(study_id="\ud800")),
    "table: an id that climbs": text("r.jsonl", line(study_id="../../etc/passwd")),
    "table: an image that climbs": text("r.jsonl", line(image="../../../etc/passwd", view="PA")),
    "table: a bomb": packed("r.csv.gz", 300),
    "table: a broken stream": text("r.csv.gz", gzip.compress(b"study_id,text\n1,a\n" * 9)[:-9]),
    "table: no text": text("r.csv", bytes(range(256))),
    "mimic: a pipe": below(PATIENT, pipe("s50000001.txt")),
    "mimic: a link that leads out": below(PATIENT, link("s50000001.txt", "/etc/passwd")),
    "mimic: a device": below(PATIENT, link("s50000001.txt", "/dev/zero")),
    "mimic: a folder for a file": below(f"{PATIENT}/s50000001.txt", text("x", "")),
    "mimic: links in an archive": archive({}, {f"{PATIENT}/s50000001.txt": "/etc/passwd"}),
    "mimic: names that climb": archive({f"../{PATIENT}/s50000001.txt": b"FINDINGS: Clear."}),
    "mimic: a bomb in an archive": archive({f"{PATIENT}/s50000001.txt": b"0" * 50_000_000}),
    "mimic: no archive": text("r.zip", b"PK\x03\x04" + bytes(range(256))),
    "openi: entities that multiply": folder_with(
        text("1.xml", b"<!DOCTYPE a [<!ENTITY b 'x'><!ENTITY c '&b;&b;&b;'>]>" + XML % b"&c;")
    ),
    "openi: deep XML": folder_with(text("1.xml", b"<a>" * DEEP + b"</a>" * DEEP)),
    "openi: a link in an archive": tar(tar_member("1.xml", tarfile.SYMTYPE, "/etc/passwd")),
    "openi: a device in an archive": tar(tar_member("1.xml", tarfile.CHRTYPE)),
    "openi: a name that climbs": tar(tar_member("../1.xml"), XML % b""),
    "openi: a pipe": folder_with(pipe("1.xml")),
}
GROUPS: dict[str, dict[str, Make]] = {
    "settings": SETTINGS,
    "graphs": GRAPHS,
    "pairs": PAIRS,
    "corpora": CORPORA,
}


def command_for(group: str, name: str, path: Path, out: Path) -> list[str]:
    if group == "settings":
        return ["plan", "--config", str(path / "build.toml" if path.is_dir() else path)]
    if group == "graphs":
        return ["graph", "lint", str(path)]
    if group == "pairs":
        return ["check", str(path), "--out", str(out / "verdicts.jsonl")]
    kind = name.partition(":")[0]
    words = ["ingest", "--corpus", f"{kind}:{path}", "--out", str(out / "studies")]
    return [*words, "--allow-missing-tables"] if kind == "mimic" else words


def run(group: str) -> Iterator[dict[str, object]]:
    from ccf_pipeline.cli.app import run_command

    for name, make in GROUPS[group].items():
        with tempfile.TemporaryDirectory() as place:
            folder, out = Path(place, "in"), Path(place, "out")
            folder.mkdir()
            words = command_for(group, name, make(folder), out)
            told, begun = io.StringIO(), time.monotonic()
            signal.alarm(SECONDS)
            with contextlib.redirect_stderr(told), contextlib.redirect_stdout(io.StringIO()):
                code = run_command(words)
            signal.alarm(0)
            seconds = round(time.monotonic() - begun, 1)
            yield {"name": name, "code": code, "told": told.getvalue(), "seconds": seconds}


def _most_megabytes() -> int:
    """The most memory that this program ever held.

    What getrusage tells begins, under Linux, with what the process held that started this one.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    (peak,) = re.findall(r"^VmHWM:\s+(\d+) kB$", status.read_text(encoding="ascii"), re.MULTILINE)
    return int(peak) // 1024


if __name__ == "__main__":
    for found in run(sys.argv[1]):
        print(json.dumps(found), flush=True)
    print(json.dumps({"megabytes": _most_megabytes()}))
