"""The ids of orders."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class OrderIds:
    """`secret` keys the ids that come from idempotency keys, `pos` is whose keys they are."""

    secret: bytes
    pos: str
    entropy: Callable[[int], bytes]

    def of(self, key: str | None) -> str:
        """Random, or the same for the same key of the same POS: no record of keys to lose (W3)."""
        if key is None:
            return str(UUID(bytes=self.entropy(16), version=4))
        return derived_id(self.secret, self.pos, key)


def derived_id(secret: bytes, pos: str, key: str) -> str:
    """The order id of a POS's idempotency key: a UUID of version 8, made of an HMAC."""
    digest = bytearray(hmac.digest(secret, f"order\n{pos}\n{key}".encode(), "sha256")[:16])
    # By hand (RFC 9562, 5.8): the host's Python 3.11 knows no version above 5.
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return str(UUID(bytes=bytes(digest)))
