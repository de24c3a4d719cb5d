"""Consumed nonces and counters in Valkey or Redis, shared by any number of processes and machines.

One script does a whole take; the server runs one script at a time, so nothing comes between looking and writing.
Rules:

* A server that may evict keys is refused: an evicted nonce could be answered again, an evicted budget spent again.
* The store's own key stands in the server. Where it is gone (a flush, a failover to an empty replica) every take is
  "unavailable" until the process opens the store anew; nonces from before are then unknown (ATTACKS P03).
* What the server keeps is what counts: with `appendfsync everysec` a crash forgets a second of spending. Use
  `appendfsync always`, or PostgreSQL, where a budget is money.

Needs the extra `valkey`.
"""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Self, final

from agentdid.errors import StoreUnavailable
from agentdid.limits import DEFAULT, Limits
from agentdid.storage import nonces
from agentdid.storage.spending import CONFLICT, DONE, EXCEEDED, REPLAYED, UNAVAILABLE, units
from agentdid.storage.valkey_denied import DENIED, PREFIX, ValkeyDenied, valkey_errors

if TYPE_CHECKING:
    from datetime import datetime

    from agentdid.delegation.charges import Spend

SCHEMES: Final = {
    "valkey://": "redis://",
    "valkeys://": "rediss://",
    "redis://": "redis://",
    "rediss://": "rediss://",
    "unix://": "unix://",
}
_TIMEOUT_S: Final = 2.0
_SAFE_POLICY: Final = "noeviction"
_CHUNK: Final = 14
"""Digits that a Lua number adds without loss."""
_WIDTH: Final = 10 * _CHUNK
_SLACK_S: Final = 86_400
"""A total outlives its link by a day: servers' and verifiers' clocks need not agree."""
_NONCE_SLACK_S: Final = 3_600
"""A nonce outlives its last use by an hour: a verifier's clock that goes back answers none again (ATTACKS P10)."""

# KEYS: state, nonce, request, deny list, then a counter each. ARGV: state, now, nonce's life, fingerprint, its life,
# member, then for each counter: window (empty for a total), amount, maximum, life; then what must not be denied. Times
# in ms; totals as 140 digits.
_SCRIPT: Final = """
local function add(a, b)
  local out, carry = {}, 0
  for i = 9, 0, -1 do
    local from, to = i * 14 + 1, i * 14 + 14
    local s = tonumber(string.sub(a, from, to)) + tonumber(string.sub(b, from, to)) + carry
    carry = 0
    if s >= 1e14 then carry = 1; s = s - 1e14 end
    out[i + 1] = string.format('%014.0f', s)
  end
  return table.concat(out)
end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'unavailable' end
if redis.call('EXISTS', KEYS[2]) == 1 then return 'replayed' end
local first = 7 + (#KEYS - 4) * 4
for i = first, #ARGV do
  local held = redis.call('HGET', KEYS[4], ARGV[i])
  if held then
    local ends = tonumber(string.match(held, '^%d+'))
    if ends == 0 or ends + 60000 > tonumber(ARGV[2]) then return 'denied:' .. (i - first) end
  end
end
local charged = false
if ARGV[4] ~= '' then
  local seen = redis.call('GET', KEYS[3])
  if seen then
    if seen ~= ARGV[4] then return 'conflict' end
    charged = true
  end
end
local found = {}
if not charged then
  for i = 5, #KEYS do
    local a = 7 + (i - 5) * 4
    if ARGV[a] ~= '' then
      local now = tonumber(ARGV[2])
      local newest = redis.call('ZREVRANGE', KEYS[i], 0, 0, 'WITHSCORES')
      if newest[2] and tonumber(newest[2]) > now then now = tonumber(newest[2]) end
      local after = string.format('(%.0f', now - tonumber(ARGV[a]))
      if redis.call('ZCOUNT', KEYS[i], after, '+inf') >= tonumber(ARGV[a + 2]) then return 'exceeded:' .. (i - 5) end
      found[i] = string.format('%.0f', now)
    else
      found[i] = add(redis.call('GET', KEYS[i]) or string.rep('0', 140), ARGV[a + 1])
      if found[i] > ARGV[a + 2] then return 'exceeded:' .. (i - 5) end
    end
  end
  for i = 5, #KEYS do
    local a = 7 + (i - 5) * 4
    if ARGV[a] ~= '' then
      local old = string.format('%.0f', tonumber(found[i]) - tonumber(ARGV[a]))
      redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', old)
      redis.call('ZADD', KEYS[i], found[i], ARGV[6])
      redis.call('PEXPIRE', KEYS[i], ARGV[a + 3])
    else
      redis.call('SET', KEYS[i], found[i], 'PX', ARGV[a + 3])
    end
  end
  if ARGV[4] ~= '' then redis.call('SET', KEYS[3], ARGV[4], 'PX', ARGV[5]) end
end
redis.call('SET', KEYS[2], '1', 'PX', ARGV[3])
return charged and 'repeated' or 'taken'
"""


