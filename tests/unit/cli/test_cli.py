"""The command line: each verb does what it says, with its exit code and one JSON object on stdout."""

from __future__ import annotations

import json
import socket
import stat
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from agentdid.cli.main import main
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.storage import vault
from tests.stores import CHEAP, PASSPHRASE

AUDIENCE = "https://api.partner.example"
PARTNER = "did:web:partner.example"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A passphrase from the environment, quick to try, in a folder of the test's own."""
    monkeypatch.setenv("AGENTDID_PASSPHRASE", PASSPHRASE)
    monkeypatch.setattr(vault, "DEFAULT_KDF", CHEAP)
    monkeypatch.chdir(tmp_path)


class Shell:
    """Runs verbs and reads what they print."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.errors = ""

    def __call__(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """Run a verb with --json; return its one object."""
        self._capsys.readouterr()
        found = main([*arguments, "--json"])
        captured = self._capsys.readouterr()
        self.errors = captured.err

        assert (code, arguments[0]) == (found, arguments[0]), captured.out + captured.err
        return json.loads(captured.out)  # type: ignore[no-any-return]  # one object, by the contract


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    """A shell in the test's folder."""
    return Shell(capsys)


def write(name: str, value: object) -> str:
    """Write JSON and return the file's name."""
    Path(name).write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
    return name


def capability(issuer: str, **changes: object) -> dict[str, object]:
    """A capability over the partner's invoices."""
    grant = {
        "id": "g1", "from": None, "type": "http", "actions": ["invoice.read"],
        "resources": [f"{AUDIENCE}/v1/invoices"], "constraints": {}, "limits": {}, "approval": None, "autonomyMax": 2,
    } | changes  # fmt: skip
    return {
        "root": PARTNER, "principal": issuer, "purpose": "reconciliation", "grants": [grant], "audience": [PARTNER],
        "delegation": {"depth": 0, "maxDepth": 3}, "parent": None, "minSecurity": "classical",
    }  # fmt: skip


class Walk:
    """What the verbs have made so far."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.agent = shell("wallet", "init", "--wallet", "agent.wallet")["did"]
        self.issuer = shell("issuer", "init", "--db", "issuer.db")["did"]
        write("cap.json", capability(self.issuer))
        write("claims.json", {"name": "Ada", "team": "AP"})
        self.issued = shell(
            "issuer", "issue", "--db", "issuer.db", "--to", self.agent, "--capability", "cap.json", "--claims",
            "claims.json", "--disclosable", "name", "--out", "root.vc",
        )  # fmt: skip
        write(
            "trust.toml",
            f'audience = "{AUDIENCE}"\ndid = "{PARTNER}"\n[[resource]]\nprefix = "{AUDIENCE}/"\nroot = "{PARTNER}"\n'
            f'[[anchor]]\ndid = "{self.issuer}"\ntypes = ["AgentCapabilityCredential"]\nroots = ["{PARTNER}"]\n'
            'actions = ["invoice.*"]\n',
        )
        self.publish()
        shell("wallet", "receive", "root.vc", "--wallet", "agent.wallet", *self.offline)

    offline = ("--trust", "trust.toml", "--sources", "sources.json")

    def publish(self) -> None:
        """Have the issuer's lists in the sources file."""
        files = self.shell("issuer", "publish", "--db", "issuer.db", "--out", "site")["files"]
        write("sources.json", {url: json.loads(Path(place).read_text("utf-8")) for url, place in files.items()})

    def present(self, *more: str) -> str:
        """Write a presentation and return the file's name."""
        self.shell(
            "wallet", "present", "--wallet", "agent.wallet", "--challenge", "c", "--audience", AUDIENCE,
            "--out", "p.vp",
            *more,
        )  # fmt: skip
        return "p.vp"

    def verify(self, file: str, *more: str, code: int = 0) -> dict[str, Any]:
        """Judge a file offline."""
        return self.shell("verify", file, *self.offline, *more, code=code)


