"""The sink `eventbridge`: an event of Haptik's on a bus of the emulator, from where a rule takes it to a queue.

The stack is one of its own, with the parameter that lets its processor put events on that bus.
"""

import hashlib
import hmac
import json

import pytest
from conftest import Bridge, eventually, http

BUS = "chats"
SINKS = f"""
[sinks.bus]
type = "eventbridge"
events = ["webhook_conversation_complete"]
event_bus = "{BUS}"
source = "acme.haptik"

[sinks.gone]
type = "eventbridge"
events = ["chat_pinned"]
event_bus = "nobody-made-it"
"""


@pytest.fixture(scope="module")
def received(aws):
    """The queue that a rule of the bus leads to."""
    events, sqs = aws.client("events"), aws.client("sqs")
    arn = events.create_event_bus(Name=BUS)["EventBusArn"]
    queue = sqs.create_queue(QueueName="from-the-bus")["QueueUrl"]
    target = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["acme.haptik"], "detail-type": ["webhook_conversation_complete"],
               "detail": {"event": {"data": {"completion_type": ["agent"]}}}}
    events.put_rule(Name="agents", EventBusName=BUS, EventPattern=json.dumps(pattern))
    answer = events.put_targets(Rule="agents", EventBusName=BUS, Targets=[{"Id": "queue", "Arn": target}])
    assert answer["FailedEntryCount"] == 0, answer
    yield {"queue": queue, "arn": arn}
    events.remove_targets(Rule="agents", EventBusName=BUS, Ids=["queue"])
    events.delete_rule(Name="agents", EventBusName=BUS)
    events.delete_event_bus(Name=BUS)
    sqs.delete_queue(QueueUrl=queue)


@pytest.fixture(scope="module")
def stack(aws, peers, received):
    deployed = Bridge(aws, peers, "bridge-events")
    deployed.deploy(EventBusArn=received["arn"])
    code, said = deployed.put_config(deployed.configuration() + SINKS)
    assert code == 0, said
    eventually(lambda: http("GET", f"{deployed.url}/health")[0] == 200, "good configuration")
    yield deployed
    deployed.delete()


def deliver(stack, event_name, number, **data):
    """A delivery of Haptik's; what was sent."""
    event = {"event_name": event_name, "timestamp": "2026-11-24T10:00:00.250Z", "business_id": 343,
             "user": {"auth_id": f"user{number}"},
             "data": {"conversation_identifier": f"conversation-{number}", **data}}
    text = json.dumps(event)
    key = stack.peers.at["webhook_secret"].encode()
    signature = {"x-hub-signature": "sha1=" + hmac.new(key, text.encode(), hashlib.sha1).hexdigest()}
    status, answer = http("POST", f"{stack.url}/haptik/main", event, signature)
    assert status == 200, answer
    return event


def messages(stack, received):
    sqs = stack.aws.client("sqs")
    found = sqs.receive_message(QueueUrl=received["queue"], MaxNumberOfMessages=10).get("Messages", [])
    for message in found:
        sqs.delete_message(QueueUrl=received["queue"], ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"]) for message in found]


def test_only_the_processor_may_put_events_and_on_that_bus_only(stack, received):
    for name in ["inbound", "webhook", "processor"]:
        _, policy = stack.role(name)
        found = [statement for statement in policy["Statement"] if "events:" in json.dumps(statement["Action"])]
        if name == "processor":
            (statement,) = found
            assert statement["Action"] == ["events:PutEvents", "events:DescribeEventBus"]
            assert statement["Resource"] == received["arn"]
        else:
            assert found == []


def test_an_event_is_received_by_whoever_has_a_rule_for_it(stack, received):
    deliver(stack, "webhook_conversation_complete", 1, completion_type="timeout")
    event = deliver(stack, "webhook_conversation_complete", 2, completion_type="agent")
    (message,) = eventually(lambda: messages(stack, received), "event in the queue behind the bus")
    assert (message["source"], message["detail-type"]) == ("acme.haptik", "webhook_conversation_complete")
    assert message["resources"] == []
    detail = message["detail"]
    assert set(detail) == {"version", "delivery_id", "account", "timestamp", "event"}
    assert (detail["version"], detail["account"]) == ("1", "main")
    assert detail["timestamp"] == "2026-11-24T10:00:00.25Z"
    assert detail["event"] == event
    assert not stack.lines("processor", outcome="dead")


def test_without_the_permission_events_wait_and_are_delivered_once_it_is_there_again(stack, received):
    with stack.without("processor", "events:PutEvents"):
        deliver(stack, "webhook_conversation_complete", 3, completion_type="agent")
        line = eventually(lambda: stack.lines("processor", hop="needs_attention"), "line about the sink")[-1]
        assert line["source"] == "sinks/bus" and "AccessDeniedException" in line["reason"], line
        assert messages(stack, received) == []
    # The sink is tried once a minute while it needs attention.
    (message,) = eventually(lambda: messages(stack, received), "event that has waited", patience=150, pause=1)
    assert message["detail"]["event"]["user"]["auth_id"] == "user3"
    assert not stack.lines("processor", outcome="dead")


def test_a_bus_that_is_not_there_swallows_nothing(stack):
    deliver(stack, "chat_pinned", 4)
    lines = eventually(lambda: [line for line in stack.lines("processor", hop="needs_attention")
                                if line["source"] == "sinks/gone"], "line about the sink")
    # Its own bus is all that the processor may look at: that it may not is said by the bus, else it is missing.
    assert any(words in lines[-1]["reason"] for words in ["the bus does not exist", "AccessDeniedException"]), lines
