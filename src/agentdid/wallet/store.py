"""The wallet's file: keys and credentials, each row sealed and bound to its place."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, cast, final

from msgspec import structs
from msgspec.json import decode
from sqlalchemy import Column, Integer, LargeBinary, MetaData, String, Table, delete, insert, select, update

from agentdid.codec.base import decode_base64url, encode_base64url
from agentdid.codec.strict_json import encode
from agentdid.errors import CredentialExists, WalletClosed
from agentdid.record import Value
from agentdid.storage.controlled_dids import ControlledDids, add_table
from agentdid.storage.engine import reading, transaction
from agentdid.storage.sealed import create_sealed, header_table, open_sealed
from agentdid.wallet.lineage import Minted
from agentdid.wallet.receipts import KeptReceipt, Presented

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sqlalchemy.engine import Connection, Engine, Row

    from agentdid.storage.vault import Kdf, Vault

_KIND: Final = "wallet"
_TABLES: Final = MetaData()
header_table(_TABLES)
add_table(_TABLES)
_KEYS: Final = Table(
    "keys",
    _TABLES,
    Column("number", Integer, primary_key=True),
    Column("row_id", String, nullable=False, unique=True),
    Column("did_index", LargeBinary, nullable=False, unique=True),
    Column("sealed", LargeBinary, nullable=False),
)
_CREDENTIALS: Final = Table(
    "credentials",
    _TABLES,
    Column("number", Integer, primary_key=True),
    Column("row_id", String, nullable=False, unique=True),
    # unique by issuer and id together: an issuer cannot overwrite what another one issued (ATTACKS O11)
    Column("identity_index", LargeBinary, nullable=False, unique=True),
    Column("id_index", LargeBinary, nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),
)


def _by_id(name: str) -> Table:
    """Declare a table of sealed things, each found by its id."""
    return Table(
        name,
        _TABLES,
        Column("number", Integer, primary_key=True),
        Column("row_id", String, nullable=False, unique=True),
        Column("id_index", LargeBinary, nullable=False, unique=True),
        Column("sealed", LargeBinary, nullable=False),
    )


_MINTED: Final = _by_id("minted")
_RECEIPTS: Final = _by_id("receipts")
_CLOSING: Final = Table(  # one row at most: when the wallet was closed, and why
    "closing",
    _TABLES,
    Column("one", Integer, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)


@final
class KeyRecord(Value, frozen=True):
    """One key as kept.

    Attributes:
        did: Whose.
        algorithm: Its own.
        seed: The key itself; empty where it lives elsewhere.
        label: The owner's word for it.
        public: The Multikey of a key that lives elsewhere.
        reference: The PKCS#11 URI of such a key; empty where its signer is given each time.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"seed"})

    did: str
    algorithm: str
    seed: bytes
    label: str = ""
    public: str = ""
    reference: str = ""