@pytest.fixture
def walk(shell: Shell) -> Walk:
    """A walk up to a received credential."""
    return Walk(shell)


ACT = ("--action", "invoice.read", "--resource", f"{AUDIENCE}/v1/invoices/7")


@pytest.mark.parametrize("form", ["vp+jwt", "eddsa-jcs-2022"])
def test_the_walk(walk: Walk, form: str) -> None:
    """Issue, receive, present, verify, judge a request, replay the evidence, revoke, refuse."""
    presented = walk.present("--format", form)
    accepted = walk.verify(presented, "--challenge", "c", *ACT, "--evidence", "evidence.json")
    replayed = walk.shell("replay", "evidence.json")
    walk.shell("issuer", "revoke", "--db", "issuer.db", "--credential", walk.issued["id"])
    walk.publish()
    refused = walk.verify(presented, "--challenge", "c", *ACT, code=1)

    assert ("accepted", None) == (accepted["outcome"], accepted["code"])
    assert {"passed"} == {check["outcome"] for check in accepted["checks"]}
    assert [{"outcome": "accepted", "code": None}] == replayed["decisions"]
    assert ("refused", "status_revoked") == (refused["outcome"], refused["code"])


def test_delegation(walk: Walk) -> None:
    """A chain written by the wallet is received by another and verifies; a wider one is refused."""
    sub = walk.shell("wallet", "init", "--wallet", "sub.wallet", "--key", "p256")["did"]
    write("less.json", capability(walk.issuer, **{"from": "g1", "resources": [f"{AUDIENCE}/v1/invoices/7"]}))
    write("more.json", capability(walk.issuer, **{"from": "g1", "actions": ["invoice.read", "invoice.pay"]}))
    delegate = ("wallet", "delegate", "--wallet", "agent.wallet", "--credential", walk.issued["id"], "--to", sub)
    walk.shell(*delegate, "--capability", "less.json", "--ttl", "5m", "--out", "chain.json")
    refused = walk.shell(*delegate, "--capability", "more.json", "--ttl", "5m", code=1)
    walk.shell("wallet", "receive", "chain.json", "--wallet", "sub.wallet", *walk.offline)
    walk.shell(
        "wallet", "present", "--wallet", "sub.wallet", "--challenge", "c", "--audience", AUDIENCE, "--out", "s.vp"
    )

    assert 2 == len(json.loads(Path("chain.json").read_text("utf-8")))
    assert "capability_not_attenuated" == refused["code"]
    assert "accepted" == walk.verify("chain.json", "--credential")["outcome"]
    assert "accepted" == walk.verify("s.vp", "--challenge", "c", *ACT)["outcome"]
    assert (
        "capability_target_mismatch"
        == walk.verify(
            "s.vp", "--challenge", "c", "--action", "invoice.read", "--resource", f"{AUDIENCE}/v1/invoices/8", code=1
        )["code"]
    )


def test_an_issuer_hangs_a_link_on_a_parent(walk: Walk) -> None:
    """`issue --parent` writes the chain, which the next wallet receives."""
    walk.shell("issuer", "init", "--db", "company.db", "--did", "did:web:acme.example")
    write("root.json", capability("did:web:acme.example"))
    walk.shell(
        "issuer", "issue", "--db", "issuer.db", "--to", "did:web:acme.example", "--capability", "root.json", "--ttl",
        "2h", "--out", "company.vc",
    )  # fmt: skip
    write("child.json", capability("did:web:acme.example", **{"from": "g1"}))
    made = walk.shell(
        "issuer", "issue", "--db", "company.db", "--to", walk.agent, "--capability", "child.json", "--parent",
        "company.vc", "--out", "chain.json",
    )  # fmt: skip

    assert made["chain"] == json.loads(Path("chain.json").read_text("utf-8"))
    assert 2 == len(made["chain"])


