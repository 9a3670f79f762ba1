"""A release's folder alone, as somebody has it who has neither Rust nor this repository: to an answer in Slack."""

import os
import shutil
import subprocess
import tarfile

import pytest
from conftest import ARCHITECTURE, ROOT, Bridge, Peers, ended, eventually, http

# Asked for by RELEASE=1: the folder is made of what was built, which takes minutes more.
pytestmark = pytest.mark.skipif("RELEASE" not in os.environ, reason="asked for by RELEASE=1")

USER = "U0RELEASE"


def released(target, out):
    """`--from-target` does all that a release does but the building."""
    subprocess.run(
        ["scripts/release", "--from-target", target, "--allow-dirty", "--out", out], cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
        env=os.environ | {"SOURCE_DATE_EPOCH": "1790000000"},
    )
    return out


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """What this run has built; the command line without its debug information, which takes long to compress."""
    target = tmp_path_factory.mktemp("target")
    (target / "lambda").symlink_to(ROOT / "target" / "lambda")
    (target / "debug").mkdir()
    subprocess.run(["strip", "-o", target / "debug" / "haptik-bridge", ROOT / "target" / "debug" / "haptik-bridge"], check=True)
    return target


@pytest.fixture(scope="module")
def folder(target, tmp_path_factory):
    return released(target, tmp_path_factory.mktemp("release") / "haptik-bridge")


@pytest.fixture
def neighbours():
    """Haptik and Slack for one stack: those of the other tests have their webhook."""
    running = Peers()
    yield running
    ended(running.process)


@pytest.fixture
def of_release(aws, folder):
    """Runs a command in the folder, with the folder's own haptik-bridge on the PATH and no cargo."""
    with tarfile.open(next(folder.glob("*-linux.tar.gz"))) as archive:
        archive.extractall(folder.parent, filter="data")
    [unpacked] = folder.parent.glob("haptik-bridge-*/")
    tools = folder.parent / "tools"
    tools.mkdir(exist_ok=True)
    for tool in ("aws", "sam"):
        if not (tools / tool).exists():
            (tools / tool).symlink_to(shutil.which(tool))
    environment = {name: value for name, value in aws.environment.items() if name != "HAPTIK_BRIDGE"}
    environment["PATH"] = os.pathsep.join([str(unpacked), str(tools), "/usr/bin", "/bin"])

    def run(*command):
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def answers(bridge, of_release, folder):
    """Configures the stack by the folder's own script, and talks with it."""
    assert http("GET", f"{bridge.url}/health")[0] == 503
    file = folder.parent / f"{bridge.stack}.toml"
    file.write_text(bridge.configuration())
    of_release("scripts/put-config", "--stack", bridge.stack, str(file))
    eventually(lambda: http("GET", f"{bridge.url}/health")[0] == 200, "configuration")
    bridge.peers.simulator("PUT", "webhook", {"url": f"{bridge.url}/haptik/main"})
    bridge.talk(USER, f"hello from {bridge.stack}")


def test_with_sam(aws, neighbours, folder, of_release):
    bridge = Bridge(aws, neighbours, "release-sam")
    of_release(
        "sam", "deploy", "--template-file", f"template-{ARCHITECTURE}.yaml", "--stack-name", bridge.stack, "--resolve-s3",
        "--no-confirm-changeset", "--capabilities", "CAPABILITY_IAM",
        "--parameter-overrides", "SavedQueries=false", "ConfigRereadSeconds=1",
    )
    answers(bridge, of_release, folder)
    bridge.delete()


def test_with_cloudformation_alone(aws, neighbours, folder, of_release):
    bridge = Bridge(aws, neighbours, "release-s3")
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="releases")
    for archive in folder.glob("*.zip"):
        s3.upload_file(str(archive), "releases", f"haptik-bridge/{archive.name}")
    of_release(
        "aws", "cloudformation", "deploy", "--template-file", "template-s3.yaml", "--stack-name", bridge.stack,
        "--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND", "--s3-bucket", "releases",
        "--parameter-overrides", "CodeBucket=releases", "CodePrefix=haptik-bridge/", "SavedQueries=false", "ConfigRereadSeconds=1",
        f"Architecture={ARCHITECTURE}",
    )
    answers(bridge, of_release, folder)


def test_the_folder_is_whole_and_made_again_it_is_the_same(target, folder, tmp_path):
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
    again = released(target, tmp_path / "again")
    assert (again / "SHA256SUMS").read_text() == (folder / "SHA256SUMS").read_text()
    for name in ("INSTALL.md", "SECURITY.md", "sbom.cdx.json", "THIRD-PARTY-LICENSES.txt", "examples/config/slack.toml"):
        assert (folder / name).stat().st_size > 0, name