@final
class ValkeyTakes:
    """Nonces and counters of all processes that share one Valkey or Redis server."""

    def __init__(self, client: Any, limits: Limits = DEFAULT) -> None:  # noqa: ANN401  # redis.Redis, an extra
        self._client = client
        self._limits = limits
        self._script = client.register_script(_SCRIPT)
        self.denied = ValkeyDenied(client, lambda: self._key)
        try:
            policy = client.info("memory").get("maxmemory_policy")
            client.set(PREFIX + b"state", secrets.token_bytes(nonces.KEY_BYTES), nx=True)
            self._key: bytes = client.get(PREFIX + b"state")
        except valkey_errors() as error:
            raise StoreUnavailable(f"the server did not answer ({type(error).__name__})") from None
        if policy != _SAFE_POLICY:
            raise StoreUnavailable(f"expected the server's maxmemory-policy {_SAFE_POLICY}, found {policy}")

    @classmethod
    def open(cls, url: str, limits: Limits = DEFAULT) -> Self:
        """Return the store at `valkey://host:port/db` (or `redis://`, `valkeys://`, `rediss://`).

        Raises:
            StoreUnavailable: It does not answer, may evict keys, or the extra is missing.
        """
        try:
            from redis import Redis  # noqa: PLC0415  # an extra
            from redis.backoff import NoBackoff  # noqa: PLC0415
            from redis.retry import Retry  # noqa: PLC0415
        except ModuleNotFoundError:
            raise StoreUnavailable("redis is missing; install it with: pip install 'agentdid[valkey]'") from None
        scheme = next((each for each in SCHEMES if url.startswith(each)), None)
        if scheme is None:
            raise StoreUnavailable("expected a URL such as valkey://host:6379/0")
        client = Redis.from_url(
            SCHEMES[scheme] + url.removeprefix(scheme),
            socket_timeout=_TIMEOUT_S,
            socket_connect_timeout=_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),  # a take whose answer was lost may have been done: it is not sent twice
        )
        return cls(client, limits)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def issue(self, at: datetime) -> str:
        """Return a fresh nonce, good for `nonce_life_s`."""
        return nonces.issue(self._key, at, self._limits)

    def check(self, nonce: str, at: datetime) -> str:
        """Return "ours", "expired" or "unknown"."""
        return nonces.check(self._key, nonce, at)

    def take(
        self,
        audience: str,
        nonce: str,
        keep_until: datetime,
        at: datetime,
        spend: Spend | None = None,
        names: tuple[str, ...] = (),
    ) -> str:
        """Consume by one script: of any number of processes exactly one is told "taken"."""
        now = at.timestamp()
        _, keep = nonces.times(self._key, nonce, keep_until)
        taken = sha256(f"{len(audience)}:{audience}{nonce}".encode()).hexdigest().encode()
        request = b"" if spend is None or spend.request is None else spend.request.encode()
        keys = [PREFIX + b"state", PREFIX + b"n:" + taken, PREFIX + b"r:" + request, PREFIX + DENIED]
        arguments: list[bytes | str | int] = [
            self._key,
            _ms(now),
            _ms(max(keep - now, 1.0) + _NONCE_SLACK_S),
            "",
            1,
            "",
        ]
        if spend is not None:
            if request:
                arguments[3:5] = [spend.fingerprint, _ms(max(spend.keep_until.timestamp() - now, 1.0))]
            arguments[5] = secrets.token_bytes(12)
            for charge in spend.charges:
                keys.append(PREFIX + b"c:" + charge.key.encode())
                if charge.window_s is None:
                    life = max(charge.keep_until.timestamp() - now, 0.0) + _SLACK_S
                    arguments += ["", _digits(charge.amount), _digits(charge.maximum), _ms(life)]
                else:
                    window = _ms(charge.window_s)
                    arguments += [window, charge.amount, charge.maximum, window + _ms(_SLACK_S)]
        arguments += names
        try:
            answer = self._script(keys=keys, args=arguments)
        except valkey_errors():
            return UNAVAILABLE
        word = answer.decode("ascii", "replace")
        known = word in (*DONE, REPLAYED, CONFLICT) or word.startswith((f"{EXCEEDED}:", "denied:"))
        return str(word) if known else UNAVAILABLE


def _ms(seconds: float) -> int:
    return round(seconds * 1_000)


def _digits(amount: str) -> str:
    return str(units(amount)).zfill(_WIDTH)
