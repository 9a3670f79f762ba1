"""Reads what Teams is sent, a JSON text a line, and says what the schema of Adaptive Cards and the models of
Microsoft's SDK do not take of it."""

import json
import sys
from pathlib import Path

import adaptive_cards
from jsonschema import Draft6Validator
from microsoft_agents.activity import Activity

# The largest activity, in bytes (https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages
# has more; 28 KB is what other pages and errors say).
LARGEST = 28 * 1024

SCHEMAS = Path(adaptive_cards.__file__).parent / "schemas"
CARDS = Draft6Validator(json.loads((SCHEMAS / "schema-1.5.json").read_text()))


def check(activity):
    """Raises where something in an activity is not known, or it is too large."""
    size = len(json.dumps(activity, ensure_ascii=False, separators=(",", ":")).encode())
    if size > LARGEST:
        raise ValueError(f"{size} bytes")
    read = Activity.model_validate(activity)
    unknown = read.model_extra
    if unknown:
        raise ValueError(f"an activity has no {sorted(unknown)}")
    for attachment in activity.get("attachments", []):
        elements = attachment["content"]["body"]
        # One by one, so that what is wrong is said of the element that has it.
        for element in elements:
            card = {**attachment["content"], "body": [element]}
            for error in CARDS.iter_errors(card):
                raise ValueError(f"{error.message[:80]} … {json.dumps(element)[:500]}")
    return size


def kinds_of(value):
    """The elements, actions and keys in an activity."""
    if isinstance(value, dict):
        yield from value.keys()
        if isinstance(value.get("type"), str):
            yield value["type"]
        for inner in value.values():
            yield from kinds_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from kinds_of(inner)


def main():
    count, refused, largest, kinds = 0, 0, 0, set()
    for line in filter(None, Path(sys.argv[1]).read_text().split("\n")):
        activity = json.loads(line)["payload"]
        count += 1
        kinds.update(kinds_of(activity))
        try:
            largest = max(largest, check(activity))
        except Exception as error:
            refused += 1
            if refused <= 5:
                print(f"activity {count}: {type(error).__name__}: {error}", file=sys.stderr)
    print(f"schema and models: {count} checked, {refused} refused; the largest has {largest} bytes")
    # A check that saw nothing of interest is none.
    expected = {"Action.OpenUrl", "Action.Submit", "ActionSet", "Container", "Image", "Input.ChoiceSet", "Input.Date",
                "Input.Number", "Input.Text", "Input.Time", "TextBlock", "attachmentLayout", "text"}
    missing = expected - kinds
    if missing:
        print(f"never seen: {sorted(missing)}", file=sys.stderr)
    sys.exit(refused > 0 or bool(missing))


main()
