"""The chaos test on the deployed stack: many users both ways, calls to AWS, Haptik, Slack and a sink that
fail, functions that are killed; then the same checker as for the local bridge says what came of it."""

import collections
import json
import random
import subprocess
import threading

import pytest
from conftest import ROOT, Bridge, ended, eventually, free_port, http

SEED = 1

# What goes wrong between the functions and AWS: calls that are refused before they take effect, and
# answers that are cut off after it.
FAULTS = [
    {"service": "dynamodb", "probability": 0.02, "error": {"code": "ProvisionedThroughputExceededException"}},
    {"service": "dynamodb", "probability": 0.02, "error": {"code": "InternalServerError"}},
    {"service": "dynamodb", "probability": 0.02, "response": {"abort_bytes": 0}},
    {"service": "dynamodb", "probability": 0.02, "reset": True},
    {"service": "dynamodb", "probability": 0.02, "latency": 400},
    {"service": "sqs", "probability": 0.03, "error": {"code": "ServiceUnavailable", "status": 503}},
    {"service": "sqs", "probability": 0.03, "response": {"abort_bytes": 0}},
    {"service": "sqs", "probability": 0.03, "reset": True},
]


class Microburst:
    """A proxy that makes calls to AWS fail (https://pypi.org/project/microburst/). What it passes on goes to
    another host than it was signed for, so it signs again, as root: permissions are other tests'."""

    def __init__(self, aws):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            ["microburst", "--host", "127.0.0.1", "--port", str(port), "--upstream", aws.url, "--resign"],
            env=aws.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(self.is_up, "microburst")

    def is_up(self):
        try:
            return self.control("GET", "health")["status"] == "ok"
        except OSError:
            return False

    def control(self, method, path, body=None):
        status, text = http(method, f"{self.url}/_microburst/{path}", body)
        assert status == 200, f"{path}: {status} {text}"
        return json.loads(text)

    def rules(self, rules):
        return self.control("POST", "rules", rules)

    def fired(self):
        """How often which rules have made a call fail."""
        return [(rule["describe"], rule["fired"]) for rule in self.control("GET", "stats")["by_rule"]]


# How much is done between two kills, in calls to AWS: a message takes some eight. A machine that is slow does less in a
# second, and a delivery that is killed six times in a row by chance would be taken for a poison message.
CALLS_BETWEEN_KILLS = 150


class Killer(threading.Thread):
    """Kills one of the functions after another, as long as it runs."""

    def __init__(self, bridge):
        super().__init__()
        self.bridge, self.random = bridge, random.Random(SEED)
        self.killed, self.over = collections.Counter(), threading.Event()

    def run(self):
        calls = self.bridge.aws.wire.calls
        killed_at = calls.total()
        while not self.over.wait(self.random.uniform(0.5, 2.5)):
            if calls.total() < killed_at + CALLS_BETWEEN_KILLS:
                continue
            killed_at = calls.total()
            function = self.random.choice(["inbound", "webhook", "processor", "processor"])
            self.killed[function] += self.bridge.kill(function)

    def stop(self):
        self.over.set()
        self.join()


@pytest.fixture
def stack(aws, peers):
    """A stack of its own; the lanes of a killed function come again sooner than in production."""
    bridge = Bridge(aws, peers, "bridge-chaos")
    bridge.deploy()
    outputs = bridge.outputs()
    for name in ("QueueUrl", "SinkQueueUrl"):
        aws.client("sqs").set_queue_attributes(QueueUrl=outputs[name], Attributes={"VisibilityTimeout": "5"})
    yield bridge
    bridge.delete()


def test_under_faults_and_kills_nothing_is_lost_doubled_or_out_of_order(aws, stack):
    load = subprocess.Popen(
        [ROOT / "target" / "debug" / "deployed-chaos", "--aws", aws.url, "--seed", str(SEED)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    microburst, killer = Microburst(aws), Killer(stack)
    try:
        code, said = stack.put_config(json.loads(load.stdout.readline())["configuration"])
        assert code == 0, said
        aws.wire.upstream = microburst.url
        eventually(lambda: http("GET", f"{stack.url}/health")[0] == 200, "good configuration")
        microburst.rules(FAULTS)
        killer.start()
        report, _ = load.communicate(json.dumps({"bridge": stack.url, "table": stack.outputs()["TableName"]}) + "\n", timeout=600)
    finally:
        aws.wire.upstream = aws.url
        if killer.is_alive():
            killer.stop()
        fired = microburst.fired()
        ended(microburst.process)
        ended(load)
    print(report, f"faults of AWS: {fired}", f"killed: {dict(killer.killed)}", sep="\n")
    assert load.returncode == 0, report
    assert len(fired) == len(FAULTS), fired
    assert set(killer.killed) == {"inbound", "webhook", "processor"} and min(killer.killed.values()) > 0, killer.killed
