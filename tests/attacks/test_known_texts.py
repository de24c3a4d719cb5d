"""Credentials that came before are not read again; what differs by a byte is, and ends as with a fresh verifier."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.codec.strict_json import encode
from agentdid.errors import AgentdidError
from agentdid.proof.suites import SUITES
from agentdid.secure import closed_tokens, data_integrity
from agentdid.secure.mechanism import Signature
from agentdid.verify import inputs, structure
from agentdid.verify.memory import Memory
from tests.chains import JCS, SD_JWT, chain_of
from tests.world import Party, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdid.keys.public import PublicKey
    from agentdid.verifier.service import Verifier

_NONCES = count()


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The credentials that were read, as it happens; the real reader runs."""
    seen: list[object] = []
    real = structure.read_credential

    def read_credential(item: object, *args: Any, **options: Any) -> Any:  # noqa: ANN401  # as the real one
        seen.append(item)
        return real(item, *args, **options)

    real_link = inputs._read_link  # of the closed form

    def read_link(case: Any, octets: bytes, position: int) -> Any:  # noqa: ANN401  # as the real one
        link = real_link(case, octets, position)
        if link is not None:
            seen.append(octets)
        return link

    real_token = closed_tokens.read_link

    def read_token(token: str, *args: Any) -> Any:  # noqa: ANN401  # as the real one
        link = real_token(token, *args)
        if link is not None:
            seen.append(token)
        return link

    monkeypatch.setattr(structure, "read_credential", read_credential)
    monkeypatch.setattr(inputs, "_read_link", read_link)
    monkeypatch.setattr(closed_tokens, "read_link", read_token)
    return seen


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The DIDs whose signatures were checked, as it happens; the real check runs."""
    seen: list[str] = []
    real = Signature.check

    def check(self: Signature, key: PublicKey) -> None:
        seen.append(self.did)
        real(self, key)

    monkeypatch.setattr(Signature, "check", check)
    return seen


def employee(world: World) -> dict[str, Any]:
    """A credential of no chain, which the policy of `judge` lets acme issue."""
    document: dict[str, Any] = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": "urn:uuid:1",
        "type": ["VerifiableCredential", "EmployeeCredential"],
        "issuer": world.acme.did,
        "credentialSubject": {"id": world.agent.did, "name": "Ada", "list": [1, {"a": None}]},
    }
    suite = SUITES["eddsa-jcs-2022"]
    return data_integrity.add_proof(document, world.acme.secret, world.acme.method_id, suite, created=world.now)


def judge(world: World, **options: Any) -> Verifier:  # noqa: ANN401  # as the verifier's
    """A verifier that believes acme about its employees."""
    anchor = [{"did": world.acme.did, "types": ["EmployeeCredential"]}]
    return world.verifier(trust=world.trust(anchor=anchor), **options)


def code(act: Callable[[], object]) -> tuple[str, str] | None:
    """The code and the path with which it ends, `None` for a decision."""
    try:
        act()
    except AgentdidError as error:
        return error.code, error.path
    return None


def test_a_credential_that_comes_again_is_read_twice_at_most(
    world: World, read: list[object], checked: list[str]
) -> None:
    """It is kept when it comes again; its signature is checked every time."""
    verifier, text = judge(world), encode(employee(world))
    for _ in range(5):
        verifier.verify_credential(text)

    assert 2 == len(read)
    assert 5 == checked.count(world.acme.did)


@pytest.mark.parametrize("form", [JCS, SD_JWT])
def test_with_signatures_forgotten_each_is_checked(
    world: World, form: str, read: list[object], checked: list[str]
) -> None:
    """`Memory(signatures=False)` knows what links say, and checks every signature every time."""
    verifier, chain = world.verifier(memory=Memory(signatures=False)), chain_of(world, form=form)
    for _ in range(3):
        present(world, verifier, chain, form)

    assert 1 == len([each for each in read if "BitstringStatusListCredential" not in str(each)])
    assert 3 + 1 == checked.count(world.acme.did)


def test_a_changed_byte_is_another_credential(world: World) -> None:
    """However often the good one came."""
    verifier, good = judge(world), encode(employee(world))
    for _ in range(3):
        verifier.verify_credential(good)

    assert ("signature_invalid", "") == code(lambda: verifier.verify_credential(good.replace(b"Ada", b"Adb")))
    assert code(lambda: verifier.verify_credential(good)) is None


def test_what_was_refused_is_refused_again(world: World) -> None:
    """Nothing is remembered of a credential that did not pass."""
    verifier = judge(world)
    bad = encode(employee(world)).replace(b"Ada", b"Adb")
    for _ in range(3):
        assert ("signature_invalid", "") == code(lambda: verifier.verify_credential(bad))


def test_another_policy_reads_it_again(world: World) -> None:
    """A memory may be shared: what a narrower policy refuses, it refuses."""
    memory, text = Memory(), encode(employee(world))
    for _ in range(3):
        judge(world, memory=memory).verify_credential(text)
    narrow = world.trust(
        anchor=[{"did": world.acme.did, "types": ["EmployeeCredential"]}], limits={"max_proofs": 1, "max_depth": 3}
    )
    verifier = world.verifier(trust=narrow, memory=memory)

    assert "json_too_deep" == code(lambda: verifier.verify_credential(text))[0]  # type: ignore[index]  # it is refused


def test_another_policys_proofs_are_not_those_that_count(world: World) -> None:
    """What one policy passed over in a text, another one that shares the memory looks at."""
    signed = employee(world)
    text = encode({**signed, "proof": [signed["proof"], {"type": "Unknown2099"}]})
    ours = {"did": world.acme.did, "types": ["EmployeeCredential"]}
    theirs = {"did": world.stranger.did, "types": ["EmployeeCredential"]}
    asking, memory = {"required_proofs": [JCS]}, Memory()
    one = world.verifier(trust=world.trust(anchor=[ours | asking, theirs]), memory=memory)
    other = world.verifier(trust=world.trust(anchor=[theirs | asking, ours]), memory=memory)
    for _ in range(3):
        one.verify_credential(text)

    assert "proof_suite_unsupported" == code(lambda: other.verify_credential(text))[0]  # type: ignore[index]  # refused
    assert code(lambda: one.verify_credential(text)) is None


def present(world: World, verifier: Verifier, chain: list[Any], form: str, *, by: Party | None = None) -> None:
    """Present a chain anew."""
    nonce = f"nonce-{next(_NONCES)}"
    presented = world.present(chain, by or world.agent, challenge=nonce, form="vp+jwt" if form == SD_JWT else JCS)
    verifier.verify(presented.encode() if isinstance(presented, str) else presented, challenge=nonce)


def _twice(text: str) -> str:
    return text.replace('"name":', '"name":"x","name":', 1)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_twice, id="a member twice"),
        pytest.param(lambda text: text.replace('"a":null', '"a": null'), id="white space inside"),
        pytest.param(lambda text: text.replace('"list":[1', '"list":[1e400'), id="a number out of range"),
        pytest.param(lambda text: text.replace('"list":[1', '"list":[9007199254740993'), id="an integer out of range"),
        pytest.param(lambda text: text.replace('"list":[1', '"list":[1.5'), id="a float"),
        pytest.param(
            lambda text: text.replace('"list":[1', '"list":[' + "[" * 59 + "]" * 59 + ",1"), id="as deep as may be"
        ),
        pytest.param(lambda text: text.replace('"list":[1', '"list":[' + "[" * 60 + "]" * 60 + ",1"), id="too deep"),
        pytest.param(lambda text: text.replace("Ada", "Åsa"), id="beyond ASCII"),
        pytest.param(lambda text: text.replace("Ada", "\\u0041da"), id="spelled otherwise"),
        pytest.param(lambda text: text.replace('{"@context"', '"x",{"@context"', 1), id="not an object"),
        pytest.param(
            lambda text: text.replace('"proof":', '"verifiableCredential":[],"proof":', 1), id="the member again"
        ),
        pytest.param(lambda text: text + "x", id="trailing"),
        pytest.param(lambda text: text, id="as it was"),
    ],
)
@pytest.mark.parametrize("known", [False, True])
def test_parts_are_judged_as_the_whole(
    world: World, monkeypatch: pytest.MonkeyPatch, change: Callable[[str], str], known: bool
) -> None:
    """A presentation whose credentials are parsed apart ends as it does parsed as one, by code and path."""
    verifier = judge(world)
    credential = employee(world)
    nonce = f"nonce-{next(_NONCES)}"
    whole = json.loads(str(world.present([credential], world.agent, challenge=nonce, form=JCS)))
    text = encode(whole).decode()
    if known:
        for _ in range(2):
            verifier.verify_credential(encode(credential))
            verifier.inspect(encode(whole), challenge=nonce)
    changed = change(text).encode()
    apart = verifier.inspect(changed, holder=True, challenge=nonce)
    monkeypatch.setattr(inputs, "_split", lambda _: None)
    as_one = judge(world).inspect(changed, holder=True, challenge=nonce)

    assert as_one.encode() == apart.encode()


def test_the_credentials_are_those_of_the_presentation(world: World) -> None:
    """An array of the same name further in is not taken for it."""
    verifier = judge(world)
    nonce = f"nonce-{next(_NONCES)}"
    whole = json.loads(str(world.present([employee(world)], world.agent, challenge=nonce, form=JCS)))
    inner = {"termsOfUse": {"type": "X", "verifiableCredential": whole["verifiableCredential"]}, **whole}

    assert "signature_invalid" == verifier.inspect(encode(inner), holder=True, challenge=nonce).code
