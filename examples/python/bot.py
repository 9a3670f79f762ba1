#!/usr/bin/env python3
"""A bot of your own that hands its user over to Haptik's agents, and takes the user back.

You are the user, in this terminal. The bot repeats what you say; "agent" brings a human; "/bot" brings the
bot back before the human is done. See examples/README.md.
"""

import argparse
import http.server
import json
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from datetime import datetime, timezone

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

USER = {"id": "u-42", "name": "Asha"}


class Bridge:
    """Requests to the bridge, signed as Standard Webhooks."""

    def __init__(self, url, secret):
        self.url, self.webhook = url, Webhook(secret)

    def send(self, method, path, body=None):
        """Sends a request until it is answered; returns the status and the answer."""
        text = "" if body is None else json.dumps(body)
        for pause in [1, 2, 4, 8, None]:
            # The same body on every try, so that it counts once; the signature is of now.
            id, now = f"msg_{uuid.uuid4().hex}", datetime.now(timezone.utc)
            headers = {
                "content-type": "application/json",
                "webhook-id": id,
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": self.webhook.sign(id, now, text),
            }
            request = urllib.request.Request(self.url + path, text.encode(), headers, method=method)
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    return answer.status, json.load(answer)
            except urllib.error.HTTPError as refused:
                if refused.code < 500:
                    return refused.code, json.load(refused)
                error = refused
            except OSError as unreachable:
                error = unreachable
            if pause is None:
                return 503, {"error": str(error)}
            time.sleep(pause)

    def said(self, text):
        now = datetime.now(timezone.utc).isoformat()
        return self.send("POST", "", {"type": "message", "id": uuid.uuid4().hex, "timestamp": now, "user": USER, "text": text})

    def hand_over(self, id, transcript):
        now = datetime.now(timezone.utc).isoformat()
        return self.send("POST", "/handoff", {
            "id": id, "timestamp": now, "user": USER, "message": "asked for a human", "transcript": transcript,
        })

    def take_back(self):
        return self.send("DELETE", "/handoff/" + urllib.parse.quote(USER["id"], safe=""))


class Bot:
    """The bot of one user. A real one keeps `handoff` and `seen` in its database."""

    def __init__(self, bridge):
        self.bridge = bridge
        self.lock = threading.Lock()
        self.transcript = []
        self.handoff = None  # the id of the hand-off that is on
        self.seen = set()  # the webhook-id of what came: it can come twice

    def show(self, who, text):
        self.transcript.append({"sender": who, "text": text, "timestamp": datetime.now(timezone.utc).isoformat()})
        print(f"{who}: {text}", flush=True)

    def answer(self, text):
        self.show("bot", f"You said: {text}")

    def hear(self, text):
        """The user says something."""
        self.transcript.append({"sender": "user", "text": text, "timestamp": datetime.now(timezone.utc).isoformat()})
        if self.handoff and text == "/bot":
            # What follows comes as `handoff_ended`.
            self.bridge.take_back()
        elif self.handoff:
            status, answer = self.bridge.said(text)
            if status == 409:
                # The hand-off ended in the meantime.
                self.answer(text)
            elif status != 202:
                self.show("bot", f"That was not sent: {answer['error']}")
        elif text == "agent":
            self.handoff = str(uuid.uuid4())
            status, answer = self.bridge.hand_over(self.handoff, self.transcript)
            if status == 202:
                self.show("bot", "I am bringing a colleague.")
            else:
                self.handoff = None
                self.show("bot", f"I cannot bring a colleague: {answer['error']}")
        else:
            self.answer(text)

    def take(self, webhook_id, event):
        """The bridge tells something. Each counts once; types that are not known are ignored."""
        with self.lock:
            if webhook_id in self.seen:
                return
            self.seen.add(webhook_id)
            if event["type"] == "message":
                self.show(event["sender"]["name"] or event["sender"]["kind"], event["text"])
            elif event["type"] == "agent_joined":
                self.show("*", f"{event['sender']['name']} of {event['team_name']} has joined")
            elif event["type"] == "message_returned":
                self.answer(event["text"])
            elif event["type"] == "handoff_ended" and event["handoff_id"] == self.handoff:
                self.handoff = None
                missed = event["reason"] in ("no_agent", "failed")
                self.show("bot", "Nobody could join, I am sorry. I am here." if missed else "I am back.")


def handler(bot, secret):
    webhook = Webhook(secret)

    class Callback(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                event = webhook.verify(body, headers)
            except (WebhookVerificationError, ValueError):
                self.send_response(401)
            else:
                bot.take(headers["webhook-id"], event)
                self.send_response(204)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    return Callback


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--bridge", default="http://127.0.0.1:3000/channels/my-bot", help="the connection's URL")
    arguments.add_argument("--secret", default="whsec_aGFwdGlrLWJyaWRnZSBkZW1vOiBub3QgYSBzZWNyZXQ=", help="its signing secret; the default is the demo's")
    arguments.add_argument("--listen", type=int, default=4000, help="the port of the callback URL, http://127.0.0.1:PORT/callback")
    options = arguments.parse_args()
    bot = Bot(Bridge(options.bridge, options.secret))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", options.listen), handler(bot, options.secret))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print('Say something; "agent" brings a human, "/bot" brings the bot back.', flush=True)
    for line in sys.stdin:
        if text := line.strip():
            bot.hear(text)


if __name__ == "__main__":
    main()
