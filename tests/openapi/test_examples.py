"""The bots of examples/python and examples/typescript, each in a terminal, between a bridge and simulated agents."""

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
