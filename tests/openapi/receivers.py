"""Callback URLs: one as it should be, without the client, and others that each do one thing wrong."""

import base64
import email.utils
import hashlib
import hmac
import http.server
import json
import threading
import time

import standardwebhooks

KNOWN = {
    "message", "agent_joined", "conversation_complete", "handoff_ended", "message_returned", "message_delivered", "message_failed",
}
KEYS = {
    "type", "id", "timestamp", "user", "sender", "text", "actions", "images", "hsl", "handoff_id", "in_reply_to", "team_name",
    "completed_by", "completion_by", "data", "reason", "agent_joined", "error", "attachments", "message_id", "direction", "replayed",
}


class Refuse(Exception):
    def __init__(self, status):
        self.status = status


class Good:
    """Takes what the bridge posts. `GET` shows what it has taken."""

    largest = 10_000_000
    together, protocol = True, "HTTP/1.1"

    def __init__(self, secret):
        self.key = base64.b64decode(secret.removeprefix("whsec_"))
        self.lock, self.seen, self.shown, self.events = threading.Lock(), set(), [], []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = receiver.protocol
            timeout = 15

            def do_POST(self):
                try:
                    status = receiver.post(self)
                except Refuse as refused:
                    status = refused.status
                    self.close_connection = status == 413
                self.send_response(status)
                for name, value in receiver.more.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(receiver.answer)))
                self.end_headers()
                receiver.write(self.wfile)

            def do_GET(self):
                text = "\n".join(receiver.shown).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer if self.together else http.server.HTTPServer

        class Server(server):
            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/callback"

    more, answer = {}, b""

    def write(self, file):
        file.write(self.answer)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def post(self, request):
        length = int(request.headers.get("content-length", 0))
        if length > self.largest:
            raise Refuse(413)
        body = self.read(request, length)
        self.verify(request.headers, body)
        return self.take(request.headers["webhook-id"], json.loads(body))

    def read(self, request, length):
        body = request.rfile.read(length)
        if len(body) < length:
            raise Refuse(400)
        return body

    def verify(self, headers, body):
        id, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not at.isdigit() or not self.is_of_now(int(at)):
            raise Refuse(401)
        signed = f"{id}.{at}.".encode() + self.signed(body)
        expected = "v1," + base64.b64encode(hmac.new(self.key, signed, hashlib.sha256).digest()).decode()
        if not self.fits(headers.get("webhook-signature", ""), expected):
            raise Refuse(401)

    def is_of_now(self, at):
        return abs(time.time() - at) <= 300

    def signed(self, body):
        return body

    def fits(self, given, expected):
        return any(hmac.compare_digest(one.encode(), expected.encode()) for one in given.split(" "))

    def take(self, id, event):
        with self.lock:
            if id not in self.seen:
                self.handle(event)
                self.seen.add(id)
        return 204

    def handle(self, event):
        self.events.append(event)
        if event["type"] == "message":
            self.shown.append(event["text"])


class TrustsEverybody(Good):
    """Verifies nothing."""

    def verify(self, headers, body):
        pass

    def take(self, id, event):
        return super().take(id, event)

    def post(self, request):
        try:
            return super().post(request)
        except ValueError:
            return 401


class ForgetsTheTime(Good):
    def is_of_now(self, at):
        return True


class ForgivesThePast(Good):
    """Looks only for times that are ahead."""

    def is_of_now(self, at):
        return at - time.time() <= 300


class SignsWhatItRead(Good):
    """Verifies the JSON that it has read and written again, and not the bytes that came."""

    def signed(self, body):
        return json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False).encode() if body else body


class ReadsOneSignature(Good):
    def fits(self, given, expected):
        return hmac.compare_digest(given.encode(), expected.encode())


class ComparesBeginnings(Good):
    def fits(self, given, expected):
        return any(one and expected.startswith(one) for one in given.split(" "))


class BreaksAtForgeries(Good):
    def verify(self, headers, body):
        try:
            super().verify(headers, body)
        except Refuse:
            raise Refuse(500) from None


class CountsTwice(Good):
    def take(self, id, event):
        self.handle(event)
        return 204


class RefusesTheSecond(Good):
    def take(self, id, event):
        with self.lock:
            if id in self.seen:
                return 409
        return super().take(id, event)