def corrupt(text: str) -> str:
    """Change one character of the presentation's own signature."""
    at = len(text.strip()) - 30
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


@pytest.mark.parametrize(
    ("name", "more", "code", "exit_code"),
    [
        ("tampered", ("--challenge", "c"), "signature_invalid", 1),
        ("presented", ("--challenge", "d"), "nonce_mismatch", 1),
        ("presented", (), "nonce_mismatch", 1),
        ("presented", ("--challenge", "c", "--credential"), "typ_mismatch", 1),
        ("presented", ("--challenge", "c", "--at", "2036-01-01T00:00:00Z"), "expired", 1),
        ("elsewhere", ("--challenge", "c"), "audience_mismatch", 1),
        ("duplicate", (), "json_duplicate_key", 4),
        ("nothing", (), "json_invalid", 4),
        ("huge", (), "input_too_large", 4),
    ],
)
def test_refusals(walk: Walk, name: str, more: tuple[str, ...], code: str | None, exit_code: int) -> None:
    """Each with its code, its exit code, and no traceback."""
    text = Path(walk.present()).read_text("utf-8")
    if name == "elsewhere":
        walk.shell(
            "wallet", "present", "--wallet", "agent.wallet", "--challenge", "c", "--audience", "https://other.example",
            "--out", "elsewhere.vp",
        )  # fmt: skip
        text = Path("elsewhere.vp").read_text("utf-8")
    files = {
        "tampered": corrupt(text), "presented": text, "elsewhere": text, "duplicate": '{"a":1,"a":2}', "nothing": "",
        "huge": '"' + "x" * 300_000 + '"',
    }  # fmt: skip
    answer = walk.verify(write("input", files[name]), *more, code=exit_code)

    if code is not None:
        assert code == answer["code"]
    assert answer["outcome"] in ("refused", "malformed")


def test_without_a_trust_file_nobody_is_trusted(walk: Walk) -> None:
    """The empty policy denies everything."""
    assert walk.shell("verify", "root.vc", "--sources", "sources.json", code=1)["code"] in (
        "chain_root_untrusted", "issuer_untrusted",
    )  # fmt: skip


def test_a_missing_source_is_undecided(walk: Walk) -> None:
    """Without the list nothing is known, and nothing is accepted."""
    write("sources.json", {})

    assert "status_unavailable" == walk.verify("root.vc", code=3)["code"]


def test_dids(shell: Shell) -> None:
    """Made, kept, resolved; errors by their DID Resolution names."""
    made = shell("did", "create", "--method", "key", "--key", "p256", "--out", "key.json")
    site = shell("did", "create", "--method", "web", "--host", "example.com:8443", "--wallet", "w.wallet")
    write("sources.json", {site["did"]: site["didDocument"]})

    assert made["didDocument"] == shell("did", "resolve", made["did"])["didDocument"]
    assert 0o600 == stat.S_IMODE(Path("key.json").stat().st_mode)
    assert "did:web:example.com%3A8443" == site["did"]
    assert site["didDocument"] == shell("did", "resolve", site["did"], "--sources", "sources.json")["didDocument"]
    assert [site["did"]] == shell("wallet", "list", "--wallet", "w.wallet")["dids"]
    write("sources.json", {})
    for did, name, code in (
        ("did:example:1", "methodNotSupported", 1),
        ("did:key:z0", "invalidDid", 4),
        (site["did"], "notFound", 3),
    ):
        answer = shell("did", "resolve", did, "--sources", "sources.json", code=code)
        assert name == answer["didResolutionMetadata"]["error"]["title"]
    shell("did", "create")
    assert "dropped" in shell.errors


