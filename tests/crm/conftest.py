"""The fake CRMs, in a process of their own on loopback."""

import json
import subprocess
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def crms():
    """Where each fake listens, and the credentials that it takes."""
    program = [ROOT / "target" / "debug" / "fake-crms"]
    process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(timeout=10)


class Loopback(requests.adapters.HTTPAdapter):
    """Sends to a fake what a client sends to its vendor, over HTTP."""

    def __init__(self, url):
        super().__init__()
        self.url = url

    def send(self, request, **arguments):
        sent = request.copy()
        sent.url = self.url + request.path_url
        response = super().send(sent, **{**arguments, "proxies": {}})
        # Clients look at the URL that they asked for.
        response.request, response.url = request, request.url
        return response


def towards(session, url):
    """The session, with all that it sends going to a fake."""
    session.trust_env = False
    session.mount("https://", Loopback(url))
    return session
