"""The status lists that this instance mints, serves, and reads again when what it issued comes to be verified."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, final

from sqlalchemy import MetaData

from agentdid.codec.strict_json import encode
from agentdid.did import key as did_key
from agentdid.issuer.ledger_tables import add_tables
from agentdid.issuer.status_ledger import StatusLedger
from agentdid.proof.suites import SUITES
from agentdid.secure import data_integrity
from agentdid.status.bitstring import ENTRY_TYPE, build_list_credential
from agentdid.storage.engine import create_store
from agentdid.verify.needs import Absent, Resource

if TYPE_CHECKING:
    from agentdid.clock import Clock
    from agentdid.keys.secret import SecretKey
    from agentdid.verify.needs import Answer

PATH: Final = "/status"
_PURPOSE: Final = "revocation"
_SUITE: Final = "eddsa-rdfc-2022"
_LIFE: Final = timedelta(days=1)


@final
class OwnLists:
    """The ledger of one process, in a file that ends with it; as a `verify.needs.Source` it knows its lists alone."""

    def __init__(self, secret: SecretKey, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock
        self._folder = TemporaryDirectory(prefix="agentdid-vc-api-")
        tables = MetaData()
        add_tables(tables)
        engine = create_store(Path(self._folder.name) / "lists.db", "issuer", tables, lambda _: None)
        self._engine = engine
        self._ledger = StatusLedger(engine)
        self._minted: dict[str, str] = {}

    def close(self) -> None:
        """Remove the file; no list is minted or served after."""
        self._engine.dispose()
        self._folder.cleanup()

    def allot(self, credential_id: str, subject: str, base_url: str) -> dict[str, object]:
        """Return a fresh `credentialStatus` whose list is under `base_url`.

        Raises:
            CredentialExists: The credential id has one.
        """
        at = self._clock.now()
        entry = self._ledger.allot(credential_id, subject, issued_at=at, valid_until=at + _LIFE)
        url = f"{base_url}{PATH}/{entry.list_id}"
        self._minted[url] = entry.list_id
        return {
            "id": f"{url}#{entry.index}",
            "type": ENTRY_TYPE,
            "statusPurpose": _PURPOSE,
            "statusListIndex": str(entry.index),
            "statusListCredential": url,
        }

    def signed(self, list_id: str, url: str) -> bytes:
        """Return a list as it is served under `url`, signed now.

        Raises:
            CredentialNotFound: No such list.
        """
        bits, _ = self._ledger.bits(list_id)
        at = self._clock.now().replace(microsecond=0)
        did = did_key.create(self._secret.public)
        document = build_list_credential(url, did, [_PURPOSE], bits, valid_from=at, valid_until=at + _LIFE)
        method_id = f"{did}#{did.removeprefix(did_key.PREFIX)}"
        return encode(data_integrity.add_proof(document, self._secret, method_id, SUITES[_SUITE], created=at))

    def get(self, url: str, accept: tuple[str, ...], max_age_s: float) -> Answer:  # noqa: ARG002  # always of now
        """Return one of our lists; nothing else is ever asked for."""
        list_id = self._minted.get(url)
        if list_id is None:
            return Absent(url, "fetch_failed", "this instance knows its own status lists and nothing else")
        return Resource(url, self.signed(list_id, url), self._clock.now())

    async def aget(self, url: str, accept: tuple[str, ...], max_age_s: float) -> Answer:
        """As `get`."""
        return self.get(url, accept, max_age_s)