class ChecksThenActs(Good):
    """Looks, thinks, and then remembers: two at a time both find nothing."""

    def take(self, id, event):
        if id not in self.seen:
            time.sleep(0.15)
            self.seen.add(id)
            self.handle(event)
        return 204


class TellsApartByText(Good):
    def take(self, id, event):
        return super().take(event.get("text") or id, event)


class RemembersTooEarly(Good):
    """Remembers the id before the body is there: what breaks off is lost."""

    def __init__(self, secret):
        self.begun, self.of_request = set(), threading.local()
        super().__init__(secret)

    def read(self, request, length):
        id = request.headers["webhook-id"]
        self.of_request.known = id in self.begun
        self.begun.add(id)
        return super().read(request, length)

    def take(self, id, event):
        return 204 if self.of_request.known else super().take(id, event)


class KnowsAllKinds(Good):
    def take(self, id, event):
        return super().take(id, event) if event["type"] in KNOWN else 400


class KnowsAllKeys(Good):
    def take(self, id, event):
        return super().take(id, event) if not set(event) - KEYS or event["type"] not in KNOWN else 422


class NeedsATeam(Good):
    """Takes for granted what may be empty."""

    def take(self, id, event):
        return 500 if event.get("team_name") == "" else super().take(id, event)


class OneAtATime(Good):
    together, protocol = False, "HTTP/1.0"


class TakesLittle(Good):
    largest = 100_000


class Redirects(Good):
    more = {"location": "https://example.com/callback"}

    def take(self, id, event):
        return 308


class Dawdles(Good):
    def take(self, id, event):
        time.sleep(11)
        return super().take(id, event)


class Shuffles(Good):
    """Answers at once and works on what came in whatever order."""

    def handle(self, event):
        self.events.append(event)
        if event["type"] == "message":
            self.shown.insert(0, event["text"])


class ReadsTheFirstSignature(Good):
    def fits(self, given, expected):
        return hmac.compare_digest(given.split(" ")[0].encode(), expected.encode())


class ReadsTheLastSignature(Good):
    def fits(self, given, expected):
        return hmac.compare_digest(given.split(" ")[-1].encode(), expected.encode())


class FoldsSignatures(Good):
    def fits(self, given, expected):
        return super().fits(given.lower(), expected.lower())


class FoldsIds(Good):
    """Keeps ids where case does not count, as some databases do."""

    def take(self, id, event):
        return super().take(id.lower(), event)


class ShortensIds(Good):
    """Keeps ids in a column that is too small."""

    def take(self, id, event):
        return super().take(id[:32], event)


class AnswersFirst(Good):
    """Says 200, and verifies afterwards."""

    def post(self, request):
        try:
            super().post(request)
        except Refuse as refused:
            if refused.status != 401:
                raise
        return 200


class RedirectsAside(Good):
    more = {"location": "/callback/"}

    def take(self, id, event):
        return 302


class ForgivesForDays(Good):
    """Compares seconds with a tolerance in milliseconds."""

    def is_of_now(self, at):
        return abs(time.time() - at) <= 300_000


class TellsApartByBody(Good):
    def post(self, request):
        self.of_request = threading.local() if not hasattr(self, "of_request") else self.of_request
        return super().post(request)

    def read(self, request, length):
        self.of_request.body = super().read(request, length)
        return self.of_request.body

    def take(self, id, event):
        return super().take(hashlib.sha256(self.of_request.body).hexdigest(), event)


class TellsApartByEvent(Good):
    """By the `id` in the body, which is not what says that it comes again."""

    def take(self, id, event):
        return super().take(event["id"], event)


class RemembersTheLast(Good):
    def take(self, id, event):
        with self.lock:
            self.seen &= {id}
        return super().take(id, event)


class RemembersForgeries(Good):
    """Remembers an id before it has verified."""

    def __init__(self, secret):
        self.begun, self.of_request = set(), threading.local()
        super().__init__(secret)

    def verify(self, headers, body):
        id = headers.get("webhook-id", "")
        self.of_request.known = id in self.begun
        self.begun.add(id)
        super().verify(headers, body)

    def take(self, id, event):
        return 204 if self.of_request.known else super().take(id, event)


class ReadsLatinOne(Good):
    def signed(self, body):
        return body.decode("latin-1").encode()


