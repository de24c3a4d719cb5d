"""Layers P, Q and R on the services as they are run: `agentdid serve`, in processes of their own, over real sockets."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

import httpx
import pytest

from agentdid.codec.strict_json import encode
from agentdid.present.presentation import make_presentation
from agentdid.proof.suites import SUITES
from agentdid.secure import data_integrity
from agentdid.status.bitstring import build_list_credential
from tests.chains import JCS, Wire, capability_of, grant_of, root_document, sign
from tests.servers import authority, bound_socket, serving
from tests.stores import PASSPHRASE
from tests.world import AUDIENCE, RESOURCE, Party, World

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
CANARY = "canary-7f3a"
_READY_S = 30.0
_LIMIT = 262_144
UNKNOWN = (401, "invalid_challenge_error")
"""What a Data Integrity presentation is answered whose challenge was never handed out."""
LOST = (401, "nonce_expired")
"""What one is answered whose challenge was handed out before the store was lost."""


class Process:
    """One `agentdid serve …`, ended by its own process id."""

    def __init__(self, folder: Path, name: str, *arguments: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._arguments = [*arguments, "--port", str(self.port)]
        self._output = folder / f"{name}.out"
        self._process: subprocess.Popen[bytes] | None = None
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, and return when it answers."""
        self._file = self._output.open("ab")
        environment = {**os.environ, "AGENTDID_PASSPHRASE": PASSPHRASE}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "agentdid.cli.main", "serve", *self._arguments],
            stdin=subprocess.DEVNULL, stdout=self._file, stderr=self._file, env=environment,
        )  # fmt: skip
        until = time.monotonic() + _READY_S
        while time.monotonic() < until and self._process.poll() is None:
            try:
                if httpx.get(f"{self.url}/readyz", trust_env=False).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        pytest.fail(f"not ready: {self.output}")

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._file is not None:
            self._file.close()

    def stop(self) -> int:
        """End it as an operator does, and return its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(_READY_S)

    @property
    def output(self) -> str:
        """All it has written to stdout and stderr."""
        return self._output.read_text("utf-8", "replace")


@dataclass
class Site:
    """Who issues, where its list is, and the policy of a verifier that believes it."""

    world: World
    issuer: Party
    list_url: str
    trust: Path

    def chain(self, **claims: object) -> list[Wire]:
        """A root link by the issuer."""
        document = root_document(self.world, self.issuer)
        document["credentialStatus"] = self.world.status(self.issuer, 7) | {
            "id": f"{self.list_url}#7", "statusListCredential": self.list_url,
        }  # fmt: skip
        document["credentialSubject"].update(claims)
        capability_of(document)["principal"] = self.issuer.did
        return [sign(self.world, document, self.issuer, JCS)]

    def present(self, challenge: str, chain: list[Wire] | None = None) -> dict[str, Any]:
        """A presentation in answer to a challenge."""
        agent = self.world.agent
        made = make_presentation(
            chain or self.chain(), holder=agent.did, signer=agent.secret, method_id=agent.method_id,
            audience=AUDIENCE, challenge=challenge, at=datetime.now(UTC), form=JCS,
        )  # fmt: skip
        presented: dict[str, Any] = json.loads(made)
        return presented


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for all processes of this file."""
    return tmp_path_factory.mktemp("processes")


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[Site]:
    """An issuer whose list is served over HTTPS, signed anew whenever it is asked for."""
    world = World(datetime.now(UTC))
    issuer = world.party("issuer")

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ANN401  # ASGI
        now = datetime.now(UTC)
        document = build_list_credential(
            made.list_url, issuer.did, ["revocation"], bytes(16_384), valid_from=now, valid_until=now + timedelta(1)
        )
        body = encode(data_integrity.add_proof(document, issuer.secret, issuer.method_id, SUITES[JCS], created=now))
        headers = [(b"content-type", b"application/vc"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    with serving(app, bound_socket(), folder) as origin:
        authority().cert_pem.write_to_path(str(folder / "ca.pem"))
        trust = folder / "trust.toml"
        trust.write_text(
            f'audience = "{AUDIENCE}"\ndid = "{world.partner.did}"\n'
            f'[[resource]]\nprefix = "{AUDIENCE}/"\nroot = "{world.partner.did}"\n'
            f'[[anchor]]\ndid = "{issuer.did}"\ntypes = ["AgentCapabilityCredential"]\n'
            f'roots = ["{world.partner.did}"]\nactions = ["invoice.*"]\n'
            '[fetch]\nallow = ["127.0.0.1", "::1"]\nca = "ca.pem"\n',
            "utf-8",
        )
        made = Site(world, issuer, f"{origin}/status/1", trust)
        yield made


@pytest.fixture(scope="module")
def pair(site: Site, folder: Path) -> Iterator[tuple[Process, Process]]:
    """Two verifiers that share one file of nonces."""
    shared = ("verifier", "--trust", str(site.trust), "--db", str(folder / "nonces.db"))
    log = ("--log", str(folder / "decisions.jsonl"))
    with Process(folder, "one", *shared, *log) as one, Process(folder, "two", *shared) as two:
        yield one, two


@pytest.fixture(scope="module")
def issuer(folder: Path) -> Iterator[Process]:
    """An issuer's service."""
    subprocess.run(
        [sys.executable, "-m", "agentdid.cli.main", "issuer", "init", "--db", str(folder / "issuer.db"), "--json"],
        check=True, capture_output=True, timeout=30, env={**os.environ, "AGENTDID_PASSPHRASE": PASSPHRASE},
    )  # fmt: skip
    with Process(folder, "issuer", "issuer", "--db", str(folder / "issuer.db")) as process:
        yield process


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """A client that trusts no environment."""
    with httpx.Client(trust_env=False, timeout=20.0) as made:
        yield made


READ = {"action": "invoice.read", "resource": f"{RESOURCE}/7"}


def ask(client: httpx.Client, process: Process, presented: object, challenge: str) -> tuple[int, str | None]:
    """Post a presentation; return the status and the code."""
    body = {"presentation": presented, "challenge": challenge, "request": READ}
    answer = client.post(f"{process.url}/verify", json=body)
    return answer.status_code, answer.json()["code"]


def challenge_of(client: httpx.Client, process: Process) -> str:
    """A fresh challenge."""
    return str(client.post(f"{process.url}/challenges").json()["nonce"])


def test_p01_two_processes_and_one_presentation(
    site: Site, pair: tuple[Process, Process], client: httpx.Client
) -> None:
    """P01: the same presentation posted to both processes, eight at a time: exactly one is let in, for each of 25."""
    with ThreadPoolExecutor(8) as pool:
        for number in range(25):
            nonce = challenge_of(client, pair[number % 2])
            presented = site.present(nonce)
            answers = list(pool.map(lambda place, n=nonce, p=presented: ask(client, pair[place % 2], p, n), range(8)))

            assert [(200, None), *[(401, "nonce_replayed")] * 7] == sorted(answers, key=str)


def test_p03_a_verifier_that_was_killed(site: Site, folder: Path, client: httpx.Client) -> None:
    """P03: what was handed out before a crash is unknown after it, when the store went with it; never taken again."""
    with Process(folder, "alone", "verifier", "--trust", str(site.trust)) as process:
        used, unused = challenge_of(client, process), challenge_of(client, process)
        spent, fresh = site.present(used), site.present(unused)
        before = ask(client, process, spent, used)
        process.kill()
        process.start()
        after = [ask(client, process, spent, used), ask(client, process, fresh, unused)]

    assert (200, None) == before
    assert [LOST] * 2 == after


@pytest.mark.parametrize("kept", [True, False])
def test_p03_a_store_on_disk(site: Site, folder: Path, client: httpx.Client, *, kept: bool) -> None:
    """P03: a store that outlives the crash knows what was used; one that was lost knows nothing, and says so."""
    place = folder / f"kept-{kept}.db"
    with Process(folder, place.stem, "verifier", "--trust", str(site.trust), "--db", str(place)) as process:
        used, unused = challenge_of(client, process), challenge_of(client, process)
        spent, fresh = site.present(used), site.present(unused)
        before = ask(client, process, spent, used)
        process.kill()
        if not kept:
            place.unlink()
        process.start()
        after = [ask(client, process, spent, used), ask(client, process, fresh, unused)]

    assert (200, None) == before
    assert ([(401, "nonce_replayed"), (200, None)] if kept else [LOST] * 2) == after


def test_a_challenge_of_the_callers_own(site: Site, pair: tuple[Process, Process], client: httpx.Client) -> None:
    """A nonce that the service never handed out is not answered, however the caller vouches for it."""
    assert UNKNOWN == ask(client, pair[0], site.present("mine"), "mine")


def raw(process: Process, *pieces: bytes, wait_s: float = 5.0) -> bytes:
    """What a server answers to these bytes, until it closes or says no more."""
    with socket.create_connection(("127.0.0.1", process.port), timeout=wait_s) as connection:
        answer = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has answered and hung up
        try:
            while piece := connection.recv(65_536):
                answer += piece
        except (TimeoutError, ConnectionResetError):
            pass
        return answer


def services(pair: tuple[Process, Process], issuer: Process) -> list[tuple[Process, str]]:
    """Each service with a route that reads a body."""
    return [(pair[0], "/verify"), (pair[0], "/credentials/verify"), (issuer, "/credentials")]


def test_a_presentation_over_64_kib_is_answered_by_us(pair: tuple[Process, Process], issuer: Process) -> None:
    """Two proofs a link make long headers: the bound is ours and says so, however the pieces come."""
    for process in (pair[0], issuer):
        head = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: AgentVP "
        answer = raw(process, head, b"A" * 70_000, b"A" * 30_000, b"\r\n\r\n")

        assert b"431" == answer.split(b" ")[1]
        assert b"input_too_large" in answer


def test_q01_a_body_without_end(pair: tuple[Process, Process], issuer: Process) -> None:
    """Q01: ten megabytes in chunks without a length are 413 before they have come; so is a gigabyte announced."""
    for process, path in services(pair, issuer)[:2]:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n".encode()
        chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
        begun = time.perf_counter()
        streamed = raw(process, head + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 160, wait_s=2)
        announced = raw(process, head + b"Content-Length: 1000000000\r\n\r\n", wait_s=2)

        assert [b"413"] * 2 == [each.split(b" ")[1] for each in (streamed, announced)]
        assert b"input_too_large" in streamed
        assert b"input_too_large" in announced
        assert time.perf_counter() - begun < 8


def test_q01_a_body_at_the_limit(pair: tuple[Process, Process], client: httpx.Client) -> None:
    """Q01: a byte over the limit is 413; at the limit it is read."""
    found = []
    for size in (_LIMIT, _LIMIT + 1):
        body = b'{"credential":"' + b"x" * (size - 17) + b'"}'
        found.append(client.post(f"{pair[0].url}/credentials/verify", content=body).status_code)

    assert [400, 413] == found


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Long": "a" * 100_000},
        {"Authorization": "AgentVP " + "A" * 100_000},
        {f"X-Many-{number}": "a" for number in range(1_000)},
        {"Content-Type": "application/json; " + "a=" * 20_000},
        {"Content-Type": "multipart/form-data; boundary=" + " " * 20_000 + "x"},
    ],
)
def test_q03_headers_without_end(pair: tuple[Process, Process], client: httpx.Client, headers: dict[str, str]) -> None:
    """Q03: a header of 100 kB, a thousand of them, or a content type made for a regular expression: quickly refused."""
    begun = time.perf_counter()
    try:
        answer = client.post(f"{pair[0].url}/verify", content=b"{}", headers=headers)
    except httpx.TransportError:
        answer = None  # uvicorn hung up on it
    took = time.perf_counter() - begun

    assert answer is None or answer.status_code in (400, 415, 422, 431)
    assert took < 1.0  # 50 ms on a quiet machine


