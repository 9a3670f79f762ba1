"""docs/openapi.yaml through a property-based tester: no 5xx, and no answer that is not documented."""

import subprocess
import sys

import conftest
from conftest import ENVIRONMENT, ROOT, SECRET

HERE = ROOT / "tests" / "openapi"
DOCUMENT = ROOT / "docs" / "openapi.yaml"


def test_the_document_is_openapi():
    subprocess.run([sys.executable, "-m", "openapi_spec_validator", DOCUMENT], check=True)


def test_whatever_is_sent_is_answered_as_documented(haptik, bridge, tmp_path):
    # Nobody takes the callbacks: they wait.
    running = bridge(f"http://127.0.0.1:{conftest.free_port()}/callback")
    environment = ENVIRONMENT | {
        "SCHEMATHESIS_HOOKS": "hooks",
        "PYTHONPATH": str(HERE),
        "PYTHONDONTWRITEBYTECODE": "1",
        "SIGNING_SECRET": SECRET,
        "WEBHOOK_SECRET": haptik.at["webhook_secret"],
    }
    tester = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", HERE / "schemathesis.toml",
        "run", DOCUMENT, "--url", running.url,
    ]
    done = subprocess.run(tester, cwd=tmp_path, env=environment, timeout=300, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    # It did test: each operation was tested, and signed requests were taken.
    assert "Tested: 6" in done.stdout, done.stdout
    assert haptik.ask("GET", "state")["totals"]["users"] > 0
    log = running.log.read_text()
    assert "panicked" not in log, log
