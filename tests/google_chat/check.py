"""Reads what Google Chat is sent, a JSON text a line, and says what Google's own models do not take of it."""

import json
import sys

from google.apps.chat_v1.types import Message
from google.protobuf import json_format

# The largest message, in bytes (https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages/create).
LARGEST = 32_000


def check(payload):
    """Raises where the models do not know a field or a value, or the message is too large."""
    message = Message.pb(Message())
    json_format.Parse(json.dumps(payload), message)
    for size in (message.ByteSize(), len(json.dumps(payload, ensure_ascii=False).encode())):
        if size > LARGEST:
            raise ValueError(f"{size} bytes")


def kinds_of(value):
    """The widgets and fields in a message."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from kinds_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from kinds_of(inner)


def main():
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
            print(f"message {count}: {type(error).__name__}: {error}", file=sys.stderr)
    print(f"{count} checked, {refused} refused; the largest has {largest} bytes")
    # A check that saw nothing of interest is none.
    expected = {"accessoryWidgets", "buttonList", "carousel", "dateTimePicker", "image", "openLink",
                "selectionInput", "textInput", "textParagraph"}
    missing = expected - kinds
    if missing:
        print(f"never seen: {sorted(missing)}", file=sys.stderr)
    sys.exit(refused > 0 or bool(missing))


main()
