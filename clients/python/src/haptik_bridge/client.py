"""Requests to the bridge."""

from __future__ import annotations

import email.utils
import http.client
import json
import random
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import IO, Any, cast

from .signing import key_of, signature
from .types import Accepted, Handoff, Request

RETRIED = frozenset({408, 425, 429})
"""What is sent again besides any 5xx: nothing is stored, or nobody knows. A proxy has 5xx of its own (520 to 530)."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
ANSWER_LIMIT = 1_000_000


class Refused(Exception):
    """The bridge does not take a request, and would not the next time either."""

    def __init__(self, status: int, error: str, handoff_id: str | None = None) -> None:
        super().__init__(f"the bridge answered {status}: {error}")
        self.status, self.error = status, error
        self.handoff_id = handoff_id
        """With 409 for `hand_over`: the hand-off that is on."""


class Unanswered(Exception):
    """There was no answer, or none but 5xx. Send the same request again later: it counts once."""


def new_id() -> str:
    """An id for a request. Make it once, where you store what the user did."""
    return uuid.uuid4().hex


def now() -> str:
    """A timestamp for a request. Make it once, where you store what the user did."""
    return datetime.now(UTC).isoformat()


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class Client:
    """A connection of the bridge with `type = "custom"`. It may be used by several threads."""

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        timeout: float = 10.0,
        give_up_after: float = 60.0,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """For `url`, `https://…/channels/NAME`, and its newest signing secret, `whsec_…`.

        `timeout` is how long one try waits for a connection, and then for each next part of the answer;
        `give_up_after` is when no other try is made any more. Both are in seconds.
        """
        if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
            raise ValueError("the URL is not one of http or https")
        self._url, self._key = url.rstrip("/"), key_of(secret)
        self._timeout, self._give_up_after = timeout, give_up_after
        self._sleep, self._clock = sleep, clock
        self._opener = urllib.request.build_opener(_NoRedirects)

    def __repr__(self) -> str:
        return f"Client({self._url!r})"

    def say(self, request: Request) -> Accepted:
        """Tells the bot, or the agent, what a user did. The same `id` and `timestamp` again count once."""
        return self._send("POST", "", request)

    def hand_over(self, handoff: Handoff) -> Accepted:
        """Hands a user over to a human. The same `id` again is the same hand-off."""
        return self._send("POST", "/handoff", handoff)

    def take_back(self, user_id: str | int) -> Accepted:
        """Takes the user back before the conversation is complete. Again is the same as once; `Refused` has 404 where none was on."""
        return self._send("DELETE", "/handoff?user=" + urllib.parse.quote(str(user_id), safe=""), None)

    def _send(self, method: str, path: str, request: Request | Handoff | None) -> Accepted:
        body = b""
        if request is not None:
            for key in ("id", "timestamp"):
                if not request.get(key) and request.get(key) != 0:
                    raise ValueError(f"{key} is missing: it is part of the request's name, by which it counts once")
            body = json.dumps(request, allow_nan=False).encode()
        # The same for every try, as are the body's own id and timestamp; time and signature are of now.
        webhook_id = f"msg_{new_id()}"
        until, pause = time.monotonic() + self._give_up_after, FIRST_PAUSE
        while True:
            reason, wanted = self._try(method, path, body, webhook_id)
            if isinstance(reason, dict):
                return cast(Accepted, reason)
            wait = max(wanted, random.uniform(pause / 2, pause))
            if time.monotonic() + wait > until:
                raise Unanswered(reason)
            self._sleep(wait)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _try(self, method: str, path: str, body: bytes, webhook_id: str) -> tuple[dict[str, Any] | str, float]:
        """The answer; or why there is none, and for how long the bridge wants to be left alone."""
        at = str(int(self._clock()))
        headers = {
            "content-type": "application/json",
            "webhook-id": webhook_id,
            "webhook-timestamp": at,
            "webhook-signature": signature(self._key, webhook_id, at, body),
        }
        request = urllib.request.Request(self._url + path, body or None, headers, method=method)
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                accepted = _json(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                said = _json(refused)
            error = str(said.get("error") or said.get("message") or refused.reason)
            if refused.code in RETRIED or refused.code >= 500:
                return f"the bridge answered {refused.code}: {error}", _retry_after(refused.headers.get("retry-after"))
            handoff_id = said.get("handoff_id")
            raise Refused(refused.code, error, handoff_id if isinstance(handoff_id, str) else None) from None
        except (OSError, http.client.HTTPException) as error:
            return f"the bridge did not answer: {error}", 0.0
        if "id" not in accepted:
            return "what answered is not the bridge: is the URL right?", 0.0
        return accepted, 0.0


def _json(answer: IO[bytes]) -> dict[str, Any]:
    try:
        said = json.loads(answer.read(ANSWER_LIMIT))
    except (ValueError, RecursionError, OSError, http.client.HTTPException):
        return {}
    return said if isinstance(said, dict) else {}


def _retry_after(value: str | None) -> float:
    """The seconds of a `Retry-After`, which is a number of them or a date."""
    if not value:
        return 0.0
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, (email.utils.parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return 0.0
