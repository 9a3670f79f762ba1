"""The stack as its users deploy it, from the placeholder to `sam delete`. The tests run in this order."""

import hashlib
import hmac
import json
import os
import re
import threading
import time
from pathlib import Path

import pytest
from conftest import STACK, Bridge, eventually, http

RUNBOOKS = (Path(__file__).parents[2] / "docs/runbooks.md").read_text()


@pytest.fixture(scope="module")
def poison(configured):
    """A ring that nobody can read, among good ones: sent first, since it is handed over once a minute."""
    queue = configured.outputs()["QueueUrl"]
    configured.aws.client("sqs").send_message(
        QueueUrl=queue, MessageBody="no ring", MessageGroupId="poison", MessageDeduplicationId="poison")
    return queue


def signed_by_haptik(bridge, body, secret=None):
    text = json.dumps(body)
    key = (secret or bridge.peers.at["webhook_secret"]).encode()
    return {"x-hub-signature": "sha1=" + hmac.new(key, text.encode(), hashlib.sha1).hexdigest()}


def test_a_placeholder_configuration_is_answered_503_with_one_clear_line(bridge):
    assert http("GET", f"{bridge.url}/health")[0] == 503
    for _ in range(5):
        assert http("POST", f"{bridge.url}/haptik/main", {})[0] == 503
    assert bridge.say("U0FIRST", "too early")["status"] == 503
    lines = eventually(lambda: bridge.lines("webhook", level="ERROR"), "line about the placeholder")
    assert len(lines) == 1, lines
    assert "still holds the placeholder: put your configuration there with scripts/put-config" in lines[0]["error"]


def test_put_config_refuses_a_bad_configuration_and_says_why(bridge):
    code, said = bridge.put_config("[haptik.main]\nbase_url = 7\n")
    assert code != 0 and "base_url" in said, said
    assert http("GET", f"{bridge.url}/health")[0] == 503


def test_a_message_goes_to_haptik_and_its_answer_comes_back_to_slack(configured, poison):
    configured.talk("U0ALICE", "hello from the deployed stack")
    assert configured.peers.control("GET", "/refusals") == []


def test_what_is_not_signed_or_for_nobody_is_turned_away(configured):
    assert configured.say("U0MALLORY", "let me in", secret="wrong")["status"] == 401
    assert http("POST", f"{configured.url}/channels/nobody", {})[0] == 404
    assert http("POST", f"{configured.url}/haptik/nobody", {})[0] == 404
    body = {"event_name": "message"}
    assert http("POST", f"{configured.url}/haptik/main", body)[0] == 401
    forged = signed_by_haptik(configured, body, "wrong")
    assert http("POST", f"{configured.url}/haptik/main", body, forged)[0] == 401
    assert configured.peers.logged("let me in") == []


def test_what_slack_repeats_is_said_once(configured):
    first = configured.talk("U0BOB", "only once")
    for _ in range(3):
        again = configured.say("U0BOB", "only once", ts=first["ts"])
        assert again["status"] == 200
    time.sleep(2)
    assert configured.peers.logged("^only once$") == ["only once"]
    assert configured.peers.answers(first["channel"], "only once") == ["echo only once"]


def test_the_smoke_script_finds_nothing_wrong(configured):
    code, said = configured.aws.run("scripts/smoke", "--url", configured.url, "acme-slack")
    assert code == 0, said
    assert said.count("ok      ") == 4, said


def test_all_lines_of_one_message_are_found_by_its_correlation_id(configured):
    configured.talk("U0CAROL", "follow me")
    delivered = eventually(lambda: configured.lines(hop="delivered", direction="to_haptik", outcome="ok"), "delivered line")
    lines = configured.lines(correlation_id=delivered[-1]["correlation_id"])
    told = {(line["function"], line["hop"]) for line in lines}
    assert told == {("inbound", "received"), ("processor", "delivered")}, told
    assert "follow me" not in json.dumps(configured.lines()), "a body is in the logs"


def test_the_lines_carry_metrics_by_stack_source_and_direction(configured):
    delivered = configured.lines(hop="delivered", direction="to_channel", outcome="ok")
    line = delivered[-1]
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "haptik-bridge"
    assert {metric["Name"] for metric in directive["Metrics"]} == {"delivered", "end_to_end_ms"}
    assert (line["stack"], line["source"], line["delivered"]) == (STACK, "channels/acme-slack", 1)
    assert 0 <= line["end_to_end_ms"] < 60_000
    assert configured.lines(hop="received", outcome="rejected")[-1]["rejected"] == 1