@pytest.mark.parametrize(
    ("arguments", "prefix"),
    [
        (("--method", "jwk", "--key", "composite"), "did:jwk:ey"), (("--method", "jwk"), "did:jwk:ey"),
        (("--method", "peer"), "did:peer:4zQm"), (("--method", "peer", "--numalgo", "2"), "did:peer:2.Vz6Mk"),
        (("--key", "p384"), "did:key:z82L"), (("--key", "p521"), "did:key:z2J9"), (("--key", "mldsa44"), "did:key:u"),
    ],
)  # fmt: skip
def test_dids_of_every_method(arguments: tuple[str, ...], prefix: str, shell: Shell) -> None:
    """Made, kept in the wallet, and resolved to the document that was shown."""
    made = shell("did", "create", *arguments, "--wallet", "w.wallet")

    assert made["did"].startswith(prefix)
    assert made["didDocument"] == shell("did", "resolve", made["did"])["didDocument"]
    assert [made["did"]] == shell("wallet", "list", "--wallet", "w.wallet")["dids"]


def test_did_urls_and_options(shell: Shell) -> None:
    """A DID URL gives what it names; an option changes how a key is shown; errors by their names."""
    did = shell("did", "create")["did"]
    method = shell("did", "resolve", f"{did}#{did[8:]}")
    shown = shell("did", "resolve", did, "--option", "publicKeyFormat=JsonWebKey2020")

    assert did == method["content"]["controller"]
    assert "JsonWebKey2020" == shown["didDocument"]["verificationMethod"][0]["type"]
    found = shell("did", "resolve", f"{did}#x", code=3)
    assert "notFound" == found["didUrlDereferencingMetadata"]["error"]["title"]
    found = shell("did", "resolve", f"{did}/^", code=4)
    assert "https://www.w3.org/ns/did#INVALID_DID_URL" == found["didUrlDereferencingMetadata"]["error"]["type"]
    shell("did", "resolve", did, "--option", "nonsense", code=2)


@pytest.mark.parametrize("form", ["jwt", "data-integrity"])
def test_domains_are_linked(form: str, shell: Shell) -> None:
    """What the origin serves is made by the wallet, and found to hold; another origin's is not."""
    site = shell("did", "create", "--method", "web", "--host", "acme.example", "--wallet", "w.wallet")
    did, origin = site["did"], "https://acme.example"
    made = shell(
        "did", "link-domain", "--wallet", "w.wallet", "--did", did, "--origin", origin, "--format", form,
        "--out", "did-configuration.json",
    )  # fmt: skip
    served = json.loads(Path("did-configuration.json").read_text("utf-8"))
    write("sources.json", {did: site["didDocument"], made["url"]: served, f"{made['url'][:-5]}x": served})

    assert f"{origin}/.well-known/did-configuration.json" == made["url"]
    check = ("did", "link-domain", "--check", "--sources", "sources.json", "--did", did)
    assert origin == shell(*check, "--origin", origin)["origin"]
    shell(*check, "--origin", "https://other.example", code=3)
    write("sources.json", {did: site["didDocument"], made["url"]: {**served, "linked_dids": []}})
    assert "issuer_untrusted" == shell(*check, "--origin", origin, code=1)["code"]
    shell("did", "link-domain", "--did", did, "--origin", origin, code=2)


def test_a_resolver_that_the_trust_file_names(shell: Shell) -> None:
    """Nobody is asked about other methods unless the file says whom; then it is."""
    write(
        "trust.toml",
        'audience = "a"\ndid = "did:web:a.example"\n[resolver]\nurl = "https://r.example"\nmethods = ["ion"]\n',
    )
    url = "https://r.example/1.0/identifiers/did:ion:abc"
    write("sources.json", {url: {"didDocument": {"id": "did:ion:abc"}, "didDocumentMetadata": {}}})
    arguments = ("did", "resolve", "did:ion:abc", "--sources", "sources.json")

    assert {"id": "did:ion:abc"} == shell(*arguments, "--trust", "trust.toml")["didDocument"]
    assert "did_method_unsupported" == shell(*arguments, code=1)["code"]


