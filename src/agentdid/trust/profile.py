"""What a verifier asks beyond what specifications ask: the product's answer is the default, and the strictest.

A test instance that official suites speak to has another one (`agentdid.http.vc_api.policy`). Each difference is one
member here and is read in one place, so that there is one set of checks and never two.
"""

from __future__ import annotations

from typing import Final, final

from agentdid.record import Value


@final
class Profile(Value, frozen=True):
    """The differences, each as the product has it.

    Attributes:
        bound_subject: Whoever presents is the subject of the leaf and of every other credential (deviation D2).
        bound_audience: A presentation names the verifier and answers its challenge, and what was derived under bbs-2023
            was derived for both.
        bound_time: A presentation says when it was made and when it ends, soon after (deviation D9).
        credentials_presented: A presentation has at least one credential.
        issuer_signs: A key is one of the issuer's (Data Integrity "Verification Method Binding").
        one_signer: All proofs of a credential are by one DID, if the policy does not name those that count (deviation
            D7).
        defined_terms: JSON-LD terms are looked at in every credential and presentation, even where JSON is signed.
        vc_claims: A JWT of the media type `application/jwt` may carry its document in the claims `vc` and `vp`
            (VCDM 1.1 section 6.3.1).
        any_context: Inline contexts, contexts with `@vocab` and lists in any order are taken where statements are
            signed.
        any_disclosure: Credentials of which holders could hide what is judged are taken, and of VCDM 1.1 also those
            whose `issuanceDate` is hidden.
        bare_digests: A `digestMultibase` of 32 bytes without a multihash header is SHA-256.
    """

    bound_subject: bool = True
    bound_audience: bool = True
    bound_time: bool = True
    credentials_presented: bool = True
    issuer_signs: bool = True
    one_signer: bool = True
    defined_terms: bool = False
    vc_claims: bool = False
    any_context: bool = False
    any_disclosure: bool = False
    bare_digests: bool = False


STRICT: Final = Profile()
