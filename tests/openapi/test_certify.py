"""`haptik-bridge certify` against receivers that are right, and that each do one thing wrong."""

import base64
import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import jsonschema
import pytest
import receivers
import yaml
from conftest import BINARIES, ENVIRONMENT, ROOT, SECRET, free_port
from test_examples import BOTS

DOCUMENT = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())


def certify(url, *more):
    """The outcome of each check, and what the command says as a whole."""
    done = subprocess.run(
        [BINARIES / "haptik-bridge", "certify", url, "--json", *more],
        env=ENVIRONMENT | {"HAPTIK_BRIDGE_SECRET": SECRET}, capture_output=True, text=True, timeout=120,
    )
    checks = json.loads(done.stdout)
    failed = {check["check"] for check in checks if check["outcome"] == "failed"}
    assert done.returncode == (1 if failed else 0), done.stderr
    assert SECRET not in done.stdout + done.stderr
    return checks, failed


@pytest.fixture
def receiver():
    started = []

    def start(kind):
        started.append(kind(SECRET))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def test_one_that_is_right_passes(receiver):
    good = receiver(receivers.Good)
    for more, outcomes in ([], {"ok", "unseen"}), (["--shown", good.url], {"ok"}):
        checks, _ = certify(good.url, *more)
        assert {check["outcome"] for check in checks} == outcomes, [check for check in checks if check["findings"]]
    whole = receiver(receivers.LogsWholeBodies)
    checks, _ = certify(whole.url, "--shown", whole.url)
    assert {check["outcome"] for check in checks} == {"ok"}, [check for check in checks if check["findings"]]
    # What it was sent is what the document allows.
    kinds = {}
    for name, hook in DOCUMENT["webhooks"].items():
        kinds[name] = hook["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    known = [event for event in good.events if event["type"] in kinds and "in_future" not in event]
    assert {event["type"] for event in known} == set(kinds)
    for event in known:
        jsonschema.Draft202012Validator({"$ref": kinds[event["type"]], "components": DOCUMENT["components"]}).validate(event)


@pytest.fixture(scope="module")
def of_the_broken():
    """What is said of each. Most of it is waiting for what was lost, so several are tried at a time."""

    def tried(kind):
        one = kind(SECRET)
        try:
            return certify(one.url, "--shown", one.url)
        finally:
            one.stop()

    with ThreadPoolExecutor(4) as pool:
        yield {kind: pool.submit(tried, kind) for kind in receivers.BROKEN}


@pytest.mark.parametrize("kind", receivers.BROKEN, ids=lambda kind: kind.__name__)
def test_one_that_is_broken_fails_for_its_own_reason(of_the_broken, kind):
    checks, failed = of_the_broken[kind].result()
    assert failed == receivers.BROKEN[kind], [check for check in checks if check["findings"]]


@pytest.mark.parametrize(("kind", "check", "consequence"), [
    (receivers.TrustsEverybody, "unsigned", "whoever knows the URL can speak as the bot"),
    (receivers.TrustsEverybody, "altered", "what was overheard can be changed"),
    (receivers.TrustsEverybody, "swapped", "what was overheard can be changed"),
    (receivers.ForgetsTheTime, "late", "what was overheard can be sent again later"),
    (receivers.ForgetsTheTime, "early", "what was overheard can be sent again later"),
])
def test_what_follows_is_said_of_each(of_the_broken, kind, check, consequence):
    checks, _ = of_the_broken[kind].result()
    [findings] = [one["findings"] for one in checks if one["check"] == check]
    # The last ones are of what is shown.
    answered = [finding for finding in findings if "answered 2" in finding]
    assert answered and all(consequence in finding for finding in answered), findings


@pytest.mark.parametrize("kind", receivers.MISTAKEN, ids=lambda kind: kind.__name__)
def test_one_that_takes_nothing_is_told_why(receiver, kind):
    checks, failed = certify(receiver(kind).url)
    [refused, *why] = checks[0]["findings"]
    assert (len(checks), failed) == (1, {"answers"})
    assert "answered 401" in refused
    assert len(why) == 1 and receivers.MISTAKEN[kind] in why[0], why


@pytest.mark.parametrize("kind", receivers.DOUBTFUL, ids=lambda kind: kind.__name__)
def test_one_that_could_be_better_passes_with_a_warning(receiver, kind):
    one = receiver(kind)
    checks, failed = certify(one.url, "--shown", one.url)
    warned = {check["check"]: check["findings"] for check in checks if check["findings"]}
    check, text = receivers.DOUBTFUL[kind]
    assert failed == set() and list(warned) == [check], warned
    assert any(text in finding for finding in warned[check])


def test_one_in_another_language_without_the_client_passes(tmp_path):
    shown = tmp_path / "shown"
    with shown.open("wb") as out:
        node = subprocess.Popen(
            ["node", ROOT / "tests" / "openapi" / "receiver.mjs", SECRET], stdout=out, stdin=subprocess.PIPE, env=ENVIRONMENT,
        )
    try:
        while not (lines := shown.read_text().splitlines(keepends=True)) or not lines[0].endswith("\n"):
            assert node.poll() is None
            time.sleep(0.05)
        checks, failed = certify(lines[0].strip(), "--shown", shown)
        assert {check["outcome"] for check in checks} == {"ok"}, [check for check in checks if check["findings"]]
    finally:
        node.kill()
        node.wait()


@pytest.mark.parametrize("language", BOTS)
def test_the_examples_pass(tmp_path, language):
    port, shown = free_port(), tmp_path / "bot.log"
    with shown.open("wb") as out:
        command = [*BOTS[language], "--secret", SECRET, "--listen", str(port)]
        bot = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, env=ENVIRONMENT)
    try:
        while not shown.read_text():
            time.sleep(0.05)
        checks, failed = certify(f"http://127.0.0.1:{port}/callback", "--shown", shown)
        assert failed == set(), [check for check in checks if check["findings"]]
    finally:
        bot.kill()
        bot.wait()


