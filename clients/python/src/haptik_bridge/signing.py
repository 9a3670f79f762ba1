"""Standard Webhooks (https://www.standardwebhooks.com), both ways."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from .types import Event

TOLERANCE_SECONDS = 300
"""How far `webhook-timestamp` may be from now, either way."""


class Unverified(Exception):
    """It is not the bridge's, or not of now: answer 401. Never says what was expected."""


@dataclass(frozen=True)
class Delivery:
    """What the bridge posted."""

    id: str
    """The `webhook-id`: the same on every try, so what has it again has come before."""
    event: Event
    """There may be other types than those of `Event`, and other keys, in time: ignore them."""


def key_of(secret: str) -> bytes:
    """The bytes of a secret, `whsec_` and the base64 of them, as the bridge takes it: padded or not."""
    encoded = secret.removeprefix("whsec_").rstrip("=")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < 16:
        raise ValueError("the secret is not whsec_ and the base64 of at least 16 bytes (24 to 64 are usual)")
    return key


def keys_of(secrets: str | Sequence[str]) -> list[bytes]:
    """The bytes of one secret or of several."""
    keys = [key_of(secret) for secret in ([secrets] if isinstance(secrets, str) else secrets)]
    if not keys:
        raise ValueError("there is no secret")
    return keys


def sign(secret: str, id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` of a body as it is sent; `timestamp` is in seconds since 1970."""
    return signature(key_of(secret), id, str(timestamp), body)


def signature(key: bytes, id: str, timestamp: str, body: bytes) -> str:
    """The same, by a key."""
    # Headers may have anything; what cannot be encoded fits no signature.
    signed = b".".join([id.encode(errors="replace"), timestamp.encode(), body])
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def verify(
    secrets: str | Sequence[str],
    body: bytes | str,
    headers: Mapping[str, str],
    *,
    clock: Callable[[], float] = time.time,
) -> Delivery:
    """What was posted, once its signature is verified; the raw body, and header names in any case.

    Raises `Unverified` when none of the secrets signed this body within five minutes of now, and `ValueError`
    when what was signed is no event.
    """
    keys = keys_of(secrets)
    body = body.encode() if isinstance(body, str) else body
    lower = {name.lower(): value for name, value in headers.items()}
    id, at = lower.get("webhook-id", ""), lower.get("webhook-timestamp", "")
    given = lower.get("webhook-signature", "")
    if not (id and given and at.isascii() and at.isdigit() and len(at) <= 12):
        raise Unverified("webhook-id, webhook-timestamp and webhook-signature must be there")
    if abs(clock() - int(at)) > TOLERANCE_SECONDS:
        raise Unverified("webhook-timestamp is more than 5 minutes from now")
    found = False
    # All are compared, each in constant time, so that the time tells nothing.
    for key in keys:
        expected = signature(key, id, at, body).encode()
        for one in given.split(" "):
            found |= hmac.compare_digest(one.encode(errors="replace"), expected)
    if not found:
        raise Unverified("webhook-signature is not the signature of this body")
    event = _json(body)
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise ValueError("the body is no event")
    return Delivery(id, cast(Event, event))


def _json(body: bytes) -> object:
    """JSON as the bridge writes it: UTF-8, and no deeper than it can be."""
    try:
        return json.loads(body.decode(), parse_constant=_refused)
    except RecursionError:
        raise ValueError("the body is nested too deeply") from None


def _refused(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")
