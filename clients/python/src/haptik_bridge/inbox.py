"""What the bridge posts to the callback URL, each event once."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Protocol

from .signing import Unverified, keys_of, verify
from .types import Event

LIMIT = 10_000_000
"""The most bytes of a body; the bridge sends none that is larger."""
DAY = 86_400.0

logger = logging.getLogger("haptik_bridge")


class Seen(Protocol):
    """The `webhook-id` of what was taken, kept for a day. With several processes: a table of your database.

    Threads and processes call it at the same time.
    """

    def claim(self, id: str) -> bool:
        """Whether it is the caller's to take: not where it was taken, or another caller is at it. At once, in one step.

        What was claimed a minute ago and is neither taken nor released may be claimed again: its process has died.
        """

    def has(self, id: str) -> bool:
        """Whether it was taken."""

    def add(self, id: str) -> None:
        """It is taken."""

    def release(self, id: str) -> None:
        """It was claimed, and is not taken: it will come again."""


class MemorySeen:
    """Keeps the ids of a day, the last 100,000 of them, in memory."""

    def __init__(self, seconds: float = DAY, limit: int = 100_000) -> None:
        self._seconds, self._limit = seconds, limit
        self._ids: OrderedDict[str, float] = OrderedDict()
        self._claimed: set[str] = set()
        self._lock = threading.RLock()

    def claim(self, id: str) -> bool:
        with self._lock:
            if id in self._claimed or self.has(id):
                return False
            self._claimed.add(id)
            return True

    def has(self, id: str) -> bool:
        with self._lock:
            return self._ids.get(id, 0.0) > time.monotonic()

    def add(self, id: str) -> None:
        with self._lock:
            self._claimed.discard(id)
            self._ids[id] = time.monotonic() + self._seconds
            self._ids.move_to_end(id)
            # The oldest stands first.
            while self._ids and (len(self._ids) > self._limit or next(iter(self._ids.values())) <= time.monotonic()):
                self._ids.popitem(last=False)

    def release(self, id: str) -> None:
        with self._lock:
            self._claimed.discard(id)


class Inbox:
    """Takes what the bridge posts: verifies it, leaves out what came before, and gives it to your function."""

    def __init__(
        self,
        secrets: str | Sequence[str],
        handle: Callable[[Event], None],
        *,
        seen: Seen | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """For one signing secret or several, newest first.

        `handle` stores what is told and returns; what takes long is done afterwards, since the bridge waits 10 s.
        What it raises makes the bridge tell it again. Types that it does not know it ignores.
        """
        keys_of(secrets)
        self._secrets, self._handle, self._clock = secrets, handle, clock
        self._seen: Seen = MemorySeen() if seen is None else seen

    def take(self, body: bytes | str, headers: Mapping[str, str]) -> int:
        """Takes a request's raw body, and returns the status to answer with."""
        if len(body) > LIMIT:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        try:
            delivery = verify(self._secrets, body, headers, clock=self._clock)
        except Unverified:
            return HTTPStatus.UNAUTHORIZED
        except ValueError:
            return HTTPStatus.BAD_REQUEST
        try:
            if not self._seen.claim(delivery.id):
                # Where it is being taken at this moment, whether it will be is not known yet.
                return HTTPStatus.NO_CONTENT if self._seen.has(delivery.id) else HTTPStatus.SERVICE_UNAVAILABLE
            try:
                self._handle(delivery.event)
                self._seen.add(delivery.id)
            except BaseException:
                self._seen.release(delivery.id)
                raise
        except Exception:
            logger.exception("%s is not taken, and will come again", delivery.id)
            return HTTPStatus.INTERNAL_SERVER_ERROR
        return HTTPStatus.NO_CONTENT

    def wsgi(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """The callback URL as an application of any WSGI server (PEP 3333)."""
        status = self._wsgi_status(environ)
        headers = [("content-length", "0")] if status != HTTPStatus.NO_CONTENT else []
        start_response(f"{int(status)} {HTTPStatus(status).phrase}", headers)
        return []

    def _wsgi_status(self, environ: dict[str, Any]) -> int:
        if environ["REQUEST_METHOD"] != "POST":
            return HTTPStatus.METHOD_NOT_ALLOWED
        length = environ.get("CONTENT_LENGTH") or "0"
        if not (length.isascii() and length.isdigit()):
            return HTTPStatus.BAD_REQUEST
        if len(length) > 12 or int(length) > LIMIT:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        # In chunks, where the server says that it knows where they end; `take` refuses what is too large.
        chunked = int(length) == 0 and environ.get("wsgi.input_terminated")
        try:
            body = environ["wsgi.input"].read(LIMIT + 1 if chunked else int(length))
        except OSError:
            return HTTPStatus.REQUEST_TIMEOUT
        if len(body) < int(length):
            # The connection was cut: this never happened.
            return HTTPStatus.BAD_REQUEST
        headers = {
            name.removeprefix("HTTP_").replace("_", "-"): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        return self.take(body, headers)
