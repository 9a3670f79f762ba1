"""A release's folder alone, as somebody has it who has neither Rust nor this repository: to an answer in Slack."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import threading
import zipfile

import pytest
from conftest import ARCHITECTURE, ROOT, Bridge, Peers, ended, eventually, http

# Asked for by RELEASE=1, as the workflow does: the folder is made of what was built, which takes minutes more.
pytestmark = pytest.mark.skipif("RELEASE" not in os.environ, reason="asked for by RELEASE=1")

USER = "U0RELEASE"


def released(target, out):
    """`--from-target` does all that a release does but the building."""
    subprocess.run(
        ["scripts/release", "--from-target", target, "--allow-dirty", "--out", out], cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
        env=os.environ | {"SOURCE_DATE_EPOCH": "1790000000"},
    )
    return out


def test_a_processor_without_its_library_is_said_before_anything_is_built(tmp_path):
    # A toolchain that has none at all.
    for name, script in {"rustc": f"echo {tmp_path}", "cargo": f"touch {tmp_path}/built"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        ["scripts/release", "--arch", "x86_64", "--arch", "arm64", "--allow-dirty", "--out", tmp_path / "out"],
        cwd=ROOT, env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}, capture_output=True, text=True,
    )
    assert done.returncode == 1
    assert "rustup target add x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu" in done.stderr
    assert "leave out: --arch x86_64 --arch arm64" in done.stderr
    assert not (tmp_path / "built").exists() and not (tmp_path / "out").exists()


def test_without_a_commit_its_time_has_to_be_given(tmp_path):
    (tmp_path / "git").write_text("#!/bin/sh\nexit 128\n")
    (tmp_path / "git").chmod(0o755)
    done = subprocess.run(
        ["scripts/release", "--allow-dirty", "--out", tmp_path / "out"],
        cwd=ROOT, env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}, capture_output=True, text=True,
    )
    assert done.returncode == 1 and "set SOURCE_DATE_EPOCH" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


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


@pytest.fixture(scope="module")
def following(folder):
    """The folder of the version after it: other archives by other names, and what is in them does the same."""
    file = next(folder.glob("haptik-bridge-inbound-*.zip"))
    version = file.name.removeprefix("haptik-bridge-inbound-").removesuffix(f"-{ARCHITECTURE}.zip")
    following = shutil.copytree(folder, folder.parent / "following")
    for file in [*following.glob("*.zip"), *following.glob("template-*.yaml")]:
        if file.suffix == ".zip":
            with zipfile.ZipFile(file) as archive:
                bootstrap = archive.read("bootstrap")
            info = zipfile.ZipInfo("bootstrap")
            info.create_system, info.external_attr = 3, 0o100755 << 16
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(info, bootstrap + b"\0")  # What comes after the program is not looked at.
        else:
            file.write_text(file.read_text().replace(version, f"{version}-following"))
        file.rename(file.with_name(file.name.replace(version, f"{version}-following")))
    return following


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

    def run(*command, cwd=folder):
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)
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


def deploy(bridge, of_release, folder):
    of_release(
        "sam", "deploy", "--template-file", f"template-{ARCHITECTURE}.yaml", "--stack-name", bridge.stack, "--resolve-s3",
        "--no-confirm-changeset", "--capabilities", "CAPABILITY_IAM",
        "--parameter-overrides", "SavedQueries=false", "ConfigRereadSeconds=1",
        cwd=folder,
    )


class Traffic:
    """Users who write one message after the other, until the `with` block ends."""

    def __init__(self, bridge, users):
        self.bridge, self.said, self.statuses, self.over = bridge, {user: [] for user in users}, set(), threading.Event()
        self.threads = [threading.Thread(target=self.talk, args=(user,)) for user in users]

    def talk(self, user):
        while not self.over.wait(0.3):
            text = f"{user} {len(self.said[user])}"
            self.said[user].append(text)
            self.statuses.add(self.bridge.say(user, text)["status"])

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()


def test_with_sam_then_the_following_version_under_traffic_and_back(aws, neighbours, folder, following, of_release):
    bridge = Bridge(aws, neighbours, "release-sam")
    deploy(bridge, of_release, folder)
    answers(bridge, of_release, folder)

    def code():
        functions = aws.client("lambda").list_functions()["Functions"]
        return {one["FunctionName"]: one["CodeSha256"] for one in functions if one["FunctionName"].startswith(bridge.stack)}

    before = code()
    with Traffic(bridge, ["U0UPDATE", "U0BACK"]) as traffic:
        deploy(bridge, of_release, following)
        after = code()
        deploy(bridge, of_release, folder)
    assert len(before) == 3 and all(before[name] != after[name] for name in before), (before, after)
    assert code() == before
    assert traffic.statuses == {200}
    for user, said in traffic.said.items():
        assert len(said) > 10
        eventually(lambda user=user, said=said: neighbours.logged(f"^{user} ") == said, f"delivery of {user}'s messages", patience=60)
    bridge.talk(USER, "back on the version before")
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


def licences_at_hand():
    """The licences of what cargo has here, which a release only reads."""
    home = pathlib.Path(os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo"))
    return {file: file.read_bytes() for file in home.glob("registry/src/*/*/LICEN*") if file.is_file()}


def test_each_licence_is_in_the_folder_and_left_as_it_is_where_it_comes_from(target, tmp_path):
    before = licences_at_hand()
    folder = released(target, tmp_path / "once more")
    text = (folder / "THIRD-PARTY-LICENSES.txt").read_text()
    with tarfile.open(next(folder.glob("*-linux.tar.gz"))) as archive:
        [beside] = [name for name in archive.getnames() if name.endswith("/THIRD-PARTY-LICENSES.txt")]
        assert archive.extractfile(beside).read().decode() == text
    # cargo may have got others meanwhile.
    assert before and {file: file.read_bytes() for file in before} == before
    components = json.loads((tmp_path / "once more" / "sbom.cdx.json").read_text())["components"]
    others = [one for one in components if not one["name"].startswith("haptik-bridge")]
    assert len(others) > 100
    for one in others:
        assert f"\n{one['name']} {one['version']}: " in text, one["name"]


def test_what_is_compiled_of_c_says_no_time(tmp_path):
    (tmp_path / "built.c").write_text('const char *built = "built " __DATE__ " " __TIME__ ".";')
    venv = ROOT / "target" / "release-venv" / "bin"
    script = "import json, release; print(json.dumps(release.UNDATED))"
    flags = subprocess.run([venv / "python", "-c", script], cwd=ROOT / "scripts", check=True, capture_output=True, text=True).stdout
    command = [venv / "python", "-m", "ziglang", "cc", "-target", "x86_64-linux-gnu.2.26", *json.loads(flags), "-c", "built.c"]
    made = []
    for epoch in "1700000000", "1790000000":
        environment = os.environ | {"SOURCE_DATE_EPOCH": epoch, "ZIG_GLOBAL_CACHE_DIR": str(tmp_path / epoch)}
        subprocess.run(command, cwd=tmp_path, check=True, env=environment)
        made.append((tmp_path / "built.o").read_bytes())
    assert b"built - -." in made[0]
    assert made[0] == made[1]


def test_a_program_that_needs_a_newer_glibc_than_is_documented_is_no_release(folder, tmp_path):
    documented = re.search(r"glibc 2\.(\d+) or newer", (folder / "INSTALL.md").read_text())[1]
    python = ROOT / "target" / "release-venv" / "bin" / "python"
    script = "import sys, pathlib, release; release.only_for_documented_glibc(pathlib.Path(sys.argv[1]))"
    for newest, code in (int(documented), 0), (int(documented) + 1, 1):
        (tmp_path / "program").write_bytes(f"\0GLIBC_2.2.5\0GLIBC_2.{newest}\0".encode())
        done = subprocess.run([python, "-c", script, tmp_path / "program"], cwd=ROOT / "scripts", capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        assert code == 0 or f"2.{newest}" in done.stderr and f"2.{documented}" in done.stderr


def test_the_folder_is_whole_and_made_again_it_is_the_same(target, folder, tmp_path):
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
    # What somebody has put there is not a part of it.
    (tmp_path / "again" / "unpacked").mkdir(parents=True)
    for name in ("bridge.toml", "unpacked/haptik-bridge"):
        (tmp_path / "again" / name).write_text("mine")
    again = released(target, tmp_path / "again")
    assert (again / "SHA256SUMS").read_text() == (folder / "SHA256SUMS").read_text()
    assert (again / "bridge.toml").read_text() == "mine"
    named = re.findall(r"(?:template-\w+\.yaml|scripts/[\w-]+|SHA256SUMS)", (folder / "INSTALL.md").read_text())
    for name in ("INSTALL.md", "SECURITY.md", *named, "sbom.cdx.json", "THIRD-PARTY-LICENSES.txt", "examples/config/slack.toml"):
        assert (folder / name).stat().st_size > 0, name
    for page in folder.rglob("*.md"):
        for picture in re.findall(r"!\[[^\]]*\]\(([^()\s]+)\)", page.read_text()):
            assert (page.parent / picture).is_file(), f"{page}: {picture}"


def test_an_image_can_be_built_of_the_folder_alone(folder):
    given = [line.split()[1] for line in (folder / "Dockerfile").read_text().splitlines() if line.startswith("COPY $")]
    ignored = (folder / ".dockerignore").read_text().splitlines()
    assert given and ignored[0] == "*"
    for pattern in given:
        inside = pattern.replace("${RELEASE}/", "")
        assert list(folder.glob(inside)) and f"!{inside}" in ignored
    assert "docker build --build-arg RELEASE=. " in (folder / "docs" / "one-machine.md").read_text()
