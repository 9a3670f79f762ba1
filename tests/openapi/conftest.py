"""The bridge on this machine, as anybody starts it, with the simulator of Haptik as its platform."""

import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).parents[2]
BINARIES = ROOT / "target" / "debug"
# No connection to anything outside of this machine goes through somebody's proxy.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def eventually(check, what, seconds=30):
    """Waits until `check` returns something that is true, and returns it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if found := check():
                return found
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.05)
    raise AssertionError(f"no {what} within {seconds} s")


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


class Haptik:
    """The simulator; see tests/src/bin/deployed-peers.rs."""

    def __init__(self):
        self.process = subprocess.Popen(
            [BINARIES / "deployed-peers"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT,
        )
        self.at = json.loads(self.process.stdout.readline())
        self.url = self.at["haptik"].rstrip("/")

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/_simulator/{path}", data, {"content-type": "application/json"}, method=method,
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read().decode()
        return json.loads(text) if text else None

    def messages(self):
        """What was said there, oldest first."""
        return [message["text"] for message in self.ask("GET", "records/messages")]

    def stop(self):
        # It runs until its standard input ends.
        self.process.stdin.close()
        self.process.wait(10)


class Bridge:
    """`haptik-bridge serve --config`, with a custom connection `my-app`."""

    def __init__(self, haptik, directory, callback_url, more=""):
        config = directory / "bridge.toml"
        config.write_text(f"""
[haptik.main]
base_url = "{haptik.url}"
client_id = "{haptik.at["client_id"]}"
token = "{haptik.at["token"]}"
webhook_secrets = ["{haptik.at["webhook_secret"]}"]
business_id = {haptik.at["business_id"]}

[channels.my-app]
type = "custom"
signing_secrets = ["{SECRET}"]
callback_url = "{callback_url}"
{more}

[outbound]
allow_private_networks = true
""")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.log = directory / "bridge.log"
        command = [
            BINARIES / "haptik-bridge", "serve", "--config", config,
            "--listen", f"127.0.0.1:{port}", "--data-dir", directory / "data",
        ]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=ENVIRONMENT)
        eventually(lambda: json.loads(get(f"{self.url}/health"))["status"] == "ok", "bridge")
        haptik.ask("PUT", "webhook", {"url": f"{self.url}/haptik/main"})

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def haptik():
    haptik = Haptik()
    yield haptik
    haptik.stop()


@pytest.fixture
def bridge(haptik, tmp_path):
    """Starts a bridge whose application is at a URL; more lines are for `[channels.my-app]`."""
    started = []

    def start(callback_url, more=""):
        started.append(Bridge(haptik, tmp_path, callback_url, more))
        return started[-1]

    yield start
    for one in started:
        one.stop()
