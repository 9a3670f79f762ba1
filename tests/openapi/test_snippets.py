"""The Python and the JavaScript of the documents, against the bridge; and the clients' types against the document."""

import json
import pathlib
import re
import subprocess
import typing
from datetime import datetime, timezone

import haptik_bridge.types
import pytest
import yaml
from conftest import ENVIRONMENT, ROOT, SECRET, eventually, free_port
from standardwebhooks.webhooks import Webhook

TYPESCRIPT = ROOT / "examples" / "typescript"
USER = {"id": "ü/42", "name": "Asha"}
EVENT = {"type": "handoff_ended", "reason": "completed", "user": USER}
AT = "2026-11-22T10:00:00Z"
PAGES = ["custom-channel.md", "handoff.md"]


def snippet(page, language, bridge):
    """The page's code in a language, with a real URL and a real secret in place of those for show."""
    [code] = re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / "docs" / page).read_text(), re.M | re.S)
    for shown, real in [("https://bridge.example.com/channels/my-app", f"{bridge.url}/channels/my-app"), ("whsec_…", SECRET)]:
        assert code.count(shown) == 1, f"{shown} in the {language} of docs/{page}"
        code = code.replace(shown, real)
    return code


def callback():
    """A callback as the bridge sends it."""
    body, id, now = json.dumps(EVENT), "msg_1", datetime.now(timezone.utc)
    return body, {
        "webhook-id": id, "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign(id, now, body),
    }


def python(page, bridge):
    code = {}
    exec(snippet(page, "python", bridge), code)
    return code


def javascript(page, bridge, more):
    body, headers = callback()
    script = TYPESCRIPT / "node_modules" / "snippet.mjs"
    script.write_text(snippet(page, "js", bridge) + f"""
import assert from "node:assert/strict";
const user = {json.dumps(USER)}, at = {json.dumps(AT)};
{more}
const [body, headers] = [{json.dumps(body)}, {json.dumps(headers)}];
assert.equal(await receive(body, headers), 204);
assert.equal(await receive(body + " ", headers), 401);
console.log("all of it");
""")
    done = subprocess.run(["node", script], env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "all of it"), done.stdout + done.stderr


def takes_callbacks(code, capsys):
    body, headers = callback()
    assert [code["receive"](body.encode(), headers) for _ in range(2)] == [204, 204]
    assert code["receive"](body.encode() + b" ", headers) == 401
    assert len(capsys.readouterr().out.splitlines()) == 1, "what comes twice counts once"


@pytest.fixture
def running(bridge):
    return bridge(f"http://127.0.0.1:{free_port()}/callback")


@pytest.fixture
def handing_over(bridge):
    return bridge(f"http://127.0.0.1:{free_port()}/callback", "handoff_only = true")


def said_once(haptik, text):
    """Whoever runs a snippet again, or the whole of it, has made no second message."""
    eventually(lambda: "and then" in haptik.messages(), "last message")
    assert haptik.messages().count(text) == 1, haptik.messages()


def test_saying_in_python(haptik, running, capsys):
    for _ in range(2):
        code = python("custom-channel.md", running)
        answers = [code["say"]("u-42", "once", "m-1", AT) for _ in range(2)]
        assert [answer["id"] for answer in answers] == ["m-1", "m-1"]
    code["say"]("u-42", "and then", "m-2", "2026-11-22T10:00:01Z")
    said_once(haptik, "once")
    takes_callbacks(code, capsys)


def test_saying_in_javascript(haptik, running):
    again = """
assert.equal((await say("u-42", "once", "m-1", at)).id, "m-1");
assert.equal((await say("u-42", "once", "m-1", at)).id, "m-1");
"""
    javascript("custom-channel.md", running, again)
    javascript("custom-channel.md", running, again + 'await say("u-42", "and then", "m-2", "2026-11-22T10:00:01Z");')
    said_once(haptik, "once")