def test_q04_multipart(pair: tuple[Process, Process], issuer: Process, client: httpx.Client) -> None:
    """Q04: parts are not even counted: 415."""
    for process, path in services(pair, issuer):
        body = b"".join(b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' for _ in range(4_000))
        answer = client.post(
            f"{process.url}{path}", content=body, headers={"Content-Type": "Multipart/Form-Data; boundary=x"}
        )

        assert (415, "unsupported_media_type") == (answer.status_code, answer.json()["code"])


def test_q07_too_many_credentials_and_proofs(site: Site, pair: tuple[Process, Process], client: httpx.Client) -> None:
    """Q07: 17 credentials, 9 proofs, and a thousand of either."""
    nonce = challenge_of(client, pair[0])
    presented = site.present(nonce)
    small = {
        "@context": ["https://www.w3.org/ns/credentials/v2"], "type": ["VerifiableCredential"],
        "issuer": site.issuer.did, "credentialSubject": {"id": site.world.agent.did},
    }  # fmt: skip
    many = sign(site.world, small, site.issuer, JCS)
    found = []
    for credentials, proofs in ((17, 1), (1_000, 1), (1, 9), (1, 1_000)):
        changed = {
            **presented,
            "verifiableCredential": presented["verifiableCredential"] if credentials == 1 else [many] * credentials,
            "proof": [presented["proof"]] * proofs,
        }
        found.append(ask(client, pair[0], changed, nonce))

    assert [(413, "input_too_large")] * 4 == found


def test_q09_no_pattern_of_a_peer_runs(site: Site, pair: tuple[Process, Process], client: httpx.Client) -> None:
    """Q09: a regular expression in a query or in a credential is data at most."""
    nonce = challenge_of(client, pair[0])
    evil = "(a+)+$"
    claims = {
        "id": "q", "format": "ldp_vc", "meta": {"type_values": [["AgentCapabilityCredential"]]},
        "claims": [{"path": ["credentialSubject", "name"], "values": [evil], "pattern": evil}],
    }  # fmt: skip
    chain = site.chain(name="a" * 40 + "!", pattern=evil)
    begun = time.perf_counter()
    answer = client.post(
        f"{pair[0].url}/verify",
        json={"presentation": site.present(nonce, chain), "challenge": nonce, "query": {"credentials": [claims]}},
    )

    assert answer.status_code in (400, 403)
    assert answer.json()["code"] in ("query_not_satisfied", "type_mismatch")
    assert time.perf_counter() - begun < 2


@pytest.mark.parametrize(
    "target",
    [
        b"/status/a%0d%0aSet-Cookie:%20x=1",
        b"/%0d%0aX-Split:%201",
        b"/status/%1b[2J%00",
        b"/credentials/a%0aX-Split:%201/revoke",
        b"/.well-known/agentdid/dcql?action=%0d%0aX-Split:%201",
        b"/status/\xff\xfe",
    ],
)
def test_r02_no_line_of_a_url_becomes_a_header(pair: tuple[Process, Process], issuer: Process, target: bytes) -> None:
    """R02: whatever a URL decodes to, the answer has the headers of the service and no others."""
    for process in (pair[0], issuer):
        answer = raw(process, b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", wait_s=2)
        head = answer.partition(b"\r\n\r\n")[0].lower()

        assert answer.split(b" ")[1] in (b"400", b"404", b"405")
        assert b"x-split" not in head
        assert b"set-cookie" not in head


def test_r02_a_header_with_a_bare_line_feed(pair: tuple[Process, Process]) -> None:
    """R02: a request that smuggles a second line in a header is not answered as a good one."""
    answer = raw(
        pair[0], b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\rX-Split: 1\x00\r\nConnection: close\r\n\r\n", wait_s=2
    )

    assert b"400" == answer.split(b" ")[1]


def test_r01_each_decision_is_one_line(
    site: Site, pair: tuple[Process, Process], client: httpx.Client, folder: Path
) -> None:
    """R01: line feeds, escapes and bells in a credential stand in the log as JSON writes them, on one line."""
    nasty = "a\r\nb\x1b[2J\x07\u2028c\x85"
    chain = site.chain(name=nasty)
    nonce = challenge_of(client, pair[0])
    log = folder / "decisions.jsonl"
    before = log.read_bytes().count(b"\n") if log.exists() else 0
    accepted = ask(client, pair[0], site.present(nonce, chain), nonce)
    refused = ask(client, pair[0], site.present(nonce, chain), nonce)
    written = log.read_bytes()

    assert [(200, None), (401, "nonce_replayed")] == [accepted, refused]
    assert before + 2 == written.count(b"\n")
    assert not set(b"\r\x1b\x07") & set(written)
    for line in written.splitlines()[-2:]:
        (shown,) = json.loads(line)["question"]["input"]["json"]["verifiableCredential"]
        assert nasty == shown["credentialSubject"]["name"]


def test_r04_nothing_of_a_credential_is_logged(
    site: Site, pair: tuple[Process, Process], issuer: Process, client: httpx.Client, folder: Path
) -> None:
    """R04: after good and bad requests full of canaries, none stands in any service's output."""
    chain = site.chain(name=CANARY)
    nonce = challenge_of(client, pair[0])
    presented = site.present(nonce, chain)
    ask(client, pair[0], presented, nonce)
    ask(client, pair[0], {**presented, "holder": CANARY}, nonce)
    client.post(f"{pair[0].url}/credentials/verify", json={"credential": chain})
    client.post(f"{pair[0].url}/verify", content=f'{{"presentation": "{CANARY}"'.encode())
    client.get(f"{pair[0].url}/{CANARY}?a={CANARY}", headers={"X-Canary": CANARY})
    client.post(f"{issuer.url}/credentials", headers={"Authorization": f"Bearer {CANARY}"}, json={"to": CANARY})
    client.post(f"{issuer.url}/credentials/{CANARY}/revoke")

    assert CANARY not in "".join(process.output for process in (*pair, issuer))
    assert PASSPHRASE not in "".join(process.output for process in (*pair, issuer))


def token_of(issuer: Process) -> str:
    """The token that the issuer's service showed once."""
    return issuer.output.partition("shown once: ")[2].split()[0]


@pytest.mark.parametrize(
    "body",
    [
        {"presentation": 7, "challenge": CANARY},
        {"presentation": CANARY, "challenge": [CANARY]},
        {"presentation": CANARY, "challenge": CANARY, CANARY: 1},
        {"presentation": CANARY, "challenge": "c", "request": {"action": 1, "resource": CANARY, "type": CANARY}},
        {"presentation": CANARY, "challenge": "c", "request": {"action": CANARY, "resource": "", "type": CANARY}},
        {"presentation": CANARY, "challenge": "c", "query": {"credentials": CANARY}},
        {"presentation": {"type": CANARY, "@context": CANARY}, "challenge": CANARY},
        [CANARY],
        CANARY,
        {"credential": CANARY},
        {"to": CANARY, "capability": CANARY},
        {"to": "did:key:z6Mk" + CANARY, "capability": {CANARY: 1}},
        {"to": "did:web:a.example", "capability": {}, "format": CANARY},
        {"to": "did:web:a.example", "capability": {}, "disclosable": [CANARY]},
        {"to": "did:web:a.example", "capability": {}, "parent": [CANARY]},
        {"to": "did:web:a.example", "capability": {}, "ttl_s": CANARY},
    ],
)
def test_r05_problems_do_not_echo(
    pair: tuple[Process, Process], issuer: Process, client: httpx.Client, body: object
) -> None:
    """R05: every refusal is a problem, and none holds what was sent."""
    token = token_of(issuer)
    for process, path in services(pair, issuer):
        headers = {"Authorization": f"Bearer {token}"}
        answer = client.post(f"{process.url}{path}", json=body, headers=headers)

        assert answer.status_code in (400, 401, 403, 422)
        assert "application/problem+json" == answer.headers["Content-Type"]
        assert {"type", "title", "status", "code", "detail"} == answer.json().keys()
        assert CANARY not in answer.text
        assert token not in answer.text


def test_r05_a_secret_that_does_not_parse(pair: tuple[Process, Process], issuer: Process, client: httpx.Client) -> None:
    """R05: nor does a body that is no JSON, or JSON with a member twice."""
    for process, path in services(pair, issuer):
        for body in (CANARY, f'{{"a":"{CANARY}","a":"{CANARY}"}}', f'{{"{CANARY}":1,"{CANARY}":2}}', f'"{CANARY}'):
            headers = {"Authorization": f"Bearer {token_of(issuer)}", "Content-Type": "application/json"}
            answer = client.post(f"{process.url}{path}", content=body.encode(), headers=headers)

            assert 400 == answer.status_code
            assert CANARY not in answer.text


def test_r08_metrics_name_nobody(
    site: Site, pair: tuple[Process, Process], issuer: Process, client: httpx.Client
) -> None:
    """R08: after all this, labels are outcomes and codes; no DID, nonce or claim."""
    nonce = challenge_of(client, pair[0])
    ask(client, pair[0], site.present(nonce, site.chain(name=CANARY)), nonce)
    ask(client, pair[0], {"type": CANARY}, nonce)
    shown = "".join(client.get(f"{process.url}/metrics").text for process in (pair[0], issuer))
    labels = {
        part.partition("=")[0]
        for line in shown.splitlines()
        if "{" in line and not line.startswith("#")
        for part in line.partition("{")[2].partition("}")[0].split(",")
    }

    assert {"code", "outcome"} >= labels
    assert 'agentdid_outcomes_total{code="",outcome="accepted"}' in shown
    assert not [word for word in ("did:", nonce, CANARY, "invoice") if word in shown]


def test_issuing_needs_the_token(issuer: Process, client: httpx.Client) -> None:
    """Issuing and revoking without the token, or with another, is 401; with it a wrong body is said to be so."""
    found = [
        client.post(f"{issuer.url}{path}", json={}, headers=headers).status_code
        for path in ("/credentials", "/credentials/x/revoke")
        for headers in (
            {},
            {"Authorization": "Bearer x"},
            {"Authorization": f"Basic {token_of(issuer)}"},
            {"Authorization": "Bearer é".encode()},
        )
    ]
    authorized = {"Authorization": f"Bearer {token_of(issuer)}"}
    wrong = client.post(f"{issuer.url}/credentials", json={}, headers=authorized)
    absent = client.post(f"{issuer.url}/credentials/x/revoke", headers=authorized)

    assert [401] * 8 == found
    assert (422, "request_invalid") == (wrong.status_code, wrong.json()["code"])
    assert (404, "credential_not_found") == (absent.status_code, absent.json()["code"])


@pytest.mark.parametrize("member", ["issuer", "validUntil", "credentialStatus", "id", "@context", "type", "parentId"])
def test_n15_what_is_the_issuers_own_is_not_asked_for(issuer: Process, client: httpx.Client, member: str) -> None:
    """N15: a body that sets what the issuer decides is refused, not filtered."""
    body = {"to": "did:web:a.example", "capability": {}, member: "x"}
    answer = client.post(
        f"{issuer.url}/credentials", json=body, headers={"Authorization": f"Bearer {token_of(issuer)}"}
    )

    assert (422, "request_invalid") == (answer.status_code, answer.json()["code"])


def test_every_other_route_and_method_is_a_problem(
    pair: tuple[Process, Process], issuer: Process, client: httpx.Client
) -> None:
    """404, 405 and the rest are problems too; health and readiness are not."""
    for process in (pair[0], issuer):
        for method, path, status in (("GET", "/nothing", 404), ("DELETE", "/healthz", 405), ("PUT", "/metrics", 405)):
            answer = client.request(method, f"{process.url}{path}")

            assert (status, f"http_{status}") == (answer.status_code, answer.json()["code"])
        assert [200] * 4 == [
            client.get(f"{process.url}{path}").status_code
            for path in ("/healthz", "/readyz", "/metrics", "/openapi.json")
        ]


def test_the_grant_is_what_was_asked(site: Site, pair: tuple[Process, Process], client: httpx.Client) -> None:
    """The positive control: a good presentation is accepted with its grant, an action beyond it is refused."""
    nonce = challenge_of(client, pair[1])
    body = {"presentation": site.present(nonce), "challenge": nonce, "request": READ}
    beyond = {**body, "request": {**READ, "action": "invoice.pay"}}
    refused = client.post(f"{pair[1].url}/verify", json=beyond)
    accepted = client.post(f"{pair[1].url}/verify", json=body)

    assert (403, "capability_target_mismatch") == (refused.status_code, refused.json()["code"])
    assert [grant_of(root_document(site.world))["id"]] == accepted.json()["grant"]["exercised"]