def shown_badly(url, shown):
    return subprocess.run(
        [BINARIES / "haptik-bridge", "certify", url, "--json", "--shown", shown],
        env=ENVIRONMENT | {"HAPTIK_BRIDGE_SECRET": SECRET}, capture_output=True, text=True, timeout=120,
    )


def test_a_place_that_shows_nothing_is_said_before_anything_is_sent(receiver, tmp_path):
    good = receiver(receivers.Good)
    for shown in (tmp_path / "missing", f"http://127.0.0.1:{free_port()}/"):
        done = shown_badly(good.url, shown)
        assert done.returncode == 1 and str(shown) in done.stderr and "--shown" in done.stderr
        assert done.stdout == "" and good.events == []


def test_what_was_found_is_printed_though_it_is_shown_no_more(receiver, tmp_path):
    good, shown = receiver(receivers.Good), tmp_path / "shown"
    shown.write_text("")
    good.handle = lambda event: shown.unlink(missing_ok=True)
    done = shown_badly(good.url, shown)
    outcomes = {check["outcome"] for check in json.loads(done.stdout)}
    assert outcomes == {"ok", "unseen"}
    assert done.returncode == 1 and "could not be looked at any more" in done.stderr


@pytest.mark.parametrize("length", [16, 17, 64, 65])
def test_each_secret_is_taken_that_the_bridge_takes(length):
    encoded = base64.b64encode(bytes(range(length))).decode()
    for secret in (f"whsec_{encoded}", f"whsec_{encoded.rstrip('=')}"):
        done = subprocess.run(
            [BINARIES / "haptik-bridge", "certify", f"http://127.0.0.1:{free_port()}/", "--json", "--secret", secret],
            env=ENVIRONMENT, capture_output=True, text=True, timeout=60,
        )
        assert "1 of 1 checks failed" in done.stderr


def test_nobody_there_is_one_failure_and_the_rest_is_not_tried():
    checks, failed = certify(f"http://127.0.0.1:{free_port()}/callback")
    assert (len(checks), failed) == (1, {"answers"})


def test_a_secret_that_is_none_is_said_and_not_quoted():
    done = subprocess.run(
        [BINARIES / "haptik-bridge", "certify", "http://127.0.0.1:9/", "--secret", "whsec_?not-base64?"],
        env=ENVIRONMENT, capture_output=True, text=True, timeout=60,
    )
    assert done.returncode == 1
    assert "--secret" in done.stderr and "not-base64" not in done.stderr
