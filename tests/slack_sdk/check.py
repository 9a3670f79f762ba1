"""Reads what Slack is sent, a JSON text a line, and says what Slack's own models do not take of it."""

import json
import sys
import warnings

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View


class Lost(Exception):
    """A model dropped or changed something: it does not know it."""


def check(payload, kind):
    """Raises where a model refuses the payload or does not give it back as it was."""
    if kind == "modal":
        same(payload, View(**payload).to_dict(), "view")
        return
    for number, block in enumerate(payload.get("blocks", [])):
        model = Block.parse(block)
        if model is None:
            raise Lost(f"a block of the type {block.get('type')}")
        same(block, round_trip(model), f"blocks/{number}")


def round_trip(model):
    """The model as JSON; `to_dict` runs its validators, and those of the blocks in it."""
    return json.loads(json.dumps(model.to_dict(), default=lambda inner: inner.to_dict()))


def same(sent, known, place):
    """What was sent is in what the model knows of it."""
    if isinstance(sent, dict):
        for key, value in sent.items():
            if not isinstance(known, dict) or key not in known:
                raise Lost(f"{place}/{key}")
            same(value, known[key], f"{place}/{key}")
    elif isinstance(sent, list):
        if not isinstance(known, list) or len(known) != len(sent):
            raise Lost(place)
        for number, (one, other) in enumerate(zip(sent, known)):
            same(one, other, f"{place}/{number}")
    elif sent != known:
        raise Lost(place)


def main():
    # An unknown key or type is a warning there.
    warnings.simplefilter("error")
    count, refused, kinds = 0, 0, {}
    for line in sys.stdin:
        shown = json.loads(line)
        count += 1
        for block in shown["payload"].get("blocks", []):
            kinds[block["type"]] = kinds.get(block["type"], 0) + 1
        try:
            check(shown["payload"], shown["kind"])
        except Exception as error:
            refused += 1
            print(f"{shown['kind']} {count}: {type(error).__name__}: {error}", file=sys.stderr)
    print(f"{count} checked, {refused} refused; blocks: {dict(sorted(kinds.items()))}")
    # A check that saw nothing of interest is none.
    expected = {"actions", "card", "carousel", "context", "image", "input", "section"}
    sys.exit(refused > 0 or not expected <= kinds.keys())


main()
