"""Holds an app package against the schema of its manifest, and against what Microsoft says of its icons
(https://learn.microsoft.com/microsoftteams/platform/concepts/build-and-test/apps-package)."""

import json
import struct
import sys
import zipfile
from pathlib import Path

from jsonschema import Draft4Validator

node, package = sys.argv[1:]


def size(png):
    """The width and the height of a PNG."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n", "no PNG"
    return struct.unpack(">II", png[16:24])


with zipfile.ZipFile(package) as files:
    assert files.testzip() is None
    names = files.namelist()
    manifest = json.loads(files.read("manifest.json"))
    icons = {kind: files.read(name) for kind, name in manifest["icons"].items()}
assert sorted(names) == ["color.png", "manifest.json", "outline.png"], names
schemas = Path(node) / "node_modules/@microsoft/app-manifest/build/json-schemas/teams"
schema = json.loads((schemas / f"v{manifest['manifestVersion']}" / "MicrosoftTeams.schema.json").read_text())
validator = Draft4Validator(schema)
errors = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(manifest)]
assert not errors, errors
# The check sees what is wrong.
manifest["bots"][0]["scopes"] = ["groupchat"]
assert list(validator.iter_errors(manifest))
assert (size(icons["color"]), size(icons["outline"])) == ((192, 192), (32, 32))
print(f"package: {', '.join(names)}; a manifest of version {manifest['manifestVersion']}")