def test_the_dashboard_and_the_alarms_look_at_what_there_is(configured):
    cloudwatch = configured.aws.client("cloudwatch")
    counted = {"received", "repeated", "delivered", "end_to_end_ms", "retries", "dead", "rejected", "not_understood"}
    counted |= {"rate_limited", "dead_now", "needs_attention", "outages", "recovered", "enable_failures", "enables_refused", "unknown_events"}
    counted |= {"waited_ms", "sink_waited_ms"}
    alarms = [alarm for alarm in cloudwatch.describe_alarms()["MetricAlarms"] if alarm["AlarmName"].startswith(STACK)]
    assert len(alarms) == 22
    for alarm in alarms:
        assert "docs/runbooks.md#" in alarm["AlarmDescription"], alarm["AlarmDescription"]
        # Each has its own heading there.
        heading = alarm["AlarmDescription"].rsplit("#", 1)[1]
        assert f"## {heading}".replace("-", " ") in RUNBOOKS.lower().replace("-", " "), heading
        assert alarm["Namespace"].startswith("AWS/") or alarm["MetricName"] in counted, alarm["MetricName"]
    widgets = json.loads(cloudwatch.get_dashboard(DashboardName=STACK)["DashboardBody"])["widgets"]
    (shown,) = [widget["properties"]["alarms"] for widget in widgets if widget["type"] == "alarm"]
    assert len(shown) == len(alarms)
    for widget in widgets:
        for row in widget["properties"].get("metrics", []):
            if row[0] == "haptik-bridge":
                assert row[1] in counted and row[2:4] == ["stack", STACK], row
            elif isinstance(row[0], dict):
                assert any(f'MetricName="{name}"' in row[0]["expression"] for name in counted), row
            else:
                assert row[0].startswith("AWS/"), row


def test_a_message_there_and_back_costs_the_calls_that_the_operations_guide_counts(configured):
    configured.talk("U0LEO", "warm")
    time.sleep(1)
    before = configured.aws.wire.calls.copy()
    configured.talk("U0LEO", "counted")
    time.sleep(1)
    calls = configured.aws.wire.calls - before
    calls.pop("GetSecretValue", None)
    # Once towards Haptik and once back: docs/operations.md has the price of each. Two of the updates end an
    # entry; two note the reaction that shows that the message was taken, and forget it; two note
    # that Haptik was told and heard, and a third does when the edge has not noted the latter for ten seconds.
    assert 6 <= calls.pop("UpdateItem") <= 7, calls
    assert calls == {"PutItem": 2, "SendMessage": 2, "Query": 2, "GetItem": 2}, calls


def test_faults_of_aws_are_repeated_or_answered_503_and_lose_nothing(configured):
    wire = configured.aws.wire
    wire.fail("PutItem", 1)
    wire.fail("SendMessage", 1, status=503, code="ServiceUnavailable")
    configured.talk("U0MIA", "through single faults")
    wire.fail("PutItem", 3)
    said = configured.say("U0MIA", "the edge gave up")
    assert said["status"] == 503, said
    again = configured.say("U0MIA", "the edge gave up", ts=said["ts"])
    assert again["status"] == 200, again
    eventually(lambda: configured.peers.answers(said["channel"], "the edge gave up"), "answer to the repetition")
    wire.fail("Query", 3)
    configured.talk("U0MIA", "the processor comes again")
    assert wire.faults == []


def test_a_killed_bootstrap_loses_nothing_and_keeps_the_order(configured):
    stop = threading.Event()
    killed = []

    def kill():
        while not stop.wait(0.4):
            killed.append(configured.kill("processor"))

    killer = threading.Thread(target=kill)
    killer.start()
    wanted = [f"killed {number}" for number in range(8)]
    try:
        for text in wanted:
            assert configured.say("U0DAVE", text)["status"] == 200
            time.sleep(0.3)
    finally:
        stop.set()
        killer.join()
    assert sum(killed) > 0, "nothing was killed, so nothing was tested"
    eventually(lambda: set(wanted) <= set(configured.peers.logged("^killed ")), "delivery of all", patience=90)
    logged = configured.peers.logged("^killed ")
    # A message whose function was killed between sending and recording is said again: never lost, never
    # overtaken.
    assert [text for place, text in enumerate(logged) if text not in logged[:place]] == wanted, logged


def test_an_outage_of_slack_holds_messages_back_and_they_come_in_order(configured):
    channel = configured.talk("U0ERIN", "before the outage")["channel"]
    configured.peers.control("PUT", "/down", True)
    try:
        for number in range(3):
            assert configured.say("U0ERIN", f"outage {number}")["status"] == 200
        eventually(lambda: configured.lines("processor", hop="delivered", direction="to_channel", outcome="will_retry"), "retry")
    finally:
        configured.peers.control("PUT", "/down", False)
    wanted = [f"echo outage {number}" for number in range(3)]
    eventually(lambda: configured.peers.answers(channel, "outage [0-9]") == wanted, "answers after the outage", patience=60)


