"""What the workflow of a release does with what was made. Needs no emulator."""

import os
import shutil
import subprocess
from pathlib import Path

from samcli.yamlhelper import yaml_parse

ROOT = Path(__file__).parents[2]


def script(job, step):
    """What a step of the workflow runs."""
    jobs = yaml_parse((ROOT / ".github/workflows/release.yaml").read_text())["jobs"]
    [found] = [one for one in jobs[job]["steps"] if one.get("name") == step]
    return found["run"]


def test_the_scripts_in_the_archive_of_everything_can_be_executed(tmp_path):
    folder = tmp_path / "release"
    (folder / "scripts").mkdir(parents=True)
    for name in ("put-config", "smoke"):
        shutil.copyfile(ROOT / "scripts" / name, folder / "scripts" / name)
    for name in ("inbound.zip", "program.tar.gz", "template-arm64.yaml", "sbom.cdx.json"):
        (folder / name).write_text(name)
    # As download-artifact leaves it.
    for file in folder.rglob("*"):
        if file.is_file():
            file.chmod(0o644)
    sums = subprocess.run("sha256sum $(find . -type f)", cwd=folder, shell=True, check=True, capture_output=True).stdout
    (folder / "SHA256SUMS").write_bytes(sums)
    run = script("draft", "One archive of everything, and checksums of all that is published")
    # As GitHub runs it.
    subprocess.run(["bash", "-e", "-c", run], cwd=tmp_path, check=True, env=os.environ | {"GITHUB_REF_NAME": "v1.2.3"})
    there = tmp_path / "there"
    there.mkdir()
    subprocess.run(["tar", "-xzf", tmp_path / "published/haptik-bridge-1.2.3.tar.gz"], cwd=there, check=True)
    for name in ("put-config", "smoke"):
        assert os.access(there / "haptik-bridge-1.2.3/scripts" / name, os.X_OK), name