class HasNoEmoji(Good):
    """Its database has characters of three bytes at most."""

    def take(self, id, event):
        return 500 if any(ord(letter) > 0xFFFF for letter in event.get("text", "")) else super().take(id, event)


class OneAtATimeAndSlow(OneAtATime):
    def take(self, id, event):
        time.sleep(0.2)
        return super().take(id, event)


class RemembersAFew(Good):
    """Remembers the last twenty ids."""

    def __init__(self, secret):
        super().__init__(secret)
        self.last = []

    def take(self, id, event):
        with self.lock:
            if id in self.last:
                return 204
            self.last = [*self.last[-19:], id]
            self.handle(event)
        return 204


class WritesOverOthers(Good):
    """Reads all that there is, and writes it back with one more."""

    def handle(self, event):
        before = list(self.shown)
        time.sleep(0.05)
        super().handle(event)
        self.shown = [*before, *self.shown[-1:]] if event["type"] == "message" else self.shown

    def take(self, id, event):
        with self.lock:
            if id in self.seen:
                return 204
            self.seen.add(id)
        self.handle(event)
        return 204


class CutsTexts(Good):
    def handle(self, event):
        super().handle(event | {"text": event["text"][:1000]} if "text" in event else event)


class HasNoNul(Good):
    """Its database takes no U+0000."""

    def take(self, id, event):
        return 500 if "\0" in event.get("text", "") else super().take(id, event)


class LogsWholeBodies(Good):
    """Right: shows each event that it has taken as it came."""

    def handle(self, event):
        self.events.append(event)
        self.shown.append(json.dumps(event))


class ForgetsTheVersion(Good):
    """Takes a signature also where it is not said that it is of version 1."""

    def fits(self, given, expected):
        return super().fits(given, expected) or super().fits(given, expected[3:])


# Each fails for its own reason.
BROKEN = {
    RemembersAFew: {"doubled-later"},
    WritesOverOthers: {"together"},
    CutsTexts: {"large"},
    HasNoNul: {"raw-body"},
    ReadsTheFirstSignature: {"rotation"},
    ReadsTheLastSignature: {"rotation"},
    FoldsSignatures: {"nearly"},
    FoldsIds: {"ids"},
    ShortensIds: {"ids"},
    AnswersFirst: {"unsigned", "forged", "altered", "swapped", "nearly", "late", "early", "forged-before"},
    RedirectsAside: {"answers"},
    ForgivesForDays: {"late", "early"},
    TellsApartByBody: {"alike"},
    TellsApartByEvent: {"alike"},
    RemembersTheLast: {"doubled", "doubled-later"},
    RemembersForgeries: {"forged-before"},
    ReadsLatinOne: {"raw-body"},
    HasNoEmoji: {"raw-body"},
    OneAtATimeAndSlow: {"slow"},
    TrustsEverybody: {"unsigned", "forged", "altered", "swapped", "nearly", "late", "early", "forged-before"},
    ForgetsTheTime: {"late", "early"},
    ForgivesThePast: {"late"},
    # Who reads before verifying does not see spaces.
    SignsWhatItRead: {"raw-body", "altered"},
    ReadsOneSignature: {"rotation"},
    ComparesBeginnings: {"nearly"},
    BreaksAtForgeries: {"forged", "altered", "swapped", "late", "early", "forged-before"},
    CountsTwice: {"doubled", "doubled-at-once", "doubled-later", "hung-up"},
    RefusesTheSecond: {"doubled", "doubled-at-once", "doubled-later", "hung-up"},
    ChecksThenActs: {"doubled-at-once"},
    TellsApartByText: {"alike"},
    RemembersTooEarly: {"cut", "forged-before"},
    KnowsAllKinds: {"unknown-kind"},
    KnowsAllKeys: {"unknown-keys"},
    NeedsATeam: {"kinds"},
    OneAtATime: {"slow"},
    TakesLittle: {"large"},
    Redirects: {"answers"},
    Dawdles: {"answers"},
    Shuffles: {"order"},
}


# --- What takes nothing, and what the finding has to say of it.


class WritesJsonAgain(Good):
    def signed(self, body):
        return json.dumps(json.loads(body)).encode() if body else body