@final
class CredentialRecord(Value, frozen=True):
    """One credential as kept.

    Attributes:
        id: The leaf's `id`.
        issuer: The leaf's issuer.
        subject: The DID it is for.
        types: The leaf's types.
        chain: Every link as text, root first.
        received_at: When it was received.
        valid_until: Of the leaf.
        trusted: Whether its root was judged by a trust policy.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"chain"})

    id: str
    issuer: str
    subject: str
    types: tuple[str, ...]
    chain: tuple[str, ...]
    received_at: datetime
    valid_until: datetime | None
    trusted: bool


@final
class WalletStore:
    """A wallet's rows; every call is one transaction, so a row is there whole or not at all."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault
        self.controlled = ControlledDids(engine, vault)

    @classmethod
    def create(cls, path: str | Path, passphrase: bytes, kdf: Kdf | None = None) -> Self:
        """Return a new, empty store. Raises `StoreUnavailable` when the file exists."""
        return cls(*create_sealed(path, _KIND, _TABLES, passphrase, kdf))

    @classmethod
    def open(cls, path: str | Path, passphrase: bytes) -> Self:
        """Return an existing store. Raises `StoreLocked`, `StoreUnavailable`, `StoreVersionUnsupported`."""
        engine, vault = open_sealed(path, _KIND, passphrase)
        with transaction(engine) as connection:
            for table in (_MINTED, _RECEIPTS, _CLOSING):  # a wallet of before there were any
                table.create(connection, checkfirst=True)
        return cls(engine, vault)

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def add_key(
        self, did: str, algorithm: str, seed: bytes, label: str = "", *, public: str = "", reference: str = ""
    ) -> None:
        """Keep a key, or where it lives (`KeyRecord`). Raises `CredentialExists` when the DID has one here."""
        content = encode(
            {
                "did": did,
                "algorithm": algorithm,
                "seed": encode_base64url(seed),
                "label": label,
                "public": public,
                "reference": reference,
            }
        )
        row = {"row_id": secrets.token_hex(16), "did_index": self._vault.index("key", did)}
        index, sealed = row["did_index"], self._vault.seal(content, _place(_KEYS, row))
        with transaction(self._engine) as connection:
            _check_open(connection)
            if connection.execute(select(_KEYS.c.number).where(_KEYS.c.did_index == index)).first() is not None:
                raise CredentialExists("the wallet holds a key of this DID already")
            connection.execute(insert(_KEYS).values(**row, sealed=sealed))

    def list_keys(self) -> list[KeyRecord]:
        """Return every key, oldest first. Raises `StoreTampered`."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(_KEYS).order_by(_KEYS.c.number)).all()
        records = []
        for row in rows:
            content = self._read(_KEYS, row)
            records.append(
                KeyRecord(
                    content["did"],
                    content["algorithm"],
                    decode_base64url(content["seed"]),
                    content["label"],
                    content.get("public", ""),  # a wallet from before keys could live elsewhere
                    content.get("reference", ""),
                )
            )
        return records

    def add_credential(self, record: CredentialRecord) -> None:
        """Keep a credential; the same one again changes nothing.

        Raises:
            CredentialExists: Another credential of the same issuer and id is held; it was not overwritten.
        """
        content = encode(
            {
                "id": record.id,
                "issuer": record.issuer,
                "subject": record.subject,
                "types": list(record.types),
                "chain": list(record.chain),
                "receivedAt": record.received_at.isoformat(),
                "validUntil": None if record.valid_until is None else record.valid_until.isoformat(),
                "trusted": record.trusted,
            }
        )
        row = {
            "row_id": secrets.token_hex(16),
            "identity_index": self._vault.index("credential", record.issuer, record.id),
            "id_index": self._vault.index("id", record.id),
        }
        sealed = self._vault.seal(content, _place(_CREDENTIALS, row))
        same = select(_CREDENTIALS).where(_CREDENTIALS.c.identity_index == row["identity_index"])
        with transaction(self._engine) as connection:
            _check_open(connection)
            held = connection.execute(same).first()
            if held is None:
                connection.execute(insert(_CREDENTIALS).values(**row, sealed=sealed))
            elif self._credential(held).chain != record.chain:
                raise CredentialExists("the wallet holds another credential of this issuer and id")

    def credentials(self) -> list[CredentialRecord]:
        """Return every credential, oldest first. Raises `StoreTampered`."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(_CREDENTIALS).order_by(_CREDENTIALS.c.number)).all()
        return [self._credential(row) for row in rows]

    def add_minted(self, minted: Minted) -> None:
        """Keep what was signed; the same id again, changed, replaces it."""
        content = encode(
            {
                **{name: getattr(minted, name) for name in ("id", "kind", "issuer", "subject", "parent", "wire")},
                "madeAt": minted.made_at.isoformat(),
                "validUntil": minted.valid_until.isoformat(),
                "revocable": minted.revocable,
                "endedAt": None if minted.ended_at is None else minted.ended_at.isoformat(),
                "replaces": minted.replaces,
            }
        )
        index = self._vault.index("minted", minted.id)
        mine = _MINTED.c.id_index == index
        with transaction(self._engine) as connection:
            held = connection.execute(select(_MINTED).where(mine)).first()
            row = {"row_id": secrets.token_hex(16) if held is None else held.row_id, "id_index": index}
            sealed = self._vault.seal(content, _place(_MINTED, row))
            if held is None:
                connection.execute(insert(_MINTED).values(**row, sealed=sealed))
            else:
                connection.execute(update(_MINTED).where(mine).values(sealed=sealed))

    def minted(self) -> list[Minted]:
        """Return everything that was signed, oldest first. Raises `StoreTampered`."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(_MINTED).order_by(_MINTED.c.number)).all()
        found = []
        for row in rows:
            content = self._read(_MINTED, row)
            ended = content["endedAt"]
            found.append(
                Minted(
                    content["id"],
                    content["kind"],
                    content["issuer"],
                    content["subject"],
                    content["parent"],
                    content["wire"],
                    datetime.fromisoformat(content["madeAt"]),
                    datetime.fromisoformat(content["validUntil"]),
                    content["revocable"],
                    None if ended is None else datetime.fromisoformat(ended),
                    content.get("replaces"),
                )
            )
        return found

    def add_receipt(self, kept: KeptReceipt) -> None:
        """Keep a receipt; the same one again changes nothing."""
        content = encode(
            {**structs.asdict(kept), "presented": structs.asdict(kept.presented), "at": kept.at.isoformat()}
        )
        row = {"row_id": secrets.token_hex(16), "id_index": self._vault.index("receipt", kept.token)}
        sealed = self._vault.seal(content, _place(_RECEIPTS, row))
        mine = select(_RECEIPTS.c.number).where(_RECEIPTS.c.id_index == row["id_index"])
        with transaction(self._engine) as connection:
            if connection.execute(mine).first() is None:
                connection.execute(insert(_RECEIPTS).values(**row, sealed=sealed))

    def receipts(self) -> list[KeptReceipt]:
        """Return every receipt, oldest first. Raises `StoreTampered`."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(_RECEIPTS).order_by(_RECEIPTS.c.number)).all()
        found = []
        for row in rows:
            content = self._read(_RECEIPTS, row)
            shown = content["presented"]
            presented = Presented(**{**shown, "links": tuple(shown["links"]), "verifiers": tuple(shown["verifiers"])})
            found.append(
                KeptReceipt(**{**content, "presented": presented, "at": datetime.fromisoformat(content["at"])})
            )
        return found

    def find_credential(self, credential_id: str) -> CredentialRecord | None:
        """Return the credential of that id, the oldest where issuers share one; `None` when there is none.

        The oldest, so that nobody gets a credential of his own presented by giving it the id of one that is held.

        Raises:
            StoreTampered: Its row was changed.
        """
        query = (
            select(_CREDENTIALS)
            .where(_CREDENTIALS.c.id_index == self._vault.index("id", credential_id))
            .order_by(_CREDENTIALS.c.number)
        )
        with reading(self._engine) as connection:
            row = connection.execute(query).first()
        return None if row is None else self._credential(row)

    def delete_credential(self, issuer: str, credential_id: str) -> bool:
        """Forget a credential; return whether it was held."""
        identity = self._vault.index("credential", issuer, credential_id)
        with transaction(self._engine) as connection:
            return bool(
                connection.execute(delete(_CREDENTIALS).where(_CREDENTIALS.c.identity_index == identity)).rowcount
            )

    def find_closing(self) -> tuple[datetime, str] | None:
        """Return when the wallet was closed, and why; `None` while it is open. Raises `StoreTampered`."""
        with reading(self._engine) as connection:
            row = connection.execute(select(_CLOSING)).first()
        if row is None:
            return None
        content = self._read(_CLOSING, row)
        return datetime.fromisoformat(content["at"]), content["reason"]

    def end(self, at: datetime, reason: str) -> None:
        """Close for good: keys and credentials are deleted; what was minted stays. Once closed it stays as it is."""
        row = {"one": 1}
        sealed = self._vault.seal(encode({"at": at.isoformat(), "reason": reason}), _place(_CLOSING, row))
        with transaction(self._engine) as connection:
            if connection.execute(select(_CLOSING.c.one)).first() is None:
                connection.execute(insert(_CLOSING).values(**row, sealed=sealed))
            for table in (_KEYS, _CREDENTIALS):
                connection.execute(delete(table))

    def _credential(self, row: Row[Any]) -> CredentialRecord:
        content = self._read(_CREDENTIALS, row)
        until = content["validUntil"]
        return CredentialRecord(
            id=content["id"],
            issuer=content["issuer"],
            subject=content["subject"],
            types=tuple(content["types"]),
            chain=tuple(content["chain"]),
            received_at=datetime.fromisoformat(content["receivedAt"]),
            valid_until=None if until is None else datetime.fromisoformat(until),
            trusted=content["trusted"],
        )

    def _read(self, table: Table, row: Row[Any]) -> dict[str, Any]:
        # written by us and opened by us: the seal vouches for the shape
        return cast("dict[str, Any]", decode(self._vault.unseal(row.sealed, _place(table, row._asdict()))))


def _check_open(connection: Connection) -> None:
    if connection.execute(select(_CLOSING.c.one)).first() is not None:
        raise WalletClosed("its agent was retired")


def _place(table: Table, row: Mapping[str, object]) -> tuple[str, ...]:
    """Return what a row is sealed to: its table, its id, and the blind indexes by which it is found.

    Exchanged indexes would otherwise answer a question for one credential with another.
    """
    bound = [column.name for column in table.columns if column.name not in ("number", "sealed")]
    return (str(table.name), *(f"{name}={_spell(row[name])}" for name in bound), "sealed")


def _spell(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
