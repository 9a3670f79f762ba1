"""The Python and the JavaScript of docs/handoff.md, against the bridge."""

import json
import re
import subprocess
import uuid
from datetime import datetime, timezone

import pytest
from conftest import ENVIRONMENT, ROOT, SECRET, free_port
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

NODE = ROOT / "target" / "openapi-node"
USER = {"id": "ü/42", "name": "Asha"}
EVENT = {"type": "handoff_ended", "user": USER}


def snippet(language, bridge):
    """The page's code in a language, with a real URL and a real secret in place of those for show."""
    [code] = re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / "docs" / "handoff.md").read_text(), re.M | re.S)
    for shown, real in [("https://bridge.example.com/channels/my-app", f"{bridge.url}/channels/my-app"), ("whsec_…", SECRET)]:
        assert code.count(shown) == 1, f"{shown} in the {language} of docs/handoff.md"
        code = code.replace(shown, real)
    return code


def callback():
    """A callback as the bridge sends it."""
    body, id, now = json.dumps(EVENT), "msg_1", datetime.now(timezone.utc)
    return body, {
        "webhook-id": id, "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign(id, now, body),
    }


@pytest.fixture
def running(bridge):
    return bridge(f"http://127.0.0.1:{free_port()}/callback", "handoff_only = true")


def test_python(running):
    code = {}
    exec(snippet("python", running), code)
    id = str(uuid.uuid4())
    status, begun = code["hand_over"](id, USER, "wants a refund", [{"sender": "user", "text": "hello"}])
    assert (status, begun["id"]) == (202, id)
    assert code["hand_over"]("another", USER, "again", [])[0] == 409
    assert code["withdraw_handoff"](USER["id"]) == (202, begun)
    body, headers = callback()
    assert code["receive"](body.encode(), headers) == EVENT
    with pytest.raises(WebhookVerificationError):
        code["receive"](body.encode() + b" ", headers)


def test_javascript(running):
    body, headers = callback()
    script = NODE / "snippet.mjs"
    script.write_text(snippet("js", running) + f"""
import assert from "node:assert/strict";
const user = {json.dumps(USER)};
const [status, begun] = await handOver("h-js", user, "wants a refund", [{{ sender: "user", text: "hello" }}]);
assert.deepEqual([status, begun.id], [202, "h-js"]);
assert.equal((await handOver("another", user, "again", []))[0], 409);
assert.deepEqual(await takeBack(user.id), [202, begun]);
const [body, headers] = [{json.dumps(body)}, {json.dumps(headers)}];
assert.deepEqual(receive(body, headers), {json.dumps(EVENT)});
assert.throws(() => receive(body + " ", headers));
console.log("all of it");
""")
    done = subprocess.run(["node", script], env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "all of it\n"), done.stdout + done.stderr
