"""Three incidents on the deployed stack, solved by the console alone: `haptik-bridge console --stack NAME`, asked as its
page asks. Each cause is found in three requests at most, and what was given up is delivered again."""

import json
import os
import re
import subprocess
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import WORK, Bridge, Peers, ended, eventually, http

# What people say here: nothing of it may be in an answer of a console without --bodies.
SAID = ["my claim number is 4711-b", "the courier never came", "is my order lost"]
CRM_SECRET = "whsec_b25lLWNhbGwtc2VjcmV0LW9mLXRoZS1jcm0tISEh"
WRONG_TOKEN = "xoxb-revoked-by-somebody"


class Crm:
    """A webhook of a CRM, which is down when it is told to be."""

    def __init__(self):
        self.down, self.got = False, []
        crm = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                if not crm.down:
                    crm.got.append(json.loads(body))
                self.send_response(503 if crm.down else 200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/events"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Console:
    """A console of a stack, as its page asks it. What it answers is kept, to be searched."""

    def __init__(self, aws, stack):
        self.answers, self.asked = [], 0
        self.process = subprocess.Popen(
            [os.environ["HAPTIK_BRIDGE"], "console", "--stack", stack, "--listen", "0"],
            env=aws.environment, cwd=WORK, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        said = ""
        for line in self.process.stdout:
            said += line
            if found := re.search(r"(http://\S+)/\?token=(\w+)", line):
                self.origin, self.token = found.groups()
                break
        else:
            pytest.fail(f"the console does not start: {said}")

    def ask(self, path, body=None, headers=None, **query):
        """The status and the answer; without `headers`, as the page asks that was opened with the token."""
        self.asked += 1
        if headers is None:
            port = self.origin.rsplit(":", 1)[1]
            headers = {"cookie": f"haptik-bridge-console-{port}={self.token}", "x-haptik-bridge-console": "1",
                       "origin": self.origin, "sec-fetch-site": "same-origin"}
        url = f"{self.origin}/api/{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        status, text = http("GET" if body is None else "POST", url, body, headers)
        self.answers.append(text)
        return status, text

    def get(self, path, **query):
        status, text = self.ask(path, **query)
        assert status == 200, f"{path}: {status} {text}"
        return json.loads(text)

    def replay(self, wanted):
        """Has it delivered again, and waits until nothing is under way any more."""
        status, text = self.ask("replay", wanted)
        assert status == 200, text
        job = json.loads(text)["job"]
        return eventually(lambda: (shown := self.get(f"replay/{job}"))["done"] and shown, "end of the replay", patience=240, pause=1)

    def replay_cause(self, dead, cause):
        return self.replay({"cause": cause["id"], "since": dead["since"], "until": dead["until"], "count": cause["count"]})


@pytest.fixture(scope="module")
def neighbours():
    running = Peers()
    yield running
    ended(running.process)


@pytest.fixture(scope="module")
def crm():
    return Crm()


@pytest.fixture(scope="module")
def stack(aws, neighbours, crm):
    bridge = Bridge(aws, neighbours, "bridge-on-call")
    bridge.deploy()
    neighbours.simulator("PUT", "webhook", {"url": f"{bridge.url}/haptik/main"})
    code, said = bridge.put_config(configuration(bridge, crm))
    assert code == 0, said
    eventually(lambda: http("GET", f"{bridge.url}/health")[0] == 200, "good configuration")
    yield bridge
    bridge.delete()


def configuration(bridge, crm, token=None):
    text = bridge.configuration()
    if token:
        text = text.replace(bridge.peers.at["bot_token"], token)
    return f"""{text}
[sinks.crm]
type = "webhook"
events = ["message"]
url = "{crm.url}"
signing_secrets = ["{CRM_SECRET}"]

[delivery]
give_up_after = "1m"
"""


@pytest.fixture(scope="module")
def console(aws, stack):
    running = Console(aws, stack.stack)
    yield running
    ended(running.process)


@pytest.fixture
def counted(console):
    """How many requests were made since the test began."""
    before = console.asked
    return lambda: console.asked - before


def test_haptik_refuses_one_users_message_and_the_permalink_says_why(stack, console, counted):
    stack.talk("U0LEELA", "good morning")
    stack.peers.simulator("POST", "faults/calls", {"path": "/v1.0/*", "times": 1, "outcome": {"kind": "status", "status": 400}})
    said = stack.say("U0LEELA", SAID[0])
    eventually(lambda: stack.lines("processor", hop="delivered", outcome="dead"), "dead letter")
    link = f"https://acme.slack.com/archives/{said['channel']}/p{said['ts'].replace('.', '')}"

    # Somebody pastes the link of what the user wrote.
    before = counted()
    (entry,) = console.get("find", q=link)["entries"]
    assert (entry["state"], entry["lane"].split("#")[0]) == ("dead", "haptik"), entry
    assert "Haptik refused (400)" in entry["reason"], entry
    hops = console.get("steps", lane=entry["lane"], key=entry["key"])["steps"]
    assert counted() - before == 2
    assert [(hop["hop"], hop["outcome"]) for hop in hops if hop["hop"] == "delivered"] == [("delivered", "dead")], hops
    # The same, by the user.
    before = counted()
    (user,) = console.get("find", q="acme-slack/U0LEELA")["users"]
    listed = console.get("conversation", user=user["auth_id"])["entries"]
    assert counted() - before == 2
    assert [one["reason"] for one in listed if one["state"] == "dead"] == [entry["reason"]]

    done = console.replay({"places": [{"lane": entry["lane"], "key": entry["key"]}], "count": 1})
    assert (done["delivered"], done["dead"]) == (1, 0), done
    assert stack.peers.logged(re.escape(SAID[0])) == [SAID[0]]
    assert console.get("dead")["count"] == 0


def test_a_crm_that_was_down_for_too_long_gets_what_it_did_not_have(stack, crm, console, counted):
    crm.down = True
    stack.talk("U0ARJUN", SAID[1])
    # While it is down: which sink it is.
    found = lambda: [sink for sink in console.get("state")["sinks"] if sink["name"] == "crm" and sink["failures"] >= 3]
    eventually(found, "sink that is down", patience=60, pause=2)
    # It was down for longer than anything is tried (a minute here, a day unless it is configured).
    eventually(lambda: [line for line in stack.lines("processor", outcome="dead") if line.get("direction") == "to_sink"],
               "event that was given up", patience=180, pause=2)
    crm.down = False
    before = counted()
    dead = console.get("dead")
    (cause,) = dead["causes"]
    assert counted() - before == 1
    assert cause["way"] == "sink#crm" and "503" in cause["reason"], cause
    assert not crm.got or SAID[1] not in json.dumps(crm.got)
    (entry,) = console.get(f"dead/{cause['id']}", since=dead["since"], until=dead["until"])["entries"]
    assert entry["reason"] == cause["reason"]
    done = console.replay_cause(dead, cause)
    assert (done["delivered"], done["dead"], done["failed"]) == (1, 0, 0), done
    assert f"echo {SAID[1]}" in json.dumps(crm.got)
    assert console.get("dead")["count"] == 0


def test_a_wrong_slack_token_is_named_and_the_answers_come_once_it_is_right(stack, crm, console, counted):
    code, said = stack.put_config(configuration(stack, crm, WRONG_TOKEN))
    assert code == 0, said
    time.sleep(5)  # the functions read their configuration anew
    said = stack.say("U0MINA", SAID[2])
    assert said["status"] == 200
    eventually(lambda: stack.lines("processor", outcome="will_retry", direction="to_channel"), "failed try", patience=60)
    # Mina complains: what is for her waits, and says why.
    before = counted()
    (user,) = console.get("find", q="acme-slack/U0MINA")["users"]
    listed = console.get("conversation", user=user["auth_id"])["entries"]
    assert counted() - before == 2
    (waiting,) = [one for one in listed if one["lane"].startswith("channel#")]
    assert waiting["state"] == "pending" and "invalid_auth" in waiting["reason"], waiting
    # Nobody mends it for longer than anything is tried.
    eventually(lambda: console.get("dead")["count"], "dead letter", patience=240, pause=3)
    before = counted()
    dead = console.get("dead")
    (cause,) = dead["causes"]
    assert counted() - before == 1
    assert cause["way"] == "channel" and "invalid_auth" in cause["reason"], cause
    assert stack.peers.answers(said["channel"], SAID[2]) == []

    code, words = stack.put_config(configuration(stack, crm))
    assert code == 0, words
    time.sleep(5)
    done = console.replay_cause(dead, cause)
    assert (done["delivered"], done["dead"], done["failed"]) == (1, 0, 0), done
    assert stack.peers.answers(said["channel"], SAID[2]) == [f"echo {SAID[2]}"]
    assert console.get("dead")["count"] == 0


def test_each_replay_was_recorded_with_who_did_it(console):
    records = console.get("audit")["records"]
    assert len(records) >= 3 and {record["did"] for record in records} == {"replayed"}
    assert all(record["who"].startswith("arn:aws:") for record in records), records
    assert any(record["what"].startswith("sink#crm: ") for record in records), records


def test_only_its_own_page_with_the_token_is_answered(console):
    port = console.origin.rsplit(":", 1)[1]
    cookie = {"cookie": f"haptik-bridge-console-{port}={console.token}"}
    own = {"x-haptik-bridge-console": "1"}
    place = {"places": [{"lane": "haptik#x", "key": "y"}], "count": 1}
    for path, body in [("dead", None), ("about", None), ("find?q=U0LEELA", None), ("replay", place)]:
        for headers, status in [
            ({}, 401), (own, 401), (cookie, 401), ({**own, "authorization": "Bearer wrong"}, 401),
            ({**cookie, **own, "origin": "https://evil.example"}, 403),
            ({**cookie, **own, "sec-fetch-site": "cross-site"}, 403),
            ({**cookie, **own, "host": "evil.example"}, 421),
        ]:
            assert console.ask(path, body, headers)[0] == status, (path, headers)


def test_no_answer_has_a_secret_or_what_was_said(stack, console):
    at = stack.peers.at
    secrets = [at["token"], at["webhook_secret"], at["bot_token"], at["signing_secret"], CRM_SECRET, WRONG_TOKEN, console.token]
    assert len(console.answers) > 20
    for answer in console.answers:
        for text in [*secrets, *SAID]:
            assert text not in answer, answer[:500]
