"""Raw bytes and mutated events at the routes of the sidecars, with the right token.

No answer but a documented one, no traceback in any, no trap in a runtime's log. How many: the
setting `COFFEESHOP_FUZZ` (a round is one request at each route).
"""

import json
import os
import random
from typing import Any

import httpx

from scripts.operate.logs import traps
from tests.faults.run import Run
from tests.faults.test_access import ORDER, SIDECAR_ONLY

ROUNDS = int(os.environ.get("COFFEESHOP_FUZZ") or 60)
DOCUMENTED = {200, 204, 400, 403, 404, 405, 408, 413, 415, 422, 503}

GOOD: Any = {
    "data": {
        "version": 1,
        "orderId": ORDER,
        "station": "kitchen",
        "expiresAt": "2026-11-24T10:00:00Z",
        "answeredAt": "2026-11-24T10:00:00Z",
        "items": [
            {
                "id": f"{ORDER}-1",
                "itemType": 7,
                "name": "CROISSANT",
                "status": "READY",
                "reason": None,
                "makeId": "m",
            }
        ],
    }
}
BULK: Any = {"entries": [{"entryId": str(n), "event": GOOD} for n in range(3)]}
ODD: tuple[Any, ...] = (
    *(None, True, -1, 0, 1 << 70, 1e400, 0.5, "", "x", "\0", "\ud800", "é" * 300),
    *([], {}, [[]], {"version": 2}, [1] * 500, "2026-99-99", "9999-12-31T23:59:59+23:59"),
)
RAW = (b"", b"{", b"[" * 30_000, b"\xff\xfe", b'{"data":' + b"9" * 5_000 + b"}", b"x" * 70_000)


def mutated(value: Any, chance: random.Random) -> Any:
    """The value with something odd somewhere in it."""
    if chance.random() < 0.15:
        return chance.choice(ODD)
    if isinstance(value, dict):
        kept = {k: mutated(v, chance) for k, v in value.items() if chance.random() > 0.05}
        return {**kept, "more": chance.choice(ODD)} if chance.random() < 0.1 else kept
    if isinstance(value, list):
        return [mutated(each, chance) for each in value] * chance.choice((1, 1, 1, 0, 3))
    return value


def body(chance: random.Random) -> bytes:
    if chance.random() < 0.15:
        return chance.choice(RAW)
    good = chance.choice((GOOD, BULK))
    text = json.dumps(mutated(good, chance)).encode()
    if chance.random() < 0.2:
        at = chance.randrange(len(text) + 1)
        text = text[:at] + chance.randbytes(3) + text[at + chance.randrange(4) :]
    return text


def test_whatever_arrives_is_answered_as_documented(run: Run) -> None:
    """G14."""
    chance = random.Random(run.seed)
    token = run.stack.secrets["app_token"]
    types = ("application/cloudevents+json", "application/json", "text/plain", "")
    # A connection each: a body that is too large is not read to its end, and what is left of it
    # ends the connection.
    with httpx.Client(timeout=20, limits=httpx.Limits(max_keepalive_connections=0)) as client:
        for _ in range(ROUNDS):
            for api, path in SIDECAR_ONLY:
                headers = {"dapr-api-token": token, "content-type": chance.choice(types)}
                sent = body(chance)
                answer = client.post(f"{run.url(api)}{path}", content=sent, headers=headers)
                assert answer.status_code in DOCUMENTED, (path, sent[:300], answer.text)
                assert "Traceback" not in answer.text
    assert not traps(run.stack.logs())
