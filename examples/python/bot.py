#!/usr/bin/env python3
"""A bot of your own that hands its user over to Haptik's agents, and takes the user back.

You are the user, in this terminal. The bot repeats what you say; "agent" brings a human; "/bot" brings the
bot back before the human is done. See examples/README.md.
"""

import argparse
import socketserver
import sys
import threading
import wsgiref.simple_server

from haptik_bridge import Client, Event, Handoff, Inbox, Line, Message, Refused, Unanswered, new_id, now

USER = {"id": "u-42", "name": "Asha"}


class Bot:
    """The bot of one user. A real one keeps `transcript`, `handoff` and what is not sent yet in its database."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.lock = threading.RLock()
        self.transcript: list[Line] = []
        self.handoff: str | None = None  # the id of the hand-off that is on, or may be
        self.asked: Handoff | None = None  # what asked for it, as long as nobody knows whether the bridge has it

    def note(self, who: str, text: str) -> None:
        self.transcript.append({"sender": who, "text": text, "timestamp": now()})

    def show(self, who: str, text: str) -> None:
        self.note(who, text)
        print(f"{who}: {text}", flush=True)

    def answer(self, text: str) -> None:
        self.show("bot", f"You said: {text}")

    def hear(self, text: str) -> None:
        """The user says something."""
        self.note("user", text)
        if self.asked:
            self.hand_over(self.asked)
            if text == "agent":
                return
        if self.handoff and text == "/bot":
            self.take_back()
        elif self.handoff:
            self.forward({"type": "message", "id": new_id(), "timestamp": now(), "user": USER, "text": text})
        elif text == "agent":
            self.bring_human()
        else:
            self.answer(text)

    def forward(self, message: Message) -> None:
        try:
            self.client.say(message)
        except Refused as refused:
            if refused.status == 409:
                # The hand-off ended in the meantime.
                self.answer(message["text"])
            else:
                self.show("bot", f"That was not sent: {refused}")
        except Unanswered as unanswered:
            self.show("bot", f"That was not sent: {unanswered}")

    def bring_human(self) -> None:
        handoff: Handoff = {
            "id": new_id(), "timestamp": now(), "user": USER, "message": "asked for a human", "transcript": list(self.transcript),
        }
        self.handoff = handoff["id"]
        self.hand_over(handoff)

    def hand_over(self, handoff: Handoff) -> None:
        """Once more with the same is the same hand-off."""
        self.asked = None
        try:
            self.client.hand_over(handoff)
            self.show("bot", "I am bringing a colleague.")
        except Refused as refused:
            self.handoff = None
            self.show("bot", f"I cannot bring a colleague: {refused}")
        except Unanswered as unanswered:
            # It may be on: the same is sent again, before what the user says next.
            with self.lock:
                self.asked = handoff if self.handoff == handoff["id"] else None
            self.show("bot", f"I do not know yet whether a colleague comes: {unanswered}")

    def take_back(self) -> None:
        try:
            # What follows comes as `handoff_ended`.
            self.client.take_back(USER["id"])
        except Refused as refused:
            if refused.status == 404 and self.handoff:
                # The hand-off ended in the meantime, or never began.
                self.handoff = None
                self.show("bot", "I am back.")
            elif refused.status != 404:
                self.show("bot", f"I cannot come back: {refused}")
        except Unanswered as unanswered:
            self.show("bot", f"I do not know yet whether I am back: {unanswered}")

    def take(self, event: Event) -> None:
        """The bridge tells something, each thing once. Types that are not known are ignored."""
        with self.lock:
            if event["type"] == "message":
                self.show(event["sender"]["name"] or event["sender"]["kind"], event["text"])
            elif event["type"] == "agent_joined":
                self.show("*", f"{event['sender']['name']} of {event['team_name']} has joined")
            elif event["type"] == "message_returned":
                self.answer(event["text"])
            elif event["type"] == "handoff_ended" and event["handoff_id"] == self.handoff:
                self.handoff = self.asked = None
                missed = event["reason"] in ("no_agent", "failed")
                self.show("bot", "Nobody could join, I am sorry. I am here." if missed else "I am back.")


class Server(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    """In earnest: gunicorn or any other WSGI server."""

    daemon_threads = True


class Quiet(wsgiref.simple_server.WSGIRequestHandler):
    timeout = 30  # for a request that does not come to its end

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--bridge", default="http://127.0.0.1:3000/channels/my-bot", help="the connection's URL")
    arguments.add_argument("--secret", default="whsec_aGFwdGlrLWJyaWRnZSBkZW1vOiBub3QgYSBzZWNyZXQ=", help="its signing secret; the default is the demo's")
    arguments.add_argument("--listen", type=int, default=4000, help="the port of the callback URL, http://127.0.0.1:PORT/callback")
    options = arguments.parse_args()
    bot = Bot(Client(options.bridge, options.secret))
    inbox = Inbox(options.secret, bot.take)
    server = wsgiref.simple_server.make_server("127.0.0.1", options.listen, inbox.wsgi, Server, Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print('Say something; "agent" brings a human, "/bot" brings the bot back.', flush=True)
    for line in sys.stdin:
        if text := line.strip():
            bot.hear(text)


if __name__ == "__main__":
    main()
