"""`POST /{instance}/credentials/issue`: a credential as it was sent, held to the data model, and signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast, final

from agentdid.canon.contexts import OPEN
from agentdid.canon.jsonld import to_quads
from agentdid.credential.parse import parse_credential
from agentdid.credential.related import check_known
from agentdid.did import key as did_key
from agentdid.errors import CredentialExists, ProofSuiteUnsupported, TypeMismatch
from agentdid.http.vc_api.instances import ENVELOPE, Instance
from agentdid.proof.suites import SELECTIVE, SUITES
from agentdid.secure import data_integrity, vc_jwt
from agentdid.secure.derivation import add_base_proof, derive
from agentdid.secure.envelope import envelop
from agentdid.status.bitstring import ENTRY_TYPE, parse_entry

if TYPE_CHECKING:
    from agentdid.clock import Clock
    from agentdid.http.vc_api.lists import OwnLists
    from agentdid.keys.secret import SecretKey

_DATA_INTEGRITY_V2: Final = "https://w3id.org/security/data-integrity/v2"


@final
class Issuing:
    """The issuers of one process."""

    def __init__(self, keys: dict[str, SecretKey], lists: OwnLists, clock: Clock) -> None:
        self._keys = keys
        self._lists = lists
        self._clock = clock

    def issue(self, instance: Instance, given: object, options: dict[str, object], base_url: str) -> dict[str, object]:
        """Return the credential secured as the instance does it.

        Args:
            instance: How, and by whom.
            given: `credential` of the request.
            options: `options` of the request; `mandatoryPointers` is read.
            base_url: Where this service is called, for URLs of status lists.

        Raises:
            Malformed, Refused: It is no credential that can be secured.
        """
        if type(given) is not dict:
            raise TypeMismatch("expected an object", path="/credential")
        document = given.copy()
        earlier = _take_proofs(document)
        pointers = read_pointers(options, "mandatoryPointers")
        _check(document)
        at = self._clock.now().replace(microsecond=0)
        secret = self._keys[instance.issuer]
        did = did_key.create(secret.public)
        method_id = f"{did}#{did.removeprefix(did_key.PREFIX)}"
        if instance.has_status:
            document = self._with_status(document, base_url)
        if instance.form == ENVELOPE:
            document = {**document, "proof": earlier} if earlier else document
            return envelop(vc_jwt.issue(document, secret, method_id, claims={"iat": int(at.timestamp())}))
        document = _with_context(document, instance.form)
        suite = SUITES.get(instance.form)
        if instance.form in SELECTIVE:
            secured = add_base_proof(
                document, secret, method_id, instance.form, pointers=pointers, created=at, rules=OPEN
            )
        elif suite is None:
            raise ProofSuiteUnsupported(f"{instance.form} does not sign here")
        else:
            secured = data_integrity.add_proof(document, secret, method_id, suite, created=at, rules=OPEN)
        return {**secured, "proof": [*earlier, secured["proof"]]} if earlier else secured

    def _with_status(self, document: dict[str, object], base_url: str) -> dict[str, object]:
        credential = parse_credential(document)
        if credential.id is None:
            raise TypeMismatch("a credential with a status has an id", path="/id")
        try:
            entry = self._lists.allot(credential.id, credential.subjects[0] or "", base_url)
        except CredentialExists as error:
            error.path = "/id"
            raise
        status = [*credential.status, entry]
        return {**document, "credentialStatus": status if credential.status else entry}


def _check(document: dict[str, object]) -> None:
    """Hold that the document is a credential, and that its contexts define every word of it."""
    credential = parse_credential(document)
    to_quads(document, rules=OPEN)
    check_known(document, bare=True)
    for entry in credential.status:
        if entry["type"] == ENTRY_TYPE:
            parse_entry(entry, "/credentialStatus")


def _take_proofs(document: dict[str, object]) -> list[dict[str, object]]:
    """Return the proofs that somebody else put on, and take them off the document: ours stands beside them."""
    if "proof" not in document:
        return []
    value = document.pop("proof")
    proofs = value if type(value) is list else [value]
    for each in proofs:
        if type(each) is not dict or type(each.get("type")) is not str:
            raise TypeMismatch("expected proof objects with a type", path="/proof")
    return cast("list[dict[str, object]]", proofs)


def _with_context(document: dict[str, object], form: str) -> dict[str, object]:
    """Return the document with a context that defines its proof, at the end: VCDM 2.0's own knows Data Integrity."""
    suite = SUITES.get(form) or SELECTIVE.get(form)
    wanted = (_DATA_INTEGRITY_V2,) if suite is None else suite.contexts
    contexts = cast("list[Any]", document["@context"])
    if any(each in wanted for each in contexts if isinstance(each, str)):
        return document
    return {**document, "@context": [*contexts, wanted[0]]}


def read_pointers(options: dict[str, object], name: str) -> list[str]:
    """Return the JSON Pointers of an option; none without it. Raises `TypeMismatch`."""
    value = options.get(name, [])
    if type(value) is not list or not all(type(each) is str for each in value):
        raise TypeMismatch("expected a list of JSON Pointers", path=f"/options/{name}")
    return value


def derive_credential(given: object, options: dict[str, object]) -> dict[str, object]:
    """Return what a holder shows of a credential with a base proof.

    Args:
        given: `verifiableCredential` of the request.
        options: `selectivePointers` are read.

    Raises:
        Malformed, Refused: It carries no base proof, or a pointer leads nowhere.
    """
    if type(given) is not dict:
        raise TypeMismatch("expected an object", path="/verifiableCredential")
    return derive(given, read_pointers(options, "selectivePointers"), rules=OPEN)
