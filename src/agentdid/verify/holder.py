"""The holder's side: who presents, to whom, in answer to which challenge, when, and with which HTTP request."""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING, Final

from agentdid.clock import seconds
from agentdid.did.key import same_did
from agentdid.errors import (
    AudienceMismatch,
    Expired,
    HolderBindingFailed,
    InvalidChallengeError,
    InvalidDomainError,
    KbSdHashMismatch,
    Malformed,
    NonceExpired,
    NonceMismatch,
    Refused,
    TypeMismatch,
)
from agentdid.verify.case import IssuedHere
from agentdid.verify.needs import NeedNonce
from agentdid.verify.signatures import KEY_BINDING, find_document

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from agentdid.secure.mechanism import Binding, Secured, Signature
    from agentdid.verify.case import Case
    from agentdid.verify.needs import Need, Reply
    from agentdid.verify.states import Link

_TOKENS: Final = frozenset({"vp+jwt", "vp+sd-jwt", "vp+cose", KEY_BINDING})
"""Forms that answer with the codes of tokens; Data Integrity has its own."""


def check_holder(case: Case) -> Generator[Need, Reply, None]:
    """Hold that the subject presents, here, now, in answer to our challenge, with this request and no other.

    Raises:
        KbSdHashMismatch: A key binding that was made for another presentation.
        HolderBindingFailed: Presenter, `cnf`, HTTP request or what a proof was derived for differ from what was signed.
        AudienceMismatch, InvalidDomainError: Another audience, several or none; or a capability for another verifier.
        NonceMismatch, InvalidChallengeError, NonceExpired: Another challenge, none, or one too old.
        IssuedInFuture, NotYetValid, Expired, TypeMismatch: The presentation's own time.

    Spec: specs/verification.md V16-V22.
    """
    presentation = case.parsed.presentation
    if presentation is None or presentation.binding is None:
        message = "check_holder needs a presentation"
        raise TypeError(message)
    did = presentation.signer
    _check_presenter(case, did, presentation.claims)
    if case.parsed.holder is None:
        _check_self_asserted(case, did)
    for link in case.parsed.links:
        if "cnf" in link.secured.claims and link.subject == did:
            yield from _check_confirmation(case, presentation, link)
    binding = presentation.binding
    if not binding.covers:
        raise KbSdHashMismatch("the key binding was made for another presentation", path="/sd_hash")
    _check_audience(case, presentation.form, binding)
    _check_nonce(case, presentation.form, binding)
    if case.question.trust.profile.bound_audience:
        _check_derived(case, binding)
    if isinstance(case.question.challenge, IssuedHere):
        _check_issued(presentation.form, (yield NeedNonce(str(binding.nonce))))
    _check_time(case, presentation, binding)
    _check_request(case, binding)


def _check_presenter(case: Case, did: str, claims: Mapping[str, object]) -> None:
    parsed, alone = case.parsed, (did,)
    for link in parsed.links if case.question.trust.profile.bound_subject else ():
        if link.credential.subjects != alone and (link.capability is None or link is parsed.chain[-1]):
            raise HolderBindingFailed("the presenter is not the subject", path=f"{link.path}/credentialSubject/id")
    if claims.get("iss", did) != did:
        raise HolderBindingFailed("iss is not the presenter", path="/iss")


def _check_self_asserted(case: Case, did: str) -> None:
    """Who presents what it said itself names itself as holder (VCDM 2.0 section 4.13.3)."""
    for link in case.parsed.others:
        if same_did(link.credential.issuer, did):
            raise HolderBindingFailed("a self-asserted credential is presented by a named holder", path="/holder")


def _check_confirmation(case: Case, presentation: Secured, link: Link) -> Generator[Need, Reply, None]:
    """A link's `cnf` names the only key that may present it (RFC 7800); it restricts, it never adds."""
    confirmation, path = link.secured.claims["cnf"], f"{link.path}/cnf"
    if not isinstance(confirmation, dict) or len(confirmation) != 1:
        raise HolderBindingFailed("expected cnf to name one key by jwk or kid", path=path)
    for signature in presentation.signatures:
        if signature.key is not None:
            if link.capability is not None:
                yield from _check_listed(case, link, signature)
            continue
        if "kid" in confirmation:
            if confirmation["kid"] != signature.method_id:
                raise HolderBindingFailed("presented with another key than cnf names", path=path)
            continue
        document = yield from find_document(case, signature.did)
        key = document.find_key(signature.method_id, signature.purpose, case.question.at)
        from agentdid.keys.jwk import decode_jwk  # noqa: PLC0415  # few credentials name a key

        try:
            named = decode_jwk(confirmation.get("jwk"))
        except Malformed:
            raise HolderBindingFailed("expected cnf to name one key by jwk or kid", path=path) from None
        if named != key:
            raise HolderBindingFailed("presented with another key than cnf names", path=path)


