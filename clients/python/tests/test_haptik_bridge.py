"""The client against a server of its own, the inbox against requests that are signed here or forged."""

import base64
import http.server
import io
import json
import pathlib
import threading
import time

import pytest
from haptik_bridge import Client, Inbox, MemorySeen, Refused, Unanswered, Unverified, sign, verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_aGFwdGlrLWJyaWRnZSBkZW1vOiBub3QgYSBzZWNyZXQ="
MESSAGE = {"type": "message", "id": "m-1", "timestamp": "2026-11-22T10:00:00Z", "user": {"id": "ü/42"}, "text": "hellö"}
EVENT = {"type": "handoff_ended", "id": "h-1", "user": {"id": "u-42"}}


class Server:
    """Answers with what it is told, in turn, and keeps what it got."""

    def __init__(self, *answers):
        self.got, answers = [], list(answers)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                outer.got.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                status, headers, answer = answers.pop(0) if len(answers) > 1 else answers[0]
                if status is None:
                    self.close_connection = True
                    return
                text = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(text))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            do_DELETE = do_GET = do_POST

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/channels/my-app"


GOOD = (202, {}, {"id": "m-1", "auth_id": "a"})


@pytest.mark.parametrize("failing", [
    (503, {}, {"error": "not stored, send it again"}), (500, {}, []), (429, {"retry-after": "3"}, {"message": "Too Many Requests"}),
    (None, {}, None), (503, {}, b"[" * 200_000), (503, {}, b"\xff"), (200, {}, b"{" * 200_000),
    (503, {"retry-after": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"}, {}), (503, {"retry-after": "soon"}, {}),
    (501, {}, {}), (520, {}, {}), (522, {}, b"<html>"), (530, {}, {}), (599, {}, {}),
])
def test_what_was_not_stored_is_sent_again_as_the_same(failing):
    server, pauses = Server(failing, failing, GOOD), []
    answer = Client(server.url, SECRET, sleep=pauses.append).say(MESSAGE)
    assert answer == {"id": "m-1", "auth_id": "a"}
    assert len(server.got) == 3
    assert len({body for *_, body in server.got}) == 1, "the same id and timestamp, every time"
    assert len({headers["webhook-id"] for *_, headers, _ in server.got}) == 1
    for _, _, headers, body in server.got:
        assert verify(SECRET, body, headers).event == MESSAGE
    if failing[0] == 429:
        assert all(pause >= 3 for pause in pauses)


def test_a_retry_is_signed_anew():
    server = Server((503, {}, {}), GOOD)
    moments = iter([1000.4, 1400.0])
    Client(server.url, SECRET, sleep=lambda _: None, clock=lambda: next(moments)).say(MESSAGE)
    assert [headers["webhook-timestamp"] for *_, headers, _ in server.got] == ["1000", "1400"]


def test_it_gives_up_in_time_and_says_why():
    server = Server((503, {}, {"error": "not stored, send it again"}))
    with pytest.raises(Unanswered, match="503: not stored"):
        Client(server.url, SECRET, give_up_after=0.1).say(MESSAGE)
    with pytest.raises(Unanswered, match="did not answer"):
        Client("http://127.0.0.1:9/channels/x", SECRET, give_up_after=0.1).say(MESSAGE)


@pytest.mark.parametrize(("status", "answer", "error"), [
    (400, {"error": "user.id is missing"}, "user.id is missing"), (401, {"error": "x"}, "x"),
    (413, {"message": "Request Entity Too Large"}, "Request Entity Too Large"), (404, "no JSON object", "Not Found"),
])
def test_a_refusal_is_not_sent_again(status, answer, error):
    server = Server((status, {}, answer))
    with pytest.raises(Refused) as refused:
        Client(server.url, SECRET).say(MESSAGE)
    assert (refused.value.status, refused.value.error, len(server.got)) == (status, error, 1)


def test_a_redirect_is_not_followed():
    server = Server((302, {"location": "/elsewhere"}, {}))
    with pytest.raises(Refused):
        Client(server.url, SECRET).say(MESSAGE)
    assert len(server.got) == 1


def test_handing_over_and_taking_back():
    server = Server((409, {}, {"error": "another", "handoff_id": "h-0"}), GOOD)
    client = Client(server.url, SECRET)
    with pytest.raises(Refused) as refused:
        client.hand_over({"id": "h-1", "timestamp": "2026-11-22T10:00:00Z", "user": {"id": "u"}, "message": "why"})
    assert refused.value.handoff_id == "h-0"
    client.take_back("ü/42")
    method, path, headers, body = server.got[1]
    assert (method, path, body) == ("DELETE", "/channels/my-app/handoff?user=%C3%BC%2F42", b"")
    assert headers["webhook-signature"] == sign(SECRET, headers["webhook-id"], int(headers["webhook-timestamp"]), b"")


def test_a_request_without_its_name_is_not_sent():
    for key in ("id", "timestamp"):
        with pytest.raises(ValueError, match=key):
            Client("http://127.0.0.1:9/", SECRET).say({name: value for name, value in MESSAGE.items() if name != key})


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_?", "whsec_c2hvcnQ=", "whsec_" + "A" * 25, "whsec_" + "A" * 20])
def test_a_secret_that_is_none_is_refused_and_not_quoted(secret):
    for make in (lambda: Client("https://x/", secret), lambda: Inbox(secret, print)):
        with pytest.raises(ValueError) as refused:
            make()
        assert len(secret) < 7 or secret not in str(refused.value)
    assert SECRET not in repr(Client("https://x/", SECRET))


@pytest.mark.parametrize("length", [16, 17, 18, 24, 64, 65, 150])
def test_a_secret_is_taken_as_the_bridge_takes_it(length):
    encoded = base64.b64encode(bytes(range(length))).decode()
    spellings = [prefix + text for prefix in ("whsec_", "") for text in (encoded, encoded.rstrip("="))]
    assert len({sign(secret, "msg_1", 1, b"") for secret in spellings}) == 1
    assert Client("https://x/", spellings[-1]) and Inbox(spellings[-1], print)


def posted(event=EVENT, secret=SECRET, id="msg_1", at=None, body=None):
    body = json.dumps(event).encode() if body is None else body
    at = int(time.time()) if at is None else at
    return body, {"Webhook-Id": id, "WEBHOOK-TIMESTAMP": str(at), "webhook-signature": sign(secret, id, at, body)}


def test_verifying():
    body, headers = posted()
    assert verify(SECRET, body, headers).event == EVENT
    assert verify([OTHER, SECRET], body, headers).id == "msg_1"
    # While a secret is changed there are two signatures; kinds of signatures that are unknown are left out.
    two = {**headers, "webhook-signature": f"v1a,AAAA v1, {sign(OTHER, 'msg_1', 1, b'')} {headers['webhook-signature']}"}
    assert verify(SECRET, body, two).event == EVENT


@pytest.mark.parametrize("change", [
    {"webhook-signature": ""}, {"webhook-signature": "v1,"}, {"webhook-signature": "v1,ü"}, {"webhook-signature": "v1,\ud800"}, {"Webhook-Id": "\ud800"},
    {"Webhook-Id": "msg_2"}, {"Webhook-Id": ""},
    {"WEBHOOK-TIMESTAMP": "x"}, {"WEBHOOK-TIMESTAMP": "-1"}, {"WEBHOOK-TIMESTAMP": "1e9"}, {"WEBHOOK-TIMESTAMP": "²"},
    {"WEBHOOK-TIMESTAMP": "9" * 30}, {"WEBHOOK-TIMESTAMP": "1"},
])
def test_what_is_forged(change):
    body, headers = posted()
    with pytest.raises(Unverified):
        verify(SECRET, body, headers | change)
    with pytest.raises(Unverified):
        verify(SECRET, body + b" ", headers)
    with pytest.raises(Unverified):
        verify(OTHER, body, headers)


@pytest.mark.parametrize("body", [
    b"", b"hello", b"null", b"[]", b"{}", b'{"type": 7}', b'{"type": "message"', b'{"type": "mess\xff"}', b'\xef\xbb\xbf{"type": "message"}',
    '{"type": "message"}'.encode("utf-16"), b'{"type": "message", "a": NaN}', b'{"type": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
], ids=lambda body: body[:20])
def test_what_is_signed_and_is_no_event(body):
    taken = []
    at = int(time.time())
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(at), "webhook-signature": sign(SECRET, "msg_1", at, body)}
    assert Inbox(SECRET, taken.append).take(body, headers) == 400
    assert taken == []


def wsgi(inbox, body, headers, **more):
    environ = {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
    environ |= {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()} | more
    answered = []
    inbox.wsgi(environ, lambda status, _: answered.append(int(status.split()[0])))
    return answered[0]


def test_the_callback_url():
    taken = []
    inbox = Inbox(SECRET, taken.append)
    body, headers = posted()
    for status, more in [
        (405, {"REQUEST_METHOD": "GET"}), (413, {"CONTENT_LENGTH": "10000001"}), (413, {"CONTENT_LENGTH": "9" * 5000}),
        (400, {"CONTENT_LENGTH": "-1"}), (400, {"CONTENT_LENGTH": str(len(body) + 1)}), (401, {"CONTENT_LENGTH": ""}),
        (401, {"HTTP_WEBHOOK_SIGNATURE": "v1,"}),
    ]:
        assert wsgi(inbox, body, headers, **more) == status, more
        assert taken == []
    assert wsgi(inbox, body, headers, CONTENT_LENGTH="", **{"wsgi.input_terminated": True}) == 204
    assert wsgi(inbox, body, headers) == 204
    assert taken == [EVENT]


def test_what_is_late_or_early():
    now = int(time.time())
    for away, good in [(-290, True), (290, True), (-310, False), (310, False)]:
        body, headers = posted(at=now + away)
        assert (Inbox(SECRET, lambda _: None).take(body, headers) == 204) is good, away


def test_each_event_once_and_again_when_it_was_not_taken():
    taken, fail = [], [True]

    def handle(event):
        if fail.pop() if fail else False:
            raise RuntimeError("the database is down")
        taken.append(event)

    inbox = Inbox(SECRET, handle)
    assert [inbox.take(*posted()) for _ in range(3)] == [500, 204, 204]
    assert taken == [EVENT]
    assert inbox.take(*posted(id="msg_2")) == 204
    assert len(taken) == 2
    assert inbox.take(*posted(body=b"[]")) == 400
    assert inbox.take(b"x" * 10_000_001, {}) == 413


def test_the_same_at_the_same_time_is_taken_once():
    go, taken = threading.Event(), []
    inbox = Inbox(SECRET, lambda event: (go.wait(5), taken.append(event)))
    first = threading.Thread(target=lambda: inbox.take(*posted()))
    first.start()
    time.sleep(0.05)
    assert inbox.take(*posted()) == 503
    go.set()
    first.join()
    assert inbox.take(*posted()) == 204
    assert len(taken) == 1


def in_table(file):
    """The store of the page."""
    page = (pathlib.Path(__file__).parents[1] / "README.md").read_text()
    [code] = [block.split("```")[0] for block in page.split("```python\n")[1:] if "class SeenInTable" in block]
    names = {}
    exec(code[:code.index("inbox = ")], names)
    return names["SeenInTable"](file)


@pytest.mark.parametrize("seen", ["memory", "table"])
def test_two_inboxes_with_one_store_take_each_event_once(seen, tmp_path):
    go, taken, fail = threading.Event(), [], [True]

    def handle(event):
        go.wait(5)
        if fail.pop() if fail else False:
            raise RuntimeError("the database is down")
        taken.append(event)

    memory = MemorySeen()
    one, two = (Inbox(SECRET, handle, seen=memory if seen == "memory" else in_table(tmp_path / "seen")) for _ in range(2))
    answered = []
    first = threading.Thread(target=lambda: answered.append(one.take(*posted())))
    first.start()
    time.sleep(0.05)
    assert two.take(*posted()) == 503, "whether the other takes it is not known yet"
    go.set()
    first.join()
    assert answered == [500] and taken == []
    assert [two.take(*posted()), one.take(*posted())] == [204, 204]
    assert taken == [EVENT]


def test_in_the_table_of_the_page_a_claim_of_a_process_that_died_counts_for_a_minute(tmp_path):
    seen = in_table(tmp_path / "seen")
    assert [seen.claim("a"), seen.claim("a"), seen.has("a")] == [True, False, False]
    seen.run("UPDATE seen SET since = since - 61")
    assert [seen.claim("a"), seen.claim("a")] == [True, False]
    seen.add("a")
    seen.run("UPDATE seen SET since = since - 61")
    assert [seen.claim("a"), seen.has("a")] == [False, True]


def test_a_store_that_fails_has_taken_nothing():
    class Failing(MemorySeen):
        def claim(self, id):
            raise RuntimeError("the database is down")

    taken = []
    assert Inbox(SECRET, taken.append, seen=Failing()).take(*posted()) == 500
    assert taken == []


def test_ids_are_kept_for_their_time_and_not_without_end():
    seen = MemorySeen(seconds=60, limit=2)
    for id in ("a", "b", "c"):
        seen.add(id)
    assert [seen.has(id) for id in ("a", "b", "c")] == [False, True, True]
    gone = MemorySeen(seconds=0)
    gone.add("a")
    assert not gone.has("a")
