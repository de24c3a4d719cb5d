"""Issuers that are killed at random moments while they issue, revoke and publish; run as a program of its own.

    python killed_issuers.py DATABASE FOLDER ROUNDS

Each round a forked issuer works on the database until SIGKILL; every act that it was told has happened it says at once
through a pipe. The next one asks again, under the same idempotency key, for what was not acknowledged. What was said is
written to stdout as JSON lines, round by round, and after each kill what the published files say.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from agentdid.issuer.issuer import Issuer
from agentdid.status.bitstring import decode_list
from tests.stores import PASSPHRASE
from tests.world import World

WORLD = World()
CAPABILITY = WORLD.capability()


def work(place: str, folder: Path, first: int, revocable: list[str], say: int, chance: random.Random) -> None:
    """Issue, revoke and publish for ever."""

    def tell(*words: object) -> None:
        os.write(say, (json.dumps(words) + "\n").encode())

    with Issuer.open(place, passphrase=PASSPHRASE, refresh_s=0.01) as issuer:
        tell("open")
        capability = CAPABILITY | {"principal": issuer.did}
        number = first
        while True:
            made = issuer.issue(to=WORLD.agent.did, capability=capability, idempotency_key=f"key-{number}")
            entry = issuer.ledger.find(made.id)
            suspended = entry.suspension
            tell("issued", number, made.id, entry.list_id, entry.index, suspended and suspended.index, made.credential)
            number += 1
            revocable.append(made.id)
            if chance.random() < 0.5:
                victim = revocable.pop(chance.randrange(len(revocable)))
                issuer.revoke(victim)
                tell("revoked", victim, issuer.ledger.version(entry.list_id))
            if chance.random() < 0.3:
                issuer.publish(folder)
                tell("published")


def published(folder: Path) -> list[list[object]]:
    """What lies in the folder: of each list its name, when it was signed, and how many bits are set."""
    found: list[list[object]] = []
    for place in sorted((folder / "status").glob("*")) if (folder / "status").exists() else []:
        if place.name.startswith("."):
            continue  # half written, and nobody's list
        document = json.loads(place.read_bytes())
        bits = decode_list(document["credentialSubject"]["encodedList"])
        found.append([place.name, document["proof"]["created"], int.from_bytes(bits, "big").bit_count()])
    return found


def main(place: str, folder: Path, rounds: int) -> None:
    """Kill so many."""
    chance = random.Random(2026)  # noqa: S311  # of a test, and repeatable
    first, revocable = 0, []
    for _ in range(rounds):
        hear, say = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(hear)
            try:
                work(place, folder, first, revocable, say, random.Random(chance.random()))  # noqa: S311
            finally:
                os._exit(1)
        os.close(say)
        with os.fdopen(hear, "rb") as heard:
            # most die at work; one in ten while it still opens the store
            begun = heard.readline() if chance.random() < 0.9 else b""
            time.sleep(chance.uniform(0.0, 0.5))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            lines = [line for line in (begun + heard.read()).split(b"\n") if line]
        for line in lines:
            words = json.loads(line)
            if words[0] == "issued":
                first = words[1] + 1
                revocable.append(words[2])
            elif words[0] == "revoked":
                revocable = [each for each in revocable if each != words[1]]
            sys.stdout.write(line.decode() + "\n")
        sys.stdout.write(json.dumps(["killed", published(folder)]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
