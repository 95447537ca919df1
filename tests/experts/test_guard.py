"""Who may be asked: this machine, further only by permission, and never by a trick of spelling."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any, Literal

import pytest

from ccf_pipeline.errors import CcfError, EndpointRefused, ExpertError, MissingInput, SettingsError
from ccf_pipeline.experts.attestations import Attestation, read_attestation, write_attestation
from ccf_pipeline.experts.chat import ChatExpert, Patience, Question
from ccf_pipeline.experts.guard import (
    Endpoint,
    Rules,
    Zone,
    allow_endpoint,
    allowed_endpoints,
    api_key,
    ignored_proxies,
)
from ccf_pipeline.records import CorpusTerms, Message
from ccf_pipeline.settings import (
    BuildSettings,
    CorpusSettings,
    EndpointSettings,
    ExpertSettings,
    load_settings,
)
from tests.bad_server import Act, BadServer, misbehaving, shout

MIMIC = CorpusTerms(kind="mimic", name="MIMIC-CXR", sensitivity="credentialed", terms="")
DEMO = CorpusTerms(kind="demo", name="demo", sensitivity="open", terms="")
CLOSED = Rules(MIMIC)
TODAY = date(2026, 3, 1)
CANARY = "CANARY-4711 no pneumothorax"
HASTY = Patience(
    deadline_seconds=3, backoff_seconds=0.01, attempts=2, start_seconds=0.2, give_up_seconds=0.2,
    hopeless_after=1, drain_seconds=0.2,
)  # fmt: skip

PUBLIC = [
    "https://api.openai.com/v1", "https://openrouter.ai/api/v1", "https://router.huggingface.co/v1",
    "https://abc.ngrok-free.app/v1", "https://x.trycloudflare.com/v1", "https://api.together.xyz/v1",
    "https://my.openai.azure.com/openai/v1", "http://8.8.8.8/v1", "https://1.1.1.1/v1",
    "http://[2001:4860:4860::8888]/v1", "http://100.64.0.1:8000/v1", "http://203.0.113.7/v1",
    "http://198.18.0.1/v1", "http://localhost.example.com/v1", "http://127.0.0.1.nip.io:8000/v1",
    "http://localtest.me/v1", "https://generativelanguage.googleapis.com/v1beta/openai",
    "http://metadata.google.internal/v1",
]  # fmt: skip
PRIVATE = [
    "http://10.0.0.1/v1", "http://172.16.5.4:8000/v1", "http://192.168.1.7:8000/v1", "http://[fd00::1]:8000/v1",
]  # fmt: skip
NEVER = [
    "http://0.0.0.0:8000/v1", "http://[::]:8000/v1", "http://169.254.169.254/latest", "http://[fe80::1]/v1",
    "http://224.0.0.1/v1", "http://255.255.255.255/v1", "http://240.0.0.1/v1", "http://[ff02::1]/v1",
]  # fmt: skip
DISGUISED = [
    "http://[::ffff:127.0.0.1]:8000/v1", "http://[::ffff:8.8.8.8]/v1", "http://[::127.0.0.1]/v1",
    "http://[::ffff:7f00:1]/v1", "http://[fe80::1%25eth0]/v1", "http://[::1%lo]/v1", "http://[::1%25lo]/v1",
    "http://[64:ff9b::8.8.8.8]/v1", "http://[2002:808:808::1]/v1", "http://[2001:0:808:808::1]/v1",
    "http://2130706433/v1", "http://0x7f000001/v1", "http://0x7f.0.0.1/v1", "http://0177.0.0.1/v1",
    "http://017700000001/v1", "http://127.1/v1", "http://127.0.1/v1", "http://127.000.000.001/v1",
    "http://127.0.0.1./v1", "http://localhost./v1", "http://\u0661\u0662\u0667.0.0.1/v1",
    "http://\u2460\u2461\u2466.0.0.1/v1", "http://127\u30020.0.1/v1", "http://loc\u0430lhost/v1",
    "http://localhost%2eexample.com/v1", "http://127.0.0.1%2f@example.com/v1",
]  # fmt: skip
GARBLED = [
    "http://127.0.0.1@example.com/v1", "http://user:pass@127.0.0.1/v1", "http://user@127.0.0.1/v1",
    "http://127.0.0.1\\@example.com/v1", "http://example.com\\@127.0.0.1/v1", "http://127.0.0.1:99999/v1",
    "http://127.0.0.1:0/v1", "http://127.0.0.1:80:80/v1", "http://127.0.0.1 .example.com/v1",
    "http://127.0.0.1\t/v1", "http://127.0.0.1\n.example.com/v1", "http://127.0.0.1#@example.com/v1",
    "http://127.0.0.1?@example.com/v1", "http://127.0.0.1/v1?api_key=sk-1", "http://127.0.0.1/../x/v1",
    "http:127.0.0.1/v1", "http:///v1", "//127.0.0.1/v1", "127.0.0.1:8000", "ftp://127.0.0.1/v1",
    "ws://127.0.0.1/v1", "file:///etc/passwd", "unix://example.com/a.sock", "unix:", "unix:relative.sock", "",
    "http://127.0.0.1/v1/batches", "http://127.0.0.1/v1/files",
]  # fmt: skip


@pytest.fixture
def nobody_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    def called(*arguments: object, **named: object) -> object:
        raise AssertionError("something was sent or looked up")

    monkeypatch.setattr(socket.socket, "connect", called)
    monkeypatch.setattr(socket, "getaddrinfo", called)


@pytest.mark.parametrize("spoken", [*PUBLIC, *PRIVATE, *NEVER, *DISGUISED, *GARBLED])
def test_bad_endpoints_are_refused_before_anything_is_sent_or_looked_up(
    spoken: str, nobody_is_called: None
) -> None:
    with pytest.raises(EndpointRefused) as refused:
        allow_endpoint(spoken, CLOSED)

    assert refused.value.hint
    assert "sk-1" not in refused.value.what
    assert "pass" not in refused.value.what.replace("passwd", "")


def test_there_are_more_than_sixty_of_them() -> None:
    assert len({*PUBLIC, *PRIVATE, *NEVER, *DISGUISED, *GARBLED}) >= 80


@pytest.mark.parametrize("spoken", [*NEVER, *DISGUISED, *GARBLED])
def test_no_permission_helps_a_trick(spoken: str, nobody_is_called: None) -> None:
    with pytest.raises(EndpointRefused):
        allow_endpoint(spoken, Rules(DEMO, allow_private_net=True))


@pytest.mark.parametrize(
    ("spoken", "meant"),
    [
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("http://127.9.9.9:8000/v1/", "http://127.9.9.9:8000/v1"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
        ("https://127.0.0.1/v1", "https://127.0.0.1:443/v1"),
        ("http://localhost:8000/v1", "http://localhost:8000/v1"),
        ("HTTP://LOCALHOST:8000/v1", "http://localhost:8000/v1"),
    ],
)
def test_a_server_on_this_machine_may_be_asked(spoken: str, meant: str) -> None:
    endpoint = allow_endpoint(spoken, CLOSED)

    assert (endpoint.base_url, endpoint.zone) == (meant, "this machine")
    assert endpoint.addresses


def test_a_socket_file_and_a_weight_are_understood() -> None:
    assert allow_endpoint("unix:/run/model.sock", CLOSED).socket_path == "/run/model.sock"
    assert allow_endpoint("http://127.0.0.1:8000/v1=3", CLOSED).weight == 3


@pytest.mark.parametrize("spoken", PRIVATE)
def test_a_private_network_needs_a_word(spoken: str) -> None:
    assert allow_endpoint(spoken, Rules(MIMIC, allow_private_net=True)).zone == "private network"


def test_an_open_corpus_may_go_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", named({"api.example.org": ["203.0.113.9"]}))

    assert allow_endpoint("https://api.example.org/v1", Rules(DEMO)).addresses == ("203.0.113.9",)


def named(names: dict[str, list[str]]) -> Any:
    def look_up(host: str, port: int, **_: object) -> list[Any]:
        if host not in names:
            raise socket.gaierror(-2, "unknown")
        return [(2, 1, 6, "", (address, port)) for address in names[host]]

    return look_up


@pytest.mark.parametrize(
    ("addresses", "zone"),
    [
        (["127.0.0.1"], "this machine"),
        (["10.0.0.7"], "private network"),
        (["10.0.0.7", "127.0.0.1"], "private network"),
    ],
)
def test_a_name_is_as_far_as_its_furthest_address(
    addresses: list[str], zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", named({"gpu-box": addresses}))

    assert allow_endpoint("http://gpu-box:8000/v1", Rules(MIMIC, allow_private_net=True)).zone == zone


@pytest.mark.parametrize(
    "addresses", [["8.8.8.8"], ["10.0.0.7", "8.8.8.8"], ["::ffff:10.0.0.1"], ["0.0.0.0"], []]
)
def test_a_name_with_one_bad_address_is_refused(
    addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", named({"gpu-box": addresses}))

    with pytest.raises(EndpointRefused):
        allow_endpoint("http://gpu-box:8000/v1", Rules(MIMIC, allow_private_net=True))


def test_a_localhost_that_points_elsewhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", named({"localhost": ["192.0.2.1"]}))

    with pytest.raises(EndpointRefused, match="does not point to this machine"):
        allow_endpoint("http://localhost:8000/v1", CLOSED)


# --- attestations ---------------------------------------------------------------------------------


def attestation(**changed: Any) -> dict[str, Any]:
    return {
        "who": "Dr. A. Example, data steward", "provider": "Example Cloud", "host": "llm.example.org",
        "zero_retention": "contract 2026-17, annex B", "no_training": True, "no_human_review": True,
        "region": "eu-central", "attested": date(2026, 2, 1), "expires": date(2026, 7, 1),
        "corpora": ("mimic",),
    } | changed  # fmt: skip


@pytest.fixture
def vouched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(socket, "getaddrinfo", named({"llm.example.org": ["203.0.113.5"]}))
    path = tmp_path / "endpoint-attestation.yaml"
    write_attestation(path, Attestation(**attestation()))
    return path


def test_an_attested_host_may_be_asked_and_is_pinned(vouched: Path) -> None:
    endpoint = allow_endpoint("https://llm.example.org/v1", Rules(MIMIC, attestation=vouched, today=TODAY))

    assert endpoint.addresses == ("203.0.113.5",)
    assert endpoint.attestation == read_attestation(vouched)
    assert "contract 2026-17" in endpoint.attestation.line


@pytest.mark.parametrize(
    ("spoken", "today", "corpus", "words"),
    [
        ("https://api.example.org/v1", TODAY, "mimic", "no address here"),
        ("https://203.0.113.5/v1", TODAY, "mimic", "is for llm.example.org, not for 203"),
        ("http://llm.example.org/v1", TODAY, "mimic", "unencrypted"),
        ("https://llm.example.org/v1", date(2026, 7, 2), "mimic", "not on 2026-07-02"),
        ("https://llm.example.org/v1", date(2026, 1, 31), "mimic", "not on 2026-01-31"),
        ("https://llm.example.org/v1", TODAY, "chexpert_plus", "covers mimic"),
    ],
)
def test_an_attestation_covers_what_it_says_and_nothing_else(
    vouched: Path, spoken: str, today: date, corpus: str, words: str
) -> None:
    terms = MIMIC.model_copy(update={"kind": corpus})

    with pytest.raises(EndpointRefused, match=words):
        allow_endpoint(spoken, Rules(terms, attestation=vouched, today=today))


@pytest.mark.parametrize(
    "changed",
    [
        {"no_training": False}, {"no_human_review": False}, {"zero_retention": ""},
        {"zero_retention": "TODO"}, {"who": "n/a"}, {"host": "*.example.org"}, {"host": "LLM.example.org"},
        {"corpora": ()},
        {"expires": date(2027, 2, 1)}, {"expires": date(2025, 2, 1)}, {"format": 2}, {"approved": True},
    ],
)  # fmt: skip
def test_a_lax_attestation_is_none(changed: dict[str, Any], vouched: Path) -> None:
    told = "".join(f"{key}: {list(value) if isinstance(value, tuple) else value}\n"
                   for key, value in attestation(**changed).items())  # fmt: skip
    vouched.write_text(told.replace("True", "true").replace("False", "false"))

    with pytest.raises(EndpointRefused):
        allow_endpoint("https://llm.example.org/v1", Rules(MIMIC, attestation=vouched, today=TODAY))


@pytest.mark.parametrize(
    "text", ["", "who: [", "- a\n- b\n", "who: a\nwho: b\n", "!!python/object:os.system x"]
)
def test_a_file_that_is_no_attestation_is_told(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(text)

    with pytest.raises(EndpointRefused) as refused:
        read_attestation(tmp_path / "a.yaml")
    with pytest.raises(MissingInput):
        read_attestation(tmp_path / "nowhere.yaml")

    assert "ccf-build attest" in refused.value.hint


# --- keys and proxies -----------------------------------------------------------------------------


def test_a_key_comes_from_its_variable_alone() -> None:
    assert api_key("MY_KEY", {"MY_KEY": " sk-1 "}) == "sk-1"
    assert api_key(None, {"OPENAI_API_KEY": "sk-2"}) == "none"
    for value in ("", "a\nb", "\u0430"):
        with pytest.raises(EndpointRefused, match="MY_KEY holds no key"):
            api_key("MY_KEY", {"MY_KEY": value})


@pytest.mark.parametrize(
    "key", ["sk-proj-abcd1234", "hf_abcdEFGH1234", "Bearer x", "a b", "", "ghp_x1", "k=v"]
)
def test_a_key_in_place_of_a_name_is_refused_and_not_repeated(key: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(None, {"out": tmp_path, "endpoint": {"key_variable": key}})

    assert not key or key not in f"{refused.value.what}{refused.value.hint}"


def test_a_name_that_may_be_a_key_is_not_repeated() -> None:
    with pytest.raises(EndpointRefused) as refused:
        api_key("abcd1234efgh", {})

    assert "abcd" not in f"{refused.value.what}{refused.value.hint}"


@pytest.mark.parametrize(
    ("model", "sensitivity", "is_told"),
    [
        ("gpt-oss:120b-cloud", None, True),
        ("m:cloud", None, True),
        ("m:cloud", "open", False),
        ("cloudy", None, False),
    ],
)
def test_a_model_that_a_local_server_passes_on_is_warned_of(
    model: str, sensitivity: Literal["open"] | None, is_told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    settings = BuildSettings(
        out=Path("b"),
        corpus=CorpusSettings(kind="table", path=Path("t.csv"), sensitivity=sensitivity),
        expert=ExpertSettings(kind="openai", model=model),
        endpoint=EndpointSettings(urls=("http://127.0.0.1:11434/v1",)),
    )

    allowed_endpoints(settings)

    assert ("runs elsewhere" in caplog.text) == is_told


def test_proxies_that_are_set_are_named() -> None:
    assert ignored_proxies({"HTTPS_PROXY": "x", "http_proxy": "", "PATH": "y"}) == ("HTTPS_PROXY",)


@pytest.mark.parametrize(("zone", "is_told"), [("this machine", False), ("private network", True)])
def test_where_a_server_is_not_found_an_unused_proxy_is_told(
    zone: Zone, is_told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@proxy.example:3128")
    nobody = Endpoint("http://127.0.0.1:1/v1", "127.0.0.1", 1, ("127.0.0.1",), zone=zone)
    expert = ChatExpert((nobody,), "a-model", patience=HASTY)

    with pytest.raises(ExpertError, match="no answer within") as error:
        list(expert.answer_questions([Question("id", (Message(role="user", content="?"),), None)]))

    assert ("HTTPS_PROXY set, but no proxy is used" in error.value.hint) == is_told
    assert "secret" not in error.value.hint


# --- not a byte elsewhere --------------------------------------------------------------------------


@contextmanager
def eavesdropper(host: str = "127.0.0.1") -> Iterator[tuple[int, bytearray]]:
    """A socket that hears everything sent to it, whoever sends."""
    heard = bytearray()
    with socket.create_server((host, 0)) as listening:

        def listen() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    connection.settimeout(0.5)
                    with connection, suppress(OSError):
                        while chunk := connection.recv(65536):
                            heard.extend(chunk)

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield listening.getsockname()[1], heard
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(2)


def ask(spoken: str, rules: Rules = CLOSED) -> None:
    endpoint = allow_endpoint(spoken, rules)
    question = Question("id", (Message(role="user", content=CANARY),))
    list(ChatExpert((endpoint,), "m", patience=HASTY).answer_questions([question]))


@pytest.mark.parametrize(
    "template",
    ["http://0.0.0.0:{}/v1", "http://[::ffff:127.0.0.1]:{}/v1", "http://2130706433:{}/v1", "http://127.1:{}/v1",
     "http://0x7f.1:{}/v1", "http://0177.0.0.1:{}/v1", "http://a@127.0.0.1:{}/v1", "http://localhost.:{}/v1",
     "http://127.0.0.1:{}/v1/batches", "http://127.0.0.1:{}/v1?x", "http://127.0.0.1.nip.io:{}/v1"],
)  # fmt: skip
def test_a_listening_socket_hears_nothing_by_a_refused_spelling(template: str) -> None:
    with eavesdropper() as (port, heard):
        with pytest.raises(EndpointRefused):
            ask(template.format(port))

        assert bytes(heard) == b""


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_carries_nothing_on(status: int) -> None:
    with eavesdropper() as (port, heard), misbehaving(BadServer(shout)) as server:
        away = {"Location": f"http://127.0.0.1:{port}/v1/chat/completions"}
        server.decide = lambda number, body: Act(status=status, headers=away)

        with pytest.raises(EndpointRefused, match="sends on to another address"):
            ask(server.base_url)

        assert bytes(heard) == b""
        assert len(server.requests) == 1


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"])
def test_a_proxy_hears_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with eavesdropper() as (port, heard), misbehaving(BadServer(shout)) as server:
        monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        monkeypatch.delenv("NO_PROXY", raising=False)

        ask(server.base_url)

        assert bytes(heard) == b""
        assert len(server.requests) == 1


def test_a_name_that_changes_its_mind_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with misbehaving(BadServer(shout)) as server, eavesdropper("127.0.0.2") as (_, heard):
        monkeypatch.setattr(socket, "getaddrinfo", named({"gpu-box": ["127.0.0.1"]}))
        endpoint = allow_endpoint(f"http://gpu-box:{server.port}/v1", Rules(MIMIC, allow_private_net=True))
        monkeypatch.setattr(socket, "getaddrinfo", named({"gpu-box": ["127.0.0.2"]}))

        question = Question("id", (Message(role="user", content=CANARY),))
        list(ChatExpert((endpoint,), "m", patience=HASTY).answer_questions([question]))

        assert bytes(heard) == b""
        assert CANARY.encode() in bytes(server.received)


def test_a_certificate_that_nobody_signed_is_not_trusted(tmp_path: Path) -> None:
    import ssl

    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with misbehaving(BadServer(shout, context=context)) as server:
        for spoken in (server.base_url, server.base_url.replace("127.0.0.1", "localhost")):
            with pytest.raises(CcfError, match="certificate is not to be trusted"):
                ask(spoken)

        assert CANARY.encode() not in bytes(server.received)


def test_a_certificate_of_a_known_authority_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ssl

    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with misbehaving(BadServer(shout, context=context)) as server:
        ask(server.base_url)

        assert len(server.requests) == 1


def self_signed(folder: Path) -> tuple[Path, Path]:
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "c.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "k.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return folder / "c.pem", folder / "k.pem"