def test_handing_over_in_python(handing_over, capsys):
    code = python("handoff.md", handing_over)
    transcript = [{"sender": "user", "text": "hello"}]
    begun = code["hand_over"]("h-1", AT, USER, "wants a refund", transcript)
    assert begun["id"] == "h-1"
    assert code["hand_over"]("h-1", AT, USER, "wants a refund", transcript) == begun
    with pytest.raises(haptik_bridge.Refused) as refused:
        code["hand_over"]("another", AT, USER, "again", [])
    assert (refused.value.status, refused.value.handoff_id) == (409, "h-1")
    assert [code["take_back"](USER["id"]) for _ in range(2)] == [begun, begun]
    takes_callbacks(code, capsys)


def test_handing_over_in_javascript(handing_over):
    javascript("handoff.md", handing_over, """
const transcript = [{ sender: "user", text: "hello" }];
const begun = await handOver("h-js", at, user, "wants a refund", transcript);
assert.equal(begun.id, "h-js");
assert.deepEqual(await handOver("h-js", at, user, "wants a refund", transcript), begun);
await assert.rejects(handOver("another", at, user, "again", []), (refused) => refused.handoffId === "h-js");
assert.deepEqual([await takeBack(user.id), await takeBack(user.id)], [begun, begun]);
""")


# --- The clients' types, and the schemas of docs/openapi.yaml.

SCHEMAS = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())["components"]["schemas"]
NAMES = [
    "User", "Attachment", "Message", "Action", "Feedback", "Line", "Handoff", "Accepted", "Sender", "Offer", "MessageEvent",
    "AgentJoinedEvent", "ConversationCompleteEvent", "HandoffEndedEvent", "ReturnedFile", "MessageReturnedEvent", "MessageDeliveredEvent",
    "MessageFailedEvent",
]


def documented(name):
    """The keys of a schema, and whether each is needed."""
    schema = SCHEMAS[name]
    bases = [SCHEMAS[base["$ref"].rsplit("/", 1)[1]] for base in schema.get("allOf", [])]
    keys, needed = {}, set()
    for part in [*bases, schema]:
        keys |= part["properties"]
        needed |= set(part.get("required", []))
    return {key: key in needed for key in keys}


@pytest.mark.parametrize("name", NAMES)
def test_the_types_in_python(name):
    described = getattr(haptik_bridge.types, name)
    hints = typing.get_type_hints(described, include_extras=True)
    assert {key: typing.get_origin(hint) is not typing.NotRequired for key, hint in hints.items()} == documented(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_types_in_typescript(name):
    source = (ROOT / "clients" / "typescript" / "src" / "types.ts").read_text()
    found = {}
    for declared in re.findall(rf"interface {name}( extends EventBase)? {{\n(.*?)\n}}", source, re.S):
        base = re.search(r"interface EventBase {\n(.*?)\n}", source, re.S)[1] if declared[0] else ""
        for key, optional in re.findall(r"^  (\w+)(\??):", f"{base}\n{declared[1]}", re.M):
            found[key] = not optional
    assert found == documented(name)


def test_every_event_and_every_request_has_a_type():
    webhooks = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())["webhooks"]
    wanted = {
        hook["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1] for hook in webhooks.values()
    }
    assert wanted == {event.__name__ for event in typing.get_args(haptik_bridge.Event)}
    asked = {variant["$ref"].rsplit("/", 1)[1] for variant in SCHEMAS["Request"]["oneOf"]}
    assert asked == {request.__name__ for request in typing.get_args(haptik_bridge.Request)}
    source = (ROOT / "clients" / "typescript" / "src" / "types.ts").read_text()
    union = re.search(r"export type Event =(.*?);", source, re.S)[1]
    assert wanted == set(re.findall(r"\w+Event", union))


def test_the_clients_and_the_project_have_one_version():
    version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]
    for file in ["clients/python/pyproject.toml", "clients/typescript/package.json"]:
        assert re.search(r'"?version"?(?: =|:) "(.*?)"', pathlib.Path(ROOT / file).read_text())[1] == version, file


def test_the_clients_come_with_the_projects_licences():
    for name in ["LICENSE-APACHE", "LICENSE-MIT"]:
        for client in ["python", "typescript"]:
            assert (ROOT / "clients" / client / name).read_bytes() == (ROOT / name).read_bytes(), f"{client} {name}"
    assert {"LICENSE-APACHE", "LICENSE-MIT"} < set(json.loads((ROOT / "clients/typescript/package.json").read_text())["files"])