@pytest.mark.parametrize(("verb", "path"), [("resolver", "/1.0/identifiers/"), ("vc-api", "/did/")])
def test_services_that_resolve(verb: str, path: str) -> None:
    """Started as a process, asked over HTTP, stopped; the VC-API instance writes whose keys it signs with."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "agentdid.cli.main", "serve", verb, "--port", str(port)]
    if verb == "vc-api":
        command += ["--manifest", "manifest.json"]
    did = "did:key:z6MktKwz7Ge1Yxzr4JHavN33wiwa8y81QdcMRLXQsrH9T53b"
    with subprocess.Popen(command) as process:
        try:
            answer = None
            for _ in range(200):
                with suppress(httpx.TransportError):
                    answer = httpx.get(f"http://127.0.0.1:{port}{path}{did.replace(':', '%3A')}", trust_env=False)
                    break
                time.sleep(0.1)
        finally:
            process.terminate()
            process.wait(20)

    assert answer is not None
    assert did == answer.json()["didDocument"]["id"]
    if verb == "vc-api":
        assert {"ed", "p256", "p384"} <= json.loads(Path("manifest.json").read_text("utf-8")).keys()


def test_show_and_list(walk: Walk) -> None:
    """The holder reads all of it; a wrong id is said to be wrong."""
    shown = walk.shell("wallet", "show", "--wallet", "agent.wallet", "--credential", walk.issued["id"])
    listed = walk.shell("issuer", "list", "--db", "issuer.db")["credentials"]

    assert "Ada" == shown["documents"][0]["credentialSubject"]["name"]
    assert [walk.issued["id"]] == [row["id"] for row in listed]
    walk.shell("wallet", "show", "--wallet", "agent.wallet", "--credential", "urn:none", code=1)


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify",), ("verify", "nofile"), ("nonsense",), ("verify", "x", "--nonsense"),
        ("issuer", "init", "--db", "x.db", "--method", "webvh"), ("did", "create", "--key", "rsa"),
        ("issuer", "init", "--db", "x.db", "--base-url", "http://plain.example"),
        ("wallet", "delegate", "--wallet", "w"),
    ],
)  # fmt: skip
def test_usage_errors(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and a line that says what was wrong; no traceback, and no file left behind."""
    assert 2 == main(list(arguments))
    assert "Traceback" not in capsys.readouterr().err
    assert not Path("x.db").exists()


def test_a_bad_trust_file_is_a_usage_error(walk: Walk) -> None:
    """An unknown key is named."""
    write("trust.toml", 'audience = "a"\ndid = "did:web:a.example"\nsurprise = 1\n')

    assert "surprise" in walk.verify("root.vc", code=2)["detail"]


def test_a_changed_bundle_is_found(walk: Walk) -> None:
    """Replay of evidence with one changed byte is refused."""
    walk.verify(walk.present(), "--challenge", "c", "--evidence", "evidence.json")
    text = Path("evidence.json").read_text("utf-8")
    write("evidence.json", text.replace('"at":"2', '"at":"3', 1))

    assert "evidence_mismatch" == walk.shell("replay", "evidence.json", code=1)["code"]


def test_a_wrong_passphrase(walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    """store_locked, exit 1; without any passphrase, a usage error."""
    monkeypatch.setenv("AGENTDID_PASSPHRASE", "wrong")
    assert "store_locked" == walk.shell("wallet", "list", "--wallet", "agent.wallet", code=1)["code"]
    write("passphrase", PASSPHRASE + "\n")
    walk.shell("wallet", "list", "--wallet", "agent.wallet", "--passphrase-file", "passphrase")
    monkeypatch.delenv("AGENTDID_PASSPHRASE")
    walk.shell("wallet", "list", "--wallet", "agent.wallet", code=2)


def test_doctor(shell: Shell) -> None:
    """It says what is here."""
    answer = shell("doctor")

    assert dict.fromkeys(ALGORITHMS, "works") == answer["algorithms"]
