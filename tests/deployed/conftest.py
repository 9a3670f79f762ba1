"""The scene: an emulator of AWS, the stack deployed onto it by SAM, and the bridge's neighbours.

Everything runs on loopback, under target/deployed, and is stopped by its own process id.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import boto3
import pytest
from wire import Wire

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "target" / "deployed"
TEMPLATE = ROOT / ".aws-sam" / "build" / "template.yaml"
ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64"}[os.uname().machine]
STACK = "bridge-test"


def eventually(probe, what, patience=30.0, pause=0.2):
    """Waits until `probe` returns something true, and returns it."""
    end = time.monotonic() + patience
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() >= end:
            pytest.fail(f"after {patience:.0f} s there is still no {what}: {found!r}")
        time.sleep(pause)


def http(method, url, body=None, headers=None, timeout=30):
    """The status and the text of an answer, whatever it is."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json", **(headers or {})}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def ended(process):
    """Stops a process that we started."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Emulator:
    """AWS, as far as it is needed. The key `test` is root's; functions have their roles' permissions."""

    def __init__(self):
        shutil.rmtree(WORK, ignore_errors=True)
        WORK.mkdir(parents=True)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.wire = Wire()
        self.wire.upstream = self.url
        self.environment = {
            # A proxy, a profile or a real account of whoever runs this must not get into it.
            **{name: value for name, value in os.environ.items() if not re.match("AWS_|SAM_|HTTPS?_PROXY|https?_proxy", name)},
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": str(WORK / "no-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(WORK / "no-credentials"),
            "SAM_CLI_TELEMETRY": "0",
            "SAM_CLI_CHECK_UPDATES": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(WORK),
        }
        own = {
            "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1",
            "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0", "AUTH": "true",
            # What the functions are given.
            "AWS_ENDPOINT_URL": self.wire.url,
        }
        self.log = WORK / "emulator.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, Path(__file__).with_name("emulator.py")],
                env=self.environment | own, stdout=log, stderr=subprocess.STDOUT, cwd=WORK,
            )
        eventually(self.is_up, "emulator")

    def is_up(self):
        try:
            return http("GET", f"{self.url}/_ministack/health")[0] == 200
        except OSError:
            return False

    def client(self, service):
        return boto3.client(
            service, endpoint_url=self.url, region_name="us-east-1",
            aws_access_key_id="test", aws_secret_access_key="test",
        )

    def run(self, *command):
        """Runs a command line as its user would, against the emulator."""
        done = subprocess.run(command, env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=300)
        return done.returncode, done.stdout + done.stderr


class Peers:
    """Haptik, simulated, and Slack, faked; see tests/src/bin/deployed-peers.rs."""

    def __init__(self):
        binary = ROOT / "target" / "debug" / "deployed-peers"
        self.process = subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.at = json.loads(self.process.stdout.readline())

    def control(self, method, path, body=None):
        status, text = http(method, self.at["control"] + path, body)
        assert status == 200, f"{path}: {status} {text}"
        return json.loads(text) if text else None

    def simulator(self, method, path, body=None):
        status, text = http(method, f"{self.at['haptik'].rstrip('/')}/_simulator/{path}", body)
        assert status < 300, f"{path}: {status} {text}"
        return json.loads(text) if text else None

    def logged(self, pattern=""):
        """What Haptik was told by users, in the order in which it was told."""
        said = self.simulator("GET", "records/messages")
        said = said["items"] if isinstance(said, dict) else said
        return [message["text"] for message in said if re.search(pattern, message["text"])]

    def answers(self, channel, pattern=""):
        return [message["text"] for message in self.control("GET", f"/messages/{channel}")
                if message["bot"] and re.search(pattern, message["text"])]


class Bridge:
    """One deployed stack."""

    def __init__(self, aws, peers, stack=STACK):
        self.aws, self.peers, self.stack = aws, peers, stack

    def deploy(self, **parameters):
        parameters = {"Architecture": ARCHITECTURE, "SavedQueries": "false", "ConfigRereadSeconds": "2",
                      "HousekeepingSchedule": "rate(1 minute)"} | parameters
        code, said = self.aws.run(
            "sam", "deploy", "--template-file", str(TEMPLATE), "--stack-name", self.stack, "--resolve-s3",
            "--no-confirm-changeset", "--no-fail-on-empty-changeset", "--capabilities", "CAPABILITY_IAM",
            "--parameter-overrides", *(f'{name}="{value}"' for name, value in parameters.items()),
        )
        assert code == 0, said
        return said

    def delete(self):
        code, said = self.aws.run("sam", "delete", "--stack-name", self.stack, "--no-prompts", "--region", "us-east-1")
        assert code == 0, said

    def outputs(self):
        stack = self.aws.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    @property
    def url(self):
        """The API by way of the emulator's path, since its host names are nowhere to be looked up."""
        apis = self.aws.client("apigatewayv2").get_apis()["Items"]
        (api,) = [api["ApiId"] for api in apis if api["Name"] == self.stack]
        return f"{self.aws.url}/_aws/execute-api/{api}"

    def configuration(self, **changes):
        at = self.peers.at
        values = {"signing_secrets": [at["signing_secret"]], "webhook_secrets": [at["webhook_secret"]]} | changes
        return f"""
[haptik.main]
base_url = "{at["haptik"]}"
client_id = "{at["client_id"]}"
token = "{at["token"]}"
webhook_secrets = {json.dumps(values["webhook_secrets"])}
business_id = {at["business_id"]}

[channels.acme-slack]
type = "slack"
signing_secrets = {json.dumps(values["signing_secrets"])}
bot_token = "{at["bot_token"]}"
api_base_url = "{at["slack_api"]}"

[outbound]
allow_private_networks = true
"""

    def put_config(self, text=None):
        """As an operator does it."""
        file = WORK / f"{self.stack}.toml"
        file.write_text(self.configuration() if text is None else text)
        return self.aws.run("scripts/put-config", "--stack", self.stack, str(file))

    def say(self, user, text, **more):
        """A signed direct message in Slack; the bridge's answer."""
        return self.peers.control("POST", "/say", {"url": f"{self.url}/channels/acme-slack", "user": user, "text": text, **more})

    def talk(self, user, text):
        """Says something and waits for the bot's answer in Slack."""
        said = self.say(user, text)
        assert said["status"] == 200, said
        eventually(lambda: self.peers.answers(said["channel"], f"^echo {re.escape(text)}$"), f"answer to {text!r}")
        return said

    def lines(self, function=None, **fields):
        """The JSON lines of the functions (or one) that have these fields."""
        logs = self.aws.client("logs")
        found = []
        for name in [function] if function else ["inbound", "webhook", "processor"]:
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{self.stack}-{name}"):
                for event in page["events"]:
                    for text in event["message"].splitlines():
                        try:
                            line = json.loads(text)
                        except ValueError:
                            continue
                        if isinstance(line, dict) and all(line.get(field) == value for field, value in fields.items()):
                            found.append({"function": name, **line})
        return sorted(found, key=lambda line: line.get("timestamp", ""))

    def role(self, name):
        """The name of a function's role and its one policy."""
        function = self.aws.client("lambda").get_function_configuration(FunctionName=f"{self.stack}-{name}")
        iam = self.aws.client("iam")
        role = function["Role"].rsplit("/", 1)[1]
        return role, iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]

    def without(self, function, action):
        """Takes an action from a function's role for the time of a `with` block."""
        return Without(self, function, action)

    def bootstraps(self, function):
        """The process ids of a function's running bootstraps: children of our emulator."""
        ids = []
        for proc in Path("/proc").glob("[0-9]*"):
            try:
                environment = (proc / "environ").read_bytes().split(b"\0")
                parent = int((proc / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            if parent == self.aws.process.pid and f"AWS_LAMBDA_FUNCTION_NAME={self.stack}-{function}".encode() in environment:
                ids.append(int(proc.name))
        return ids

    def kill(self, function):
        """Kills a function's bootstraps; returns how many there were."""
        killed = 0
        for process in self.bootstraps(function):
            try:
                os.kill(process, signal.SIGKILL)
                killed += 1
            except ProcessLookupError:
                pass
        return killed


class Without:
    def __init__(self, bridge, function, action):
        self.bridge, self.function, self.action = bridge, function, action

    def __enter__(self):
        self.role, self.policy = self.bridge.role(self.function)
        less = json.loads(json.dumps(self.policy))
        taken = 0
        for statement in less["Statement"]:
            actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
            statement["Action"] = [action for action in actions if action != self.action]
            taken += len(actions) - len(statement["Action"])
        assert taken > 0, f"{self.function} does not have {self.action}"
        less["Statement"] = [statement for statement in less["Statement"] if statement["Action"]]
        self.put(less)

    def __exit__(self, *_):
        self.put(self.policy)

    def put(self, policy):
        self.bridge.aws.client("iam").put_role_policy(
            RoleName=self.role, PolicyName=self.function, PolicyDocument=json.dumps(policy))


@pytest.fixture(scope="session")
def aws():
    emulator = Emulator()
    yield emulator
    ended(emulator.process)


@pytest.fixture(scope="session")
def peers():
    running = Peers()
    yield running
    ended(running.process)


@pytest.fixture(scope="session")
def bridge(aws, peers):
    """The stack as it is deployed first: with the placeholder for a configuration."""
    deployed = Bridge(aws, peers)
    deployed.deploy()
    peers.simulator("PUT", "webhook", {"url": f"{deployed.url}/haptik/main"})
    return deployed


@pytest.fixture(scope="session")
def configured(bridge):
    """The stack with a good configuration, and a shorter wait for the lanes of a killed function."""
    sqs, queue = bridge.aws.client("sqs"), bridge.outputs()["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert (attributes["VisibilityTimeout"], attributes["FifoThroughputLimit"]) == ("100", "perMessageGroupId")
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "5"})
    code, said = bridge.put_config()
    assert code == 0, said
    eventually(lambda: http("GET", f"{bridge.url}/health")[0] == 200, "good configuration")
    return bridge
