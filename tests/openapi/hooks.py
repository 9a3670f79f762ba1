"""What Schemathesis is to know of the bridge: how a request is signed, and what bytes and times are."""

import datetime
import hashlib
import hmac
import os

import requests
import schemathesis
from hypothesis import strategies
from standardwebhooks.webhooks import Webhook

WEBHOOK = Webhook(os.environ["SIGNING_SECRET"])
HAPTIK_SECRET = os.environ["WEBHOOK_SECRET"].encode()

# The bridge takes times of 1970 or later.
times = strategies.datetimes(
    min_value=datetime.datetime(1970, 1, 1), max_value=datetime.datetime(2999, 1, 1), timezones=strategies.just(datetime.timezone.utc),
)
schemathesis.openapi.format("date-time", times.map(datetime.datetime.isoformat))
# ... and fetches files, so these lead to a port of this machine at which there is nothing.
names = strategies.text("abcdefghijklmnopqrstuvwxyz0123456789-._~", max_size=40)
schemathesis.openapi.format("uri", names.map("http://127.0.0.1:9/{}".format))


class Signed(requests.auth.AuthBase):
    """Signs the bytes that are sent."""

    def __call__(self, request):
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        if request.path_url.startswith("/haptik/"):
            signature = hmac.new(HAPTIK_SECRET, body, hashlib.sha1).hexdigest()
            request.headers["X-Hub-Signature"] = f"sha1={signature}"
            return request
        id, now = "msg_1", datetime.datetime.now(datetime.timezone.utc)
        request.headers["webhook-id"] = id
        request.headers["webhook-timestamp"] = str(int(now.timestamp()))
        request.headers["webhook-signature"] = WEBHOOK.sign(id, now, body.decode(errors="replace"))
        return request


schemathesis.auth.set_from_requests(Signed())
