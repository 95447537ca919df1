"""Whole builds against a network and servers that fail: no row lost, none twice, the same bytes."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ccf_pipeline.engine.ask import Tally
from ccf_pipeline.engine.audit_log import verify_audit
from ccf_pipeline.engine.verify import build_status
from ccf_pipeline.errors import CcfError, EndpointRefused, ExpertError, Unfinished
from ccf_pipeline.settings import PriceSettings
from tests.bad_server import Act, BadServer, Decide, misbehaving, shout, sometimes
from tests.chat_client import expert_at, question
from tests.faults.conftest import QUICK, Bench, built, kept, rows


def each(count: int, act: Act) -> Decide:
    return lambda number, body: act if number % count == 0 else None


NETWORK: dict[str, Decide] = {
    "N01 every tenth 429": each(10, Act(status=429)),
    "N01 429 with seconds": each(5, Act(status=429, headers={"Retry-After": "1"})),
    "N01 429 absurd": each(9, Act(status=429, headers={"Retry-After": "86400"})),
    "N01 429 negative": each(5, Act(status=429, headers={"Retry-After": "-3"})),
    "N01 429 with a date": each(7, Act(status=429, headers={"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"})),
    "N02 a third 500": sometimes(0.3, lambda: Act(status=500)),
    "N02 a third 503": sometimes(0.3, lambda: Act(status=503)),
    "N02 a third 529": sometimes(0.3, lambda: Act(status=529)),
    "N02 anything": sometimes(0.4, lambda: Act(status=random.choice([500, 502, 503, 504, 529]))),
    "N04 cut": sometimes(0.3, lambda: Act(cut_after=random.randrange(0, 400))),
    "N06 jitter": lambda number, body: Act(delay_seconds=random.random() * 0.1),
    "R02 html": sometimes(0.2, lambda: Act(body=b"<html>Service</html>")),
    "R02 noise": sometimes(0.2, lambda: Act(body=random.randbytes(300))),
    "R09 deep": each(6, Act(body=b"[" * 50_000)),
}


@pytest.mark.slow
@pytest.mark.shows(
    "a server is busy, slow, cut or talks nonsense",
    "asked again; the same bytes",
)
@pytest.mark.parametrize("fault", NETWORK)
def test_a_build_through_faults_is_the_undisturbed_one(
    fault: str, bench: Bench, server: BadServer, undisturbed: Path, tmp_path: Path
) -> None:
    server.decide = NETWORK[fault]

    bench.build(tmp_path / "build", server)

    assert built(tmp_path / "build") == built(undisturbed)
    assert len(rows(tmp_path / "build")) == len(rows(undisturbed))


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(50))
def test_any_mixture_of_faults_changes_no_byte(
    seed: int, bench: Bench, server: BadServer, undisturbed: Path, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    acts = [
        Act(status=429), Act(status=429, headers={"Retry-After": str(chance.random())}), Act(status=500),
        Act(status=503), Act(cut_after=chance.randrange(500)), Act(delay_seconds=chance.random() * 0.2),
        Act(body=b""), Act(raw=chance.randbytes(50)), Act(body=chance.randbytes(200)),
    ]  # fmt: skip
    server.decide = lambda number, body: chance.choice(acts) if chance.random() < 0.35 else None

    bench.build(tmp_path / "build", server, patience=replace(QUICK, attempts=40))

    assert built(tmp_path / "build") == built(undisturbed)


@pytest.mark.faults
def test_a_reply_cut_after_every_byte_is_never_taken_for_whole(bench: Bench, server: BadServer) -> None:
    """N04: for every k of three replies."""
    server.answer = shout
    for number in (0, 10, 100):
        head = len(b"HTTP/1.1 200 Whatever\r\nContent-Type: application/json\r\nContent-Length: 330\r\n\r\n")
        whole = head + len(server.completion({"messages": [{"content": f"report {number}"}]}, Act()))
        for cut in range(whole - 1):
            server.requests.clear()
            server.decide = lambda asked, body, cut=cut: Act(cut_after=cut) if asked == 1 else None  # type: ignore[misc]
            [[answer]] = expert_at(server).answer_questions([question(number)])
            assert (answer.text, len(server.requests)) == (f"REPORT {number}", 2), cut


def test_an_endpoint_that_dies_and_returns_changes_no_byte(
    bench: Bench, server: BadServer, undisturbed: Path, tmp_path: Path
) -> None:
    """N03."""
    server.decide = lambda number, body: Act(delay_seconds=0.02)
    stopped: list[threading.Timer] = []

    def watch(tally: Tally) -> None:
        if tally.judged >= 5 and not stopped:
            server.stop()
            stopped.append(threading.Timer(0.5, server.start))
            stopped[0].start()

    bench.build(tmp_path / "build", server, watch=watch)
    stopped[0].join()

    assert built(tmp_path / "build") == built(undisturbed)


def test_an_endpoint_that_stays_away_stops_the_build_which_goes_on_later(
    bench: Bench, server: BadServer, undisturbed: Path, tmp_path: Path
) -> None:
    """N03: exit code 3, and nothing that was answered is asked again."""
    server.decide = lambda number, body: Act(status=503) if number > 10 else None
    with pytest.raises(Unfinished, match="no answer for"):
        bench.build(tmp_path / "build", server, patience=replace(QUICK, give_up_seconds=0.3))
    before = len(kept(tmp_path / "build"))
    asked = server.answered

    server.decide = lambda number, body: None
    bench.build(tmp_path / "build", server)

    assert before == 10
    assert built(tmp_path / "build") == built(undisturbed)
    assert server.answered - asked == len(kept(undisturbed)) - before


def test_two_endpoints_of_which_one_dies_change_no_byte(
    bench: Bench, server: BadServer, undisturbed: Path, tmp_path: Path
) -> None:
    with misbehaving(BadServer(bench.answer)) as other:
        server.decide = lambda number, body: Act(raw=b"") if number > 6 else None

        bench.build(tmp_path / "build", server, other)

        assert built(tmp_path / "build") == built(undisturbed)
        assert len(other.requests) > 6


@pytest.mark.slow
@pytest.mark.parametrize("act", [Act(drip_seconds=0.2), Act(hang=True)], ids=["drip", "hang"])
def test_those_that_never_end_lose_their_place_and_then_their_row(
    act: Act, bench: Bench, server: BadServer, tmp_path: Path
) -> None:
    """N05: all other rows go on."""
    slow: list[str] = []

    def decide(number: int, body: dict[str, Any]) -> Act | None:
        said = body["messages"][1]["content"]
        if not slow and number == 3:
            slow.append(said)
        return act if said in slow else None

    server.decide = decide
    bench.build(tmp_path / "build", server, patience=replace(QUICK, deadline_seconds=1.5))

    failures = [completion.failure for completion in kept(tmp_path / "build") if completion.failure]
    assert failures == ["there was no answer within 1.5 s, tried again in vain"]
    assert sum(record.accepted for record in rows(tmp_path / "build")) >= len(bench.answers) - 3


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (Act(status=401), ExpertError),
        (Act(status=403), ExpertError),
        (Act(status=404), ExpertError),
        (Act(status=307, headers={"Location": "http://192.0.2.1/"}), EndpointRefused),
        (Act(status=429, body=b'{"error": {"code": "insufficient_quota"}}'), Unfinished),
    ],
)
def test_what_stops_the_run_stops_it_at_once_and_it_goes_on_when_mended(
    act: Act, kind: type[CcfError], bench: Bench, server: BadServer, undisturbed: Path, tmp_path: Path
) -> None:
    """N08, N09, N10: no 377k retries, and what was paid for stays."""
    server.decide = lambda number, body: act if number > 12 else None
    with pytest.raises(kind):
        bench.build(tmp_path / "build", server)
    asked = len(server.requests)
    paid = len(kept(tmp_path / "build"))

    server.decide = lambda number, body: None
    bench.build(tmp_path / "build", server)

    assert asked <= 12 + 8
    assert paid == 12
    assert built(tmp_path / "build") == built(undisturbed)


@pytest.mark.parametrize(
    "act",
    [
        Act(status=400, body=b'{"error": {"code": "context_length_exceeded"}}'),
        Act(status=400, body=b'{"error": {"code": "content_filter"}}'),
        Act(finish="content_filter"),
    ],
    ids=["too long", "filtered", "filtered in the answer"],
)
def test_a_refusal_costs_its_row_only(act: Act, bench: Bench, server: BadServer, tmp_path: Path) -> None:
    """N09."""
    first: list[str] = []

    def decide(number: int, body: dict[str, Any]) -> Act | None:
        first[:] = first or [body["messages"][1]["content"]]
        return act if body["messages"][1]["content"] in first else None

    server.decide = decide
    bench.build(tmp_path / "build", server)

    assert len([one for one in kept(tmp_path / "build") if one.failure]) == 1
    assert len(rows(tmp_path / "build")) == len(bench.answers)


@pytest.mark.parametrize(("limits", "words"), [({"requests": 9}, "9 requests"), ({"tokens": 6000}, "tokens")])
def test_a_limit_is_exceeded_by_what_is_under_way_at_most(
    limits: dict[str, int], words: str, bench: Bench, server: BadServer, undisturbed: Path, tmp_path: Path
) -> None:
    """N10: a graceful stop; the same command goes on."""
    with pytest.raises(Unfinished, match=words):
        bench.build(tmp_path / "build", server, **limits)
    answers = len(kept(tmp_path / "build"))
    most = limits.get("requests") or limits["tokens"] // 670 + 8

    bench.build(tmp_path / "build", server)

    assert 1 <= answers <= most
    assert built(tmp_path / "build") == built(undisturbed)
    assert [entry.get("outcome") for entry in verify_audit(tmp_path / "build")] == [
        None,
        "Unfinished",
        None,
        "done",
    ]


@pytest.mark.shows(
    "a server tells no tokens, or nonsense",
    "they are estimated, and said to be; limits hold",
)
@pytest.mark.parametrize("usage", [None, {"prompt_tokens": 0, "completion_tokens": 10**9}])
def test_a_limit_holds_where_a_server_tells_no_tokens_or_nonsense(
    usage: Any, bench: Bench, server: BadServer, tmp_path: Path
) -> None:
    server.usage, out = usage, tmp_path / "build"

    with pytest.raises(Unfinished, match="tokens were used, 5000 are allowed"):
        bench.build(out, server, tokens=5_000)

    answers = kept(out)
    assert all(answer.tokens_estimated for answer in answers)
    tokens = [answer.tokens_in + answer.tokens_out for answer in answers]
    assert 5_000 <= sum(tokens) <= 5_000 + 8 * max(tokens)
    assert build_status(out, PriceSettings()).estimated == len(answers)


def test_a_finished_build_asks_nothing(bench: Bench, server: BadServer, tmp_path: Path) -> None:
    """R07: the answer that was stored is the one that counts, whatever the server would say now."""
    bench.build(tmp_path / "build", server)
    asked = len(server.requests)
    before = built(tmp_path / "build")
    (tmp_path / "build" / "accepted" / "shard-00000.parquet").unlink()
    server.answer = lambda body: f"something else {random.random()}"

    bench.build(tmp_path / "build", server)

    assert len(server.requests) == asked
    assert built(tmp_path / "build") == before


def test_a_model_that_is_swapped_in_mid_run_is_noted_with_each_answer(
    bench: Bench, server: BadServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """N11."""
    server.decide = lambda number, body: Act(model="another") if number > 10 else None

    bench.build(tmp_path / "build", server)

    served = [completion.served_by for completion in kept(tmp_path / "build")]
    assert served.count("m") == 10
    assert set(served) == {"m", "another"}
    assert "another model answers: another" in caplog.text
