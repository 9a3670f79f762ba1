"""The bots of examples/python and examples/typescript, each in a terminal, between a bridge and simulated agents."""

import http.server
import json
import queue
import subprocess
import sys
import threading

import pytest
from conftest import ENVIRONMENT, ROOT, SECRET, eventually, free_port


class Terminal:
    def __init__(self, *command):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT | {"PYTHONUNBUFFERED": "1"},
        )
        self.lines = queue.Queue()
        threading.Thread(target=lambda: [self.lines.put(line.rstrip("\n")) for line in self.process.stdout], daemon=True).start()

    def say(self, text):
        print(text, file=self.process.stdin, flush=True)

    def sees(self, expected):
        """Waits for a line. What is echoed by the simulated bot stands between those that are waited for."""
        seen = []
        while not seen or seen[-1] != expected:
            try:
                seen.append(self.lines.get(timeout=30))
            except queue.Empty:
                raise AssertionError(f"{expected!r} did not come, but {seen}") from None

    def next(self):
        return self.lines.get(timeout=30)

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)


BOTS = {
    "python": [sys.executable, ROOT / "examples" / "python" / "bot.py"],
    "typescript": ["node", ROOT / "examples" / "typescript" / "bot.ts"],
}


@pytest.fixture(params=BOTS)
def terminal(request, haptik, bridge):
    port = free_port()
    running = bridge(f"http://127.0.0.1:{port}/callback", 'handoff_only = true\nteam_name = "Support"')
    terminal = Terminal(
        *BOTS[request.param], "--bridge", f"{running.url}/channels/my-app", "--secret", SECRET, "--listen", str(port),
    )
    terminal.sees('Say something; "agent" brings a human, "/bot" brings the bot back.')
    yield terminal
    terminal.stop()


class Scripted:
    """A bridge that answers what it is told: to each request the next status."""

    def __init__(self, *statuses):
        self.got, statuses = [], list(statuses)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                outer.got.append((self.command, self.path, body))
                status = statuses.pop(0)
                answer = json.dumps({"id": "1", "auth_id": "a"} if status == 202 else {"error": "on request"}).encode()
                self.send_response(status)
                # Nobody who was told so asks again before the test is over.
                headers = {"content-length": str(len(answer))} | ({"retry-after": "3600"} if status == 503 else {})
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            do_DELETE = do_POST

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.mark.parametrize("bot", BOTS)
def test_a_hand_off_that_nobody_answered_is_asked_for_again_as_the_same(bot):
    bridge = Scripted(503, 503, 202, 202, 404)
    terminal = Terminal(*BOTS[bot], "--bridge", f"{bridge.url}/channels/my-app", "--secret", SECRET, "--listen", str(free_port()))
    try:
        terminal.sees('Say something; "agent" brings a human, "/bot" brings the bot back.')
        for _ in range(2):
            terminal.say("agent")
            assert terminal.next().startswith("bot: I do not know yet whether a colleague comes: ")
        terminal.say("hello")
        terminal.sees("bot: I am bringing a colleague.")
        eventually(lambda: len(bridge.got) == 4, "forwarded message")
        assert [path for _, path, _ in bridge.got] == ["/channels/my-app/handoff"] * 3 + ["/channels/my-app"]
        assert len({body for _, _, body in bridge.got[:3]}) == 1, "the same hand-off"
        assert json.loads(bridge.got[3][2])["text"] == "hello"
        # The hand-off has just ended.
        terminal.say("/bot")
        terminal.sees("bot: I am back.")
        terminal.say("and now?")
        terminal.sees("bot: You said: and now?")
    finally:
        terminal.stop()


def auth_id(haptik):
    return eventually(lambda: haptik.ask("GET", "records/messages"), "message at Haptik")[-1]["auth_id"]


def test_the_bot_hands_over_and_goes_on_when_the_agent_is_done(haptik, terminal):
    terminal.say("my question")
    terminal.sees("bot: You said: my question")
    terminal.say("agent")
    terminal.sees("bot: I am bringing a colleague.")
    terminal.sees("*: Prateek of Support has joined")
    assert any("user: my question" in text for text in haptik.messages()), haptik.messages()
    terminal.say("are you there?")
    eventually(lambda: "are you there?" in haptik.messages(), "forwarded message")
    user = auth_id(haptik)
    haptik.ask("POST", f"users/{user}/completes", {"by": "agent"})
    terminal.sees("bot: I am back.")
    terminal.say("thanks")
    terminal.sees("bot: You said: thanks")


def test_the_bot_takes_its_user_back_early(haptik, terminal):
    terminal.say("agent")
    terminal.sees("bot: I am bringing a colleague.")
    terminal.say("/bot")
    terminal.sees("bot: I am back.")
    terminal.say("hello")
    terminal.sees("bot: You said: hello")