@pytest.mark.parametrize(("function", "action", "statuses"), [
    ("inbound", "dynamodb:PutItem", [503]),
    ("inbound", "sqs:SendMessage", [503]),
])
def test_an_edge_without_a_permission_answers_503_and_recovers(configured, function, action, statuses):
    text = f"without {action}"
    with configured.without(function, action):
        assert configured.say("U0FRANK", text)["status"] in statuses
    configured.talk("U0FRANK", f"{text}, restored")


@pytest.mark.parametrize("action", ["dynamodb:Query", "dynamodb:UpdateItem"])
def test_a_processor_without_a_permission_delivers_later(configured, action):
    text = f"later, without {action}"
    with configured.without("processor", action):
        said = configured.say("U0GRACE", text)
        assert said["status"] == 200
        eventually(lambda: any("AccessDenied" in str(line) for line in configured.lines("processor", level="ERROR")
                               if line["timestamp"] > "2"), "denial in the log")
        assert configured.peers.answers(said["channel"], re.escape(text)) == []
    eventually(lambda: configured.peers.answers(said["channel"], re.escape(text)), "answer after all", patience=60)


def test_rotated_secrets_work_side_by_side_without_a_deployment(configured):
    old, new = configured.peers.at["signing_secret"], "rotated-signing-secret"
    try:
        configured.put_config(configured.configuration(signing_secrets=[new, old]))
        eventually(lambda: configured.say("U0HEIDI", "new secret", secret=new)["status"] == 200, "acceptance of the new secret")
        assert configured.say("U0HEIDI", "old secret")["status"] == 200
        configured.put_config(configured.configuration(signing_secrets=[new]))
        eventually(lambda: configured.say("U0HEIDI", "too old")["status"] == 401, "refusal of the old secret")
        assert configured.say("U0HEIDI", "only the new one", secret=new)["status"] == 200
    finally:
        configured.put_config()
    eventually(lambda: configured.say("U0HEIDI", "as before")["status"] == 200, "the old configuration again")


def test_a_configuration_that_has_become_bad_leaves_the_last_good_one_working(configured):
    secret = configured.outputs()["ConfigSecretArn"]
    configured.talk("U0IVAN", "while it is good")
    configured.aws.client("secretsmanager").put_secret_value(SecretId=secret, SecretString="this is = [not")
    time.sleep(3)
    health = http("GET", f"{configured.url}/health")[0]
    configured.put_config()
    # A bootstrap that had read the good one goes on with it; one that starts now has none. Neither panics.
    assert health in (200, 503)
    assert not [line for line in configured.lines() if "panic" in json.dumps(line)]
    eventually(lambda: http("GET", f"{configured.url}/health")[0] == 200, "good configuration again")


def test_the_schedule_enables_a_webhook_that_haptik_has_disabled(configured):
    configured.peers.simulator("PUT", "webhook", {"enabled": False})
    try:
        # That nobody answers is noticed after 30 s, by the next housekeeping, of which there is one a minute.
        said = configured.say("U0SILENCE", "anybody there?")
        eventually(lambda: configured.peers.simulator("GET", "state")["webhook"]["enabled"], "enabled webhook", patience=150, pause=1)
        eventually(lambda: configured.peers.answers(said["channel"], "^echo anybody there.$"), "answer that had waited")
    finally:
        configured.peers.simulator("PUT", "webhook", {"enabled": True})
    assert configured.lines("processor", hop="webhook_enabled", outcome="ok", source="haptik/main")


def test_an_unreadable_ring_ends_in_the_dead_letter_queue_and_holds_up_nobody(configured, poison):
    sqs = configured.aws.client("sqs")
    policy = json.loads(sqs.get_queue_attributes(QueueUrl=poison, AttributeNames=["RedrivePolicy"])["Attributes"]["RedrivePolicy"])
    assert int(policy["maxReceiveCount"]) == 1000
    configured.talk("U0KATE", "past the poison")
    # It has been handed over by now; 999 more times would take a while.
    sqs.set_queue_attributes(QueueUrl=poison, Attributes={"RedrivePolicy": json.dumps(policy | {"maxReceiveCount": 1})})
    dead = configured.outputs()["DeadLetterQueueUrl"]
    received = eventually(
        lambda: sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=1).get("Messages"), "ring in the dead-letter queue", patience=100)
    sqs.set_queue_attributes(QueueUrl=poison, Attributes={"RedrivePolicy": json.dumps(policy)})
    assert [message["Body"] for message in received] == ["no ring"]
    assert configured.lines("processor", message="a ring cannot be read")