def _check_listed(case: Case, link: Link, signature: Signature) -> Generator[Need, Reply, None]:
    """Of a capability `cnf` only restricts: the subject's DID must list the key that `cnf` carries."""
    document = yield from find_document(case, signature.did)
    for method_id in document.relationships.get(signature.purpose, ()):
        try:
            if document.find_key(method_id, signature.purpose, case.question.at) == signature.key:
                return
        except (Malformed, Refused):
            continue  # a method that is of no use to anybody
    raise HolderBindingFailed("the subject's DID does not list the key of cnf", path=f"{link.path}/cnf")


def _check_audience(case: Case, form: str, binding: Binding) -> None:
    trust = case.question.trust
    if not trust.audience and not trust.profile.bound_audience:
        return
    # Deviation D8: type and bytes; an array, even of one, is refused (ATTACKS C14, D22, E11)
    if type(binding.audience) is not str or not trust.audience or binding.audience != trust.audience:
        if form in _TOKENS:
            raise AudienceMismatch("expected the verifier's audience, byte for byte", path="/aud")
        raise InvalidDomainError("expected the verifier's audience, byte for byte", path="/proof/domain")
    for link in case.parsed.chain:
        if link.capability is not None and trust.did not in link.capability.audience:
            raise AudienceMismatch(
                "the capability is not for this verifier", path=f"{link.path}/credentialSubject/capability/audience"
            )


def _check_nonce(case: Case, form: str, binding: Binding) -> None:
    expected = case.question.challenge
    if expected is None and not case.question.trust.profile.bound_audience:
        return
    if type(binding.nonce) is not str or not binding.nonce:
        raise _wrong_nonce(form, "expected the nonce of the challenge")
    if expected is None:
        raise _wrong_nonce(form, "no challenge was handed out that this could answer")
    named = expected.nonce if isinstance(expected, IssuedHere) else expected
    if named is not None and not compare_digest(binding.nonce.encode(), named.encode()):
        raise _wrong_nonce(form, "expected the nonce of the challenge")


def _check_derived(case: Case, binding: Binding) -> None:
    """What was derived under bbs-2023 says for whom; kept for another occasion it serves nobody (ATTACKS G13)."""
    expected: bytes | None = None
    for link in case.parsed.links:
        for signature in link.secured.signatures:
            header = None if signature.proof is None else signature.proof.presentation_header
            if header is None:
                continue
            if expected is None:
                from agentdid.secure.derivation import bind  # noqa: PLC0415  # most credentials are not derived

                expected = bind(case.question.trust.audience, str(binding.nonce))
            if not compare_digest(header, expected):
                raise HolderBindingFailed("derived for another audience or challenge", path=f"{link.path}/proof")


def _check_issued(form: str, answer: Reply) -> None:
    if answer == "expired":
        raise NonceExpired("the challenge is too old, or its store was lost; ask for another", path=_nonce_path(form))
    if answer != "ours":
        raise _wrong_nonce(form, "this challenge was not handed out here")


def _wrong_nonce(form: str, detail: str) -> Refused:
    return (NonceMismatch if form in _TOKENS else InvalidChallengeError)(detail, path=_nonce_path(form))


def _nonce_path(form: str) -> str:
    return "/nonce" if form in _TOKENS else "/proof/challenge"


def _check_time(case: Case, presentation: Secured, binding: Binding) -> None:
    limits = case.question.trust.limits
    if not case.question.trust.profile.bound_time:
        _check_stated_time(case, presentation, binding)
        return
    if binding.issued is None or binding.expires is None:
        raise TypeMismatch("a presentation says when it was made and when it ends", path="/proof/expires")
    if binding.expires < binding.issued:
        raise TypeMismatch("a presentation ends after it was made", path="/exp")
    life = limits.max_kb_age_s if presentation.form == KEY_BINDING else limits.max_presentation_life_s
    if binding.expires - binding.issued > seconds(life):
        raise Expired(f"a presentation lives at most {life} s", path="/exp")
    now = case.now
    if binding.issued > now.latest:
        now.check_made(binding.issued, "/iat")
    if presentation.begins is not None:
        now.check_begun(presentation.begins, "/nbf")
    if binding.expires < now.earliest:
        now.check_not_ended(binding.expires, "/exp")


def _check_stated_time(case: Case, presentation: Secured, binding: Binding) -> None:
    """As the texts have it: what a presentation says of its own time holds, and it need not say anything."""
    if binding.issued is not None:
        case.now.check_made(binding.issued, "/iat")
    if presentation.begins is not None:
        case.now.check_begun(presentation.begins, "/nbf")
    if binding.expires is not None:
        case.now.check_not_ended(binding.expires, "/exp")


def _check_request(case: Case, binding: Binding) -> None:
    http = case.question.http
    if http is None:
        if binding.method is not None or binding.url is not None or binding.content_digest is not None:
            raise HolderBindingFailed("made for an HTTP request, and none is at hand to compare", path="/htm")
        return
    for name, presented, expected in (
        ("htm", binding.method, http.method),
        ("htu", binding.url, http.url),
        ("contentDigest", binding.content_digest, http.content_digest),
    ):
        if presented != expected:
            raise HolderBindingFailed("made for another HTTP request", path=f"/{name}")
