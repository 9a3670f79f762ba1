"""All channels at once on the deployed stack, in one configuration: what their providers send is signed as they sign
it, and the keys and tokens are fetched where they would be. One person is on three of them."""

import json
import re

import pytest
from conftest import Bridge, Peers, ended, eventually, http

# By which Telegram and Google Chat know her, and the application calls her.
PERSON = "7000000009"
ON_THREE = {"my-app": PERSON, "acme-telegram": PERSON, "acme-google-chat": f"users/{PERSON}"}

# How many people write in each channel.
PEOPLE = 2


@pytest.fixture(scope="module")
def neighbours():
    """Neighbours of its own: another stack's Haptik has another webhook."""
    running = Peers()
    yield running
    ended(running.process)


@pytest.fixture(scope="module")
def stack(aws, neighbours):
    bridge = Bridge(aws, neighbours, "bridge-channels")
    bridge.deploy()
    neighbours.simulator("PUT", "webhook", {"url": f"{bridge.url}/haptik/main"})
    code, said = bridge.put_config(configuration(bridge))
    assert code == 0, said
    eventually(lambda: http("GET", f"{bridge.url}/health")[0] == 200, "good configuration")
    yield bridge
    bridge.delete()


def configuration(bridge):
    at = bridge.peers.at
    channels = []
    for connection in at["connections"]:
        table = bridge.peers.control("PUT", f"/providers/{connection}", f"{bridge.url}/channels/{connection}")
        own_id = 'auth_id = "user"\n' if connection in ON_THREE else ""
        channels.append(f"[channels.{connection}]\n{table}{own_id}")
    return f"""
[haptik.main]
base_url = "{at["haptik"]}"
client_id = "{at["client_id"]}"
token = "{at["token"]}"
webhook_secrets = ["{at["webhook_secret"]}"]
business_id = {at["business_id"]}

{"".join(channels)}
[sinks.audit]
type = "webhook"
events = ["message_delivered", "message_failed"]
url = "{at["sink"]}"
signing_secrets = ["{at["sink_secret"]}"]

[outbound]
allow_private_networks = true
"""


class Person:
    """Somebody in a channel."""

    def __init__(self, bridge, connection, user):
        self.bridge, self.connection, self.user = bridge, connection, user

    def says(self, text):
        said = self.bridge.peers.control("POST", f"/providers/{self.connection}/say", {"user": self.user, "text": text})
        assert 200 <= said["status"] < 300, (self.connection, said)

    def does(self, what, body):
        return self.bridge.peers.control("POST", f"/providers/{self.connection}/{what}", body)

    def is_shown(self, text):
        shown = self.bridge.peers.control("POST", f"/providers/{self.connection}/shown", self.user)
        return [one for one in shown if text in one]

    def sees_once(self, text):
        eventually(lambda: self.is_shown(text), f"{text!r} in {self.connection}", patience=60)
        assert len(self.is_shown(text)) == 1, self.is_shown(text)


def receipts(bridge, direction):
    """What became of which messages, as the sink was told."""
    events = bridge.peers.control("GET", "/sink")
    return [(event["type"], event["data"]["data"]) for event in events if event["data"]["data"]["direction"] == direction]


def test_people_in_every_channel_talk_at_once_each_in_their_own_words(stack):
    people = [Person(stack, connection, stack.peers.control("GET", f"/providers/{connection}/users/{number}"))
              for connection in stack.peers.at["connections"] for number in range(1, PEOPLE + 1)]
    assert len(people) == 7 * PEOPLE
    for turn in range(2):
        for person in people:
            person.says(f"{person.connection} {person.user} turn {turn}")
        for person in people:
            person.sees_once(f"echo {person.connection} {person.user} turn {turn}")
    for person in people:
        others = [one for one in person.is_shown("echo") if f"echo {person.connection} {person.user} " not in one]
        assert others == []


def test_what_is_tapped_and_what_is_filled_in_reach_the_bot_from_every_channel(stack):
    for connection in stack.peers.at["connections"]:
        person = Person(stack, connection, stack.peers.control("GET", f"/providers/{connection}/users/5"))
        person.says("choose")
        person.sees_once("Which?")
        tapped = person.does("tap", {"user": person.user, "text": "The second"})
        assert 200 <= tapped["status"] < 300, (connection, tapped)
        person.sees_once("echo second")
        person.says("form")
        eventually(lambda: person.is_shown("Where to?"), f"the form in {connection}", patience=60)
        eventually(lambda: person.is_shown("Name"), f"the form's field in {connection}", patience=60)
        answers = person.does("fill", person.user)
        assert all(200 <= answer["status"] < 300 for answer in answers), (connection, answers)
        if answers:
            person.sees_once("echo Name: Asha")


def test_one_person_on_three_channels_is_one_user_and_is_answered_where_she_wrote_last(stack):
    for connection, user in ON_THREE.items():
        person = Person(stack, connection, user)
        person.says(f"she is in {connection}")
        person.sees_once(f"echo she is in {connection}")
    users = stack.peers.simulator("GET", "records/users")
    users = users["items"] if isinstance(users, dict) else users
    assert len([user for user in users if user["auth_id"] == PERSON and user["created"]]) == 1


def test_what_twilio_says_later_of_a_message_is_in_its_one_receipt(stack):
    user = stack.peers.control("GET", "/providers/acme-sms/users/7")
    person = Person(stack, "acme-sms", user)
    person.says("fine")
    person.sees_once("echo fine")
    person.says("undeliverable")
    person.sees_once("echo undeliverable")

    def told():
        told = [(name, data) for name, data in receipts(stack, "to_channel") if data["channel_user"] == user]
        return told if len(told) >= 2 else None

    told = eventually(told, "two receipts")
    assert [(name, data["confirmed"]) for name, data in told] == [("message_delivered", True), ("message_failed", True)]
    assert re.search("30003", told[1][1]["reason"]), told


def test_nothing_was_refused_denied_or_given_up(stack):
    for connection in stack.peers.at["connections"]:
        assert stack.peers.control("GET", f"/providers/{connection}/refusals") == [], connection
    assert stack.lines(outcome="dead", hop="delivered") == []
    assert [line for line in stack.lines(level="ERROR") if "denied" in json.dumps(line).lower()] == []
