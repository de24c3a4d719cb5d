"""The key of a service's own DID, from the wallet or the issuer's database that holds it: for receipts and logs."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentdid.audit.receipt import ReceiptKey
from agentdid.cli.options import read_passphrase, read_pin
from agentdid.storage.audit_log import AuditLog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentdid.wallet.wallet import Wallet

AuditFolder = Annotated[
    Path | None, typer.Option("--audit", help="Keep a tamper-evident log in this folder (specs/audit-log.md).")
]
OwnWallet = Annotated[Path | None, typer.Option("--wallet", help="The wallet that holds the key of the service's DID.")]
OwnIssuer = Annotated[
    str | None, typer.Option("--issuer", help="The issuer's database that holds the key of the service's DID.")
]


@contextmanager
def read_own_key(
    did: str, wallet: Path | None, issuer: str | None, descriptor: int | None, file: Path | None
) -> Iterator[ReceiptKey | None]:
    """Yield the key of a DID; `None` where neither a wallet nor an issuer's database is named.

    Args:
        did: Whose.
        wallet: The wallet's file.
        issuer: The issuer's database.
        descriptor: Of the passphrase.
        file: Of the passphrase.

    Raises:
        ValueError: Both are named, or the issuer is another DID.
        CredentialNotFound: The wallet does not hold it.
    """
    if wallet is None and issuer is None:
        yield None
        return
    if wallet is not None and issuer is not None:
        raise ValueError("give --wallet or --issuer")
    passphrase = read_passphrase(descriptor, file)
    if wallet is not None:
        from agentdid.wallet.wallet import Wallet  # noqa: PLC0415  # only the one that is named is needed

        with Wallet.open(wallet, passphrase=passphrase, pin=read_pin) as opened:
            yield ReceiptKey(*opened.signer(did))
        return
    from agentdid.issuer.issuer import Issuer  # noqa: PLC0415  # as above

    with Issuer.open(issuer or "", passphrase=passphrase, pin=read_pin) as held:
        if held.did != did:
            raise ValueError("the issuer is another DID than the service's")
        yield ReceiptKey(*held.signing_key())


@contextmanager
def keep_audit(wallet: Wallet, did: str, folder: Path) -> Iterator[None]:
    """Have what a wallet approves recorded in a log of its own; one of its keys signs it."""
    signer, _ = wallet.signer(did)
    with AuditLog.open(folder, signer, owner=did) as log:
        wallet.audit = log
        yield
