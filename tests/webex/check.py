"""Reads what Webex is sent, a JSON text a line, and says what Webex's own SDK, or the schema of Adaptive Cards 1.3,
does not take of it."""

import importlib.resources
import inspect
import json
import sys

import jsonschema
from webexpythonsdk.models.cards import actions, card_elements, cards, containers, inputs

# The longest text, in bytes (https://developer.webex.com/docs/api/v1/messages/create-a-message).
LONGEST = 7_439
# The largest card, in bytes. Not documented: cards above 22 kB are said to be refused.
LARGEST = 20_000
CONTENT_TYPE = "application/vnd.microsoft.card.adaptive"

# The SDK's class of each type.
CLASSES = {
    one.type: one
    for module in (actions, card_elements, cards, containers, inputs)
    for _, one in inspect.getmembers(module, inspect.isclass)
    if isinstance(getattr(one, "type", None), str) and one.__module__ == module.__name__
}

# What is one of a few words, which are of any case.
WORDS = {"associatedInputs", "size", "style", "weight", "color", "spacing", "horizontalAlignment"}

SCHEMA = json.loads(
    (importlib.resources.files("adaptive_cards") / "schemas" / "schema-1.3.json").read_text(encoding="utf-8")
)
VALIDATOR = jsonschema.validators.validator_for(SCHEMA)(SCHEMA)


def lowered(word):
    return word[:1].lower() + word[1:]


def built(element):
    """The SDK's object of an element, which checks its fields."""
    if isinstance(element, list):
        return [built(each) for each in element]
    if not isinstance(element, dict):
        return element
    fields = {name: value for name, value in element.items() if name not in ("type", "$schema")}
    if "type" not in element:
        return inputs.Choice(**fields)
    for name, value in fields.items():
        if name in WORDS and isinstance(value, str):
            fields[name] = lowered(value)
        elif name != "data":
            fields[name] = built(value)
    # The SDK writes the version itself.
    if element["type"] == "AdaptiveCard" and fields.pop("version") != "1.3":
        raise ValueError("another version")
    return CLASSES[element["type"]](**fields)


def written(element):
    """An element with its words as the SDK writes them."""
    if isinstance(element, list):
        return [written(each) for each in element]
    if not isinstance(element, dict):
        return element
    return {
        name: lowered(value) if name in WORDS and isinstance(value, str) else written(value)
        for name, value in element.items()
    }


def differs(sent, kept):
    """Where the SDK's object has not what is sent; None where it has all of it."""
    if isinstance(sent, dict) and isinstance(kept, dict):
        for name, value in sent.items():
            if name == "$schema":
                continue
            if name not in kept:
                return name
            found = differs(value, kept[name])
            if found is not None:
                return f"{name}.{found}"
        return None
    if isinstance(sent, list) and isinstance(kept, list) and len(sent) == len(kept):
        found = (differs(one, other) for one, other in zip(sent, kept))
        return next((each for each in found if each is not None), None)
    return None if sent == kept else ""


def check(payload):
    """Raises where Webex would not take a message."""
    unknown = set(payload) - {"markdown", "attachments"}
    if unknown:
        raise ValueError(f"unknown fields: {unknown}")
    length = len(payload["markdown"].encode())
    if not 0 < length <= LONGEST:
        raise ValueError(f"a text of {length} bytes")
    attachments = payload.get("attachments")
    if attachments is None:
        return
    (attachment,) = attachments
    if attachment["contentType"] != CONTENT_TYPE:
        raise ValueError("another kind of attachment")
    card = attachment["content"]
    size = len(json.dumps(card, ensure_ascii=False).encode())
    if size > LARGEST:
        raise ValueError(f"a card of {size} bytes")
    wrong = jsonschema.exceptions.best_match(VALIDATOR.iter_errors(card))
    if wrong is not None:
        raise ValueError(f"{wrong.json_path}: {wrong.message[:200]}")
    where = differs(written(card), built(card).to_dict())
    if where is not None:
        raise ValueError(f"the SDK has no such {where}")


def kinds_of(value):
    """The types of elements in a message."""
    if isinstance(value, dict):
        if isinstance(value.get("type"), str):
            yield value["type"]
        for inner in value.values():
            yield from kinds_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from kinds_of(inner)


def is_strict():
    """Whether the two refuse what is none."""
    for element in (
        {"type": "Action.Execute", "title": "x"},
        {"type": "TextBlock", "text": "x", "colour": "red"},
        {"type": "Input.Text"},
    ):
        card = {"type": "AdaptiveCard", "version": "1.3", "body": [element]}
        try:
            check({"markdown": "x", "attachments": [{"contentType": CONTENT_TYPE, "content": card}]})
        except (KeyError, TypeError, ValueError):
            continue
        return False
    return True


def main():
    if not is_strict():
        sys.exit("what is no card is taken")
    count, refused, largest, kinds = 0, 0, 0, set()
    for line in sys.stdin:
        payload = json.loads(line)["payload"]
        count += 1
        largest = max(largest, len(json.dumps(payload, ensure_ascii=False).encode()))
        kinds.update(kinds_of(payload))
        try:
            check(payload)
        except Exception as error:
            refused += 1
            print(f"message {count}: {type(error).__name__}: {error}"[:500], file=sys.stderr)
    print(f"{count} checked, {refused} refused; the largest has {largest} bytes")
    # A check that saw nothing of interest is none.
    expected = {"ActionSet", "Action.OpenUrl", "Action.Submit", "AdaptiveCard", "Container", "Image", "Input.ChoiceSet",
                "Input.Date", "Input.Text", "TextBlock"}
    missing = expected - kinds
    if missing:
        print(f"never seen: {sorted(missing)}", file=sys.stderr)
    sys.exit(refused > 0 or bool(missing))


main()