class ReadsMilliseconds(Good):
    def is_of_now(self, at):
        return abs(time.time() * 1000 - at) <= 300_000


class HasAnotherClock(Good):
    def __init__(self, secret):
        super().__init__(secret)
        self.server.RequestHandlerClass.date_time_string = lambda _: email.utils.formatdate(time.time() - 900, usegmt=True)

    def is_of_now(self, at):
        return abs(time.time() - 900 - at) <= 300


class TakesTheTextForTheKey(Good):
    def __init__(self, secret):
        super().__init__(secret)
        self.key = secret.removeprefix("whsec_").encode()


class TakesAllForTheKey(Good):
    def __init__(self, secret):
        super().__init__(secret)
        self.key = secret.encode()


class WantsHexadecimal(Good):
    def fits(self, given, expected):
        return super().fits(given, "v1," + base64.b64decode(expected[3:]).hex())


class WantsNoVersion(Good):
    def fits(self, given, expected):
        return super().fits(given, expected[3:])


class SignsLess(Good):
    """Leaves out what stands before the body."""

    before = "".format

    def verify(self, headers, body):
        id, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        signed = self.before(id, at).encode() + body
        expected = "v1," + base64.b64encode(hmac.new(self.key, signed, hashlib.sha256).digest()).decode()
        if not self.fits(headers.get("webhook-signature", ""), expected):
            raise Refuse(401)


class SignsWithoutTheId(SignsLess):
    before = "{1}.".format


class WantsBase64Url(Good):
    def fits(self, given, expected):
        return super().fits(given, expected.translate(str.maketrans("+/", "-_")))


class WantsNoPadding(Good):
    def fits(self, given, expected):
        return super().fits(given, expected.rstrip("="))


class SignsBySha512(Good):
    def verify(self, headers, body):
        signed = f"{headers.get('webhook-id', '')}.{headers.get('webhook-timestamp', '')}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.new(self.key, signed, hashlib.sha512).digest()).decode()
        if not self.fits(headers.get("webhook-signature", ""), expected):
            raise Refuse(401)


class HasAnotherSecret(Good):
    def __init__(self, secret):
        super().__init__(secret)
        self.key = self.key[::-1]


MISTAKEN = {
    WantsBase64Url: "in base64url",
    WantsNoPadding: "without the = at the end",
    SignsBySha512: "SHA-512",
    HasAnotherSecret: "none of the usual mistakes",
    WritesJsonAgain: "the JSON as it would write it",
    ReadsMilliseconds: "as milliseconds",
    HasAnotherClock: "900 s behind",
    TakesTheTextForTheKey: "the secret's text without whsec_",
    TakesAllForTheKey: "its key is the secret's text:",
    WantsHexadecimal: "in hexadecimal",
    WantsNoVersion: "without its version",
    SignsLess: "the body alone",
    SignsWithoutTheId: "without the webhook-id",
}


# --- What works, and could be better.


class AnswersAtLength(Good):
    answer = b"thank you, " * 100_000

    def take(self, id, event):
        super().take(id, event)
        return 202


class AnswersDrop(Good):
    """Says 200 at once, and the rest of the answer some seconds later."""

    answer, late = b"thank you", True

    def write(self, file):
        file.flush()
        if self.late:
            self.late = False
            time.sleep(3.5)
        super().write(file)

    def take(self, id, event):
        super().take(id, event)
        return 200


class OnTheLibrary(Good):
    """By the library of Standard Webhooks, as its README has it: of what has not the form of a signature it makes 500."""

    def verify(self, headers, body):
        try:
            standardwebhooks.Webhook(base64.b64encode(self.key).decode()).verify(body, dict(headers))
        except standardwebhooks.WebhookVerificationError:
            raise Refuse(401) from None
        except ValueError:
            raise Refuse(500) from None


class TakesOneMegabyte(Good):
    largest = 1_000_000


# What is warned of, and in which words.
DOUBTFUL = {
    TakesOneMegabyte: ("large", "a message of 5 MB: answered 413"),
    AnswersAtLength: ("answers", "more than 64 kB"),
    AnswersDrop: ("answers", "until all of the answer was there"),
    OnTheLibrary: ("nearly", "breaks at it"),
    ForgetsTheVersion: ("nearly", "without its version: answered 204; the signature is right"),
}