def test_an_update_under_traffic_answers_no_5xx_and_loses_nothing(configured):
    stop, statuses, said = threading.Event(), [], []

    def traffic(user):
        number = 0
        while not stop.wait(0.3):
            text = f"update {user} {number}"
            answer = configured.say(user, text)
            statuses.append(answer["status"])
            if answer["status"] == 200:
                said.append(text)
            number += 1

    threads = [threading.Thread(target=traffic, args=(f"U0UPDATE{index}",)) for index in range(2)]
    for thread in threads:
        thread.start()
    try:
        configured.deploy(LogLevel="debug", ConfigRereadSeconds="3")
        time.sleep(2)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert set(statuses) == {200}, {status: statuses.count(status) for status in statuses}
    eventually(lambda: set(said) <= set(configured.peers.logged("^update ")), "delivery of all", patience=60)
    code, _ = configured.put_config()
    assert code == 0


def test_a_second_stage_lives_beside_the_first_and_is_deleted_without_a_trace(configured):
    second = Bridge(configured.aws, configured.peers, "bridge-second")
    before = everything(configured.aws)
    second.deploy(LogRetentionDays="7")
    assert http("GET", f"{second.url}/health")[0] == 503
    assert http("GET", f"{configured.url}/health")[0] == 200
    outputs = second.outputs()
    assert outputs["TableName"] != configured.outputs()["TableName"]
    assert everything(configured.aws) != before
    second.delete()
    assert everything(configured.aws) == before
    configured.talk("U0JUDY", "the first is as it was")


def test_a_stack_is_operated_by_its_name(configured):
    configured.talk("U0NOOR", "who asks by the name of the stack")
    def operate(*arguments):
        return configured.aws.run(os.environ["HAPTIK_BRIDGE"], *arguments, "--stack", configured.stack)
    code, said = operate("timeline", "acme-slack/U0NOOR")
    assert code == 0 and "user → Haptik" in said and "✓ delivered" in said, said
    code, said = operate("dead", "--sink", "nosuch")
    assert code == 1 and 'there is no sink "nosuch"' in said, said
    code, said = configured.aws.run(os.environ["HAPTIK_BRIDGE"], "dead", "--stack", "nosuch")
    assert code == 1 and "the stack nosuch cannot be looked up" in said, said


def test_a_person_is_exported_and_forgotten_and_comes_back_as_a_new_one(configured):
    def operate(*arguments):
        return configured.aws.run(os.environ["HAPTIK_BRIDGE"], *arguments, "--stack", configured.stack)
    def items():
        dynamodb = configured.aws.client("dynamodb")
        pages = dynamodb.get_paginator("scan").paginate(TableName=configured.outputs()["TableName"])
        return json.dumps([item for page in pages for item in page["Items"]])
    secret = "my policy is 77-forget-me"
    configured.talk("U0PIA", secret)
    code, said = operate("export", "acme-slack/U0PIA")
    assert code == 0 and secret in said, said
    assert secret in items()
    code, said = operate("forget", "acme-slack/U0PIA", "--yes", "--json")
    assert code == 0 and secret not in said, said
    left = items()
    assert secret not in left and "U0PIA" not in left
    code, said = operate("audit")
    assert code == 0 and "exported" in said and "forgot" in said and "U0PIA" not in said, said
    configured.talk("U0PIA", "hello again")


def test_no_permission_was_missing_and_nothing_was_given_up(configured):
    denied = [line for line in configured.lines(outcome="dead")]
    assert denied == []
    assert configured.peers.control("GET", "/refusals") == []


def test_sam_delete_leaves_nothing(configured):
    configured.delete()
    left = [name for name in everything(configured.aws) if STACK in name]
    assert left == []


def everything(aws):
    """The names of all that a stack could leave behind."""
    def names(service, operation, key, *fields, **arguments):
        client = aws.client(service)
        pages = client.get_paginator(operation).paginate(**arguments) if client.can_paginate(operation) else [getattr(client, operation)(**arguments)]
        for page in pages:
            for item in page.get(key, []):
                name = item if isinstance(item, str) else next(item[field] for field in fields)
                if "aws-sam-cli-managed" not in name:
                    yield f"{service} {name}"

    return sorted({
        *names("lambda", "list_functions", "Functions", "FunctionName"),
        *names("lambda", "list_event_source_mappings", "EventSourceMappings", "FunctionArn"),
        *names("dynamodb", "list_tables", "TableNames"),
        *names("sqs", "list_queues", "QueueUrls"),
        *names("secretsmanager", "list_secrets", "SecretList", "Name"),
        *names("logs", "describe_log_groups", "logGroups", "logGroupName"),
        *names("iam", "list_roles", "Roles", "RoleName"),
        *names("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
        *names("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
        *names("scheduler", "list_schedules", "Schedules", "Name"),
        *names("apigatewayv2", "get_apis", "Items", "Name"),
        *names("sns", "list_topics", "Topics", "TopicArn"),
    })
