"""The folder of a release; see scripts/release, which runs it."""

import argparse
import gzip
import hashlib
import io
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import uuid
import zipfile
from datetime import UTC, datetime

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.contact import OrganizationalContact
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

ROOT = pathlib.Path(__file__).resolve().parent.parent
FUNCTIONS = ["inbound", "webhook", "processor"]
COMMAND = "haptik-bridge"
PACKAGES = [f"haptik-bridge-{name}" for name in [*FUNCTIONS, "local"]]
TRIPLES = {"x86_64": "x86_64-unknown-linux-gnu", "arm64": "aarch64-unknown-linux-gnu"}
# Of all that is compiled into the programs.
LICENCES = "THIRD-PARTY-LICENSES.txt"
COPIED = ["CHANGELOG.md", "Dockerfile", "LICENSE-APACHE", "LICENSE-MIT", "SECURITY.md", "bridge.example.toml"]
# What `docker build` may look at in the folder: all that the Dockerfile copies.
DOCKERIGNORE = "*\n!haptik-bridge-*-linux.tar.gz\n"
SCRIPTS = ["put-config", "smoke", "tail-logs"]


def run(*command, **options):
    return subprocess.run(command, cwd=ROOT, check=True, text=True, **options)


def output(*command, **options):
    return run(*command, stdout=subprocess.PIPE, **options).stdout.strip()


def version():
    return re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.M)[1]


def repository():
    return re.search(r'^repository = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.M)[1]


def epoch():
    """The time of everything that is made: SOURCE_DATE_EPOCH, or that of the commit."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    try:
        return int(output("git", "log", "-1", "--format=%ct", stderr=subprocess.DEVNULL))
    except (subprocess.CalledProcessError, FileNotFoundError, ValueError):
        sys.exit("here is no commit whose time what is made could have: set SOURCE_DATE_EPOCH, in seconds since 1970")


def only_committed():
    try:
        changed = output("git", "status", "--porcelain", stderr=subprocess.DEVNULL)
    except (subprocess.CalledProcessError, FileNotFoundError):
        changed = "not a git repository"
    if changed:
        sys.exit(f"not committed, so nobody could make this release again (--allow-dirty does it all the same):\n{changed}")


# --- Building.


def only_with_libraries(architectures):
    """cargo would say it too, minutes later and after whatever comes before."""
    missing = []
    for architecture in architectures:
        libraries = pathlib.Path(output("rustc", "--print", "target-libdir", "--target", TRIPLES[architecture]))
        if not any(libraries.glob("libstd-*.rlib")):
            missing.append(architecture)
    if missing:
        targets, options = " ".join(TRIPLES[one] for one in missing), " ".join(f"--arch {one}" for one in missing)
        sys.exit(f"nothing was built: Rust's standard library for {' and '.join(missing)} is not there.\n"
                 f"Get it with: rustup target add {targets}\nOr leave out: {options}")


# Of C (mimalloc has `__DATE__`): SOURCE_DATE_EPOCH would do for a first build, but neither cargo nor Zig compiles again
# what they have of another commit's.
UNDATED = ["-Wno-builtin-macro-redefined", '-D__DATE__="-"', '-D__TIME__="-"']


def build(architecture, at):
    """The four programs, linked against Zig's glibc and not this machine's, without a path of this machine in them."""
    cargo_home = pathlib.Path(os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo")).absolute()
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).absolute()
    # cargo names them as it was told, and some of what it runs by where a link leads.
    prefixes = {ROOT: "/haptik-bridge", target: "/target", target.resolve(): "/target",
                cargo_home: "/cargo", cargo_home.resolve(): "/cargo"}
    if spaced := [str(old) for old in prefixes if " " in str(old)]:
        sys.exit(f"nothing was built: rustc's flags are separated by spaces, and there is one in {spaced[0]}")
    environment = os.environ | {
        "SOURCE_DATE_EPOCH": str(at),
        "CARGO_INCREMENTAL": "0",
        # The last one that fits counts.
        "RUSTFLAGS": " ".join(f"--remap-path-prefix={old}={new}" for old, new in prefixes.items()),
        "CFLAGS": " ".join([*UNDATED, *(f"-ffile-prefix-map={old}={new}" for old, new in prefixes.items())]),
    }
    flags = ["--arm64"] if architecture == "arm64" else []
    packages = [word for package in PACKAGES for word in ("--package", package)]
    bins = [word for name in [*FUNCTIONS, COMMAND] for word in ("--bin", name)]
    run("cargo", "lambda", "build", "--locked", "--release", *flags, *packages, *bins, env=environment)
    return target


def programs(target):
    """Where a build has left them."""
    found = {}
    for name in [*FUNCTIONS, COMMAND]:
        places = [target / "lambda" / name / "bootstrap"]
        if name == COMMAND:
            places += [target / kind / COMMAND for kind in ("release", "debug")]
        found[name] = next((place for place in places if place.is_file()), None)
        if found[name] is None:
            sys.exit(f"{name} is not in {', '.join(map(str, places))}")
    return found


# The newest glibc that a program may need, 2.this: INSTALL.md says it.
GLIBC = 30


def only_for_documented_glibc(program):
    needed = max(map(int, re.findall(rb"\0GLIBC_2\.(\d+)(?:\.\d+)?(?=\0)", program.read_bytes())), default=0)
    if needed > GLIBC:
        sys.exit(f"{program} needs glibc 2.{needed}, and scripts/INSTALL.md says 2.{GLIBC}")


MACHINES = {62: "x86_64", 183: "arm64"}


def made_for(architecture, program):
    head = program.read_bytes()[:20]
    machine = MACHINES.get(int.from_bytes(head[18:20], "little")) if head[:4] == b"\x7fELF" else None
    if machine != architecture:
        sys.exit(f"{program} is for {machine}, not for {architecture}")


# --- Archives, the same bytes for the same contents.


def write_zip(file, name, contents, at):
    # Zip has no seconds that are odd, and nothing before 1980.
    info = zipfile.ZipInfo(name, max(time.gmtime(at)[:6], (1980, 1, 1, 0, 0, 0)))
    info.create_system, info.external_attr = 3, 0o100755 << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(info, contents, compresslevel=9)


def write_tar(file, folder, members, at):
    with file.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=at) as zipped:
        with tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for name, (contents, mode) in sorted(members.items()):
                info = tarfile.TarInfo(f"{folder}/{name}")
                info.size, info.mtime, info.mode = len(contents), at, mode
                archive.addfile(info, io.BytesIO(contents))


# --- Templates.


def packaged(template, code, description, architectures):
    """template.yaml with archives in the place of what SAM would build."""
    built = re.findall(r"^      CodeUri: functions/(\w+)$", template, re.M)
    if sorted(built) != sorted(FUNCTIONS):
        sys.exit(f"template.yaml has other functions than {FUNCTIONS}: {built}")
    template = re.sub(r"^      CodeUri: functions/(\w+)$", lambda found: code(found[1]), template, flags=re.M)
    template, times = re.subn(r"^      BuildMethod: rust-cargolambda\n      BuildProperties: .*\n", "", template, flags=re.M)
    if times != len(FUNCTIONS):
        sys.exit("template.yaml says otherwise how it is built")
    template, times = re.subn(
        r"(^  Architecture:\n    Type: String\n)    Default: \w+\n    AllowedValues: \[.*\]\n",
        rf"\1    Default: {architectures[0]}\n    AllowedValues: [{', '.join(architectures)}]\n", template, flags=re.M,
    )
    if times != 1:
        sys.exit("template.yaml has another parameter Architecture")
    return f"# haptik-bridge {version()}, packaged by scripts/release: {description}\n{template}"


S3_PARAMETERS = """\
Parameters:
  CodeBucket:
    Type: String
    Description: The S3 bucket, in this region, with the functions' archives.
  CodePrefix:
    Type: String
    AllowedPattern: ^$|^[^/].*/$
    ConstraintDescription: Nothing, or a folder with a slash at its end.
    Description: The folder in the bucket, with a slash at its end, as releases/. Empty for none.
"""


def write_templates(out, architectures):
    template = (ROOT / "template.yaml").read_text()
    for architecture in architectures:
        text = packaged(
            template, lambda name, of=architecture: f"      CodeUri: {archive(name, of)}",
            "sam deploy, with the archives beside it", [architecture],
        )
        (out / f"template-{architecture}.yaml").write_text(text)

    def of_bucket(name):
        key = archive(name, "${Architecture}")
        return f"      CodeUri: {{Bucket: !Ref CodeBucket, Key: !Sub '${{CodePrefix}}{key}'}}"

    text = packaged(template, of_bucket, "CloudFormation alone, with the archives in a bucket", architectures)
    text, times = re.subn(r"^Parameters:\n", S3_PARAMETERS, text, flags=re.M)
    text, groups = re.subn(
        r"^    ParameterGroups:\n", "    ParameterGroups:\n      - Label: {default: Code}\n        Parameters: [CodeBucket, CodePrefix]\n",
        text, flags=re.M,
    )
    if (times, groups) != (1, 1):
        sys.exit("template.yaml has other parameters than it had")
    (out / "template-s3.yaml").write_text(text)


def archive(function, architecture):
    return f"haptik-bridge-{function}-{version()}-{architecture}.zip"


def command_line(architecture):
    return f"{COMMAND}-{version()}-{architecture}-linux.tar.gz"


# --- What is in it: an SBOM, and the licences.


def closure():
    """The packages that are linked into the four programs, and what each depends on."""
    # Neither what only tests, build scripts or macros use, nor what a feature brings that only a test asks for: what
    # cargo says of these four packages, where `cargo metadata` knows the whole workspace only.
    asked = [word for package in PACKAGES for word in ("--package", package)]
    asked += ["--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}"]
    linked = set()
    for triple in TRIPLES.values():
        for line in output("cargo", "tree", "--locked", "--target", triple, *asked).splitlines():
            linked.add(tuple(line.split()[:2]))
    filters = [word for triple in TRIPLES.values() for word in ("--filter-platform", triple)]
    text = output("cargo", "metadata", "--locked", "--format-version", "1", *filters)
    metadata = json.loads(text)
    packages = {package["id"]: package for package in metadata["packages"]}
    ids = {id for id, package in packages.items() if (package["name"], f"v{package['version']}") in linked}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    return packages, {
        id: [dep["pkg"] for dep in nodes[id]["deps"] if dep["pkg"] in ids and any(kind["kind"] is None for kind in dep["dep_kinds"])]
        for id in sorted(ids, key=lambda id: (packages[id]["name"], packages[id]["version"]))
    }


def checksums():
    """Those of Cargo.lock."""
    import tomllib

    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    return {(package["name"], package["version"]): package.get("checksum") for package in lock["package"]}


def write_sbom(file, packages, needed, at):
    known = checksums()
    components = {}
    for id in needed:
        package = packages[id]
        name, of = package["name"], package["version"]
        digest = known.get((name, of))
        components[id] = Component(
            name=name, version=of, type=ComponentType.APPLICATION if name in PACKAGES else ComponentType.LIBRARY,
            bom_ref=f"pkg:cargo/{name}@{of}", purl=PackageURL("cargo", name=name, version=of), description=package["description"],
            licenses=[LicenseExpression(package["license"].replace("/", " OR "))] if package["license"] else [],
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)] if digest else [],
            authors=[OrganizationalContact(name=author) for author in package["authors"]],
        )
    whole = Component(name=COMMAND, version=version(), type=ComponentType.APPLICATION, bom_ref=COMMAND)
    bom = Bom(components=components.values(), serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"{COMMAND} {version()} {at}"))
    bom.metadata.component, bom.metadata.timestamp = whole, datetime.fromtimestamp(at, UTC)
    bom.register_dependency(whole, [components[id] for id in needed if packages[id]["name"] in PACKAGES])
    for id, of in needed.items():
        bom.register_dependency(components[id], [components[dep] for dep in of])
    text = JsonV1Dot6(bom).output_as_string(indent=2)
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        sys.exit(f"the SBOM is not one: {error}")
    file.write_text(f"{text}\n")


def write_licences(file, packages, needed):
    """What each crate says of its licence, and the texts that it comes with; a text that several have stands once."""
    parts, texts = ["What haptik-bridge is made of, and under which licence.\n"], {}
    for id in sorted(needed, key=lambda id: (packages[id]["name"], packages[id]["version"])):
        package = packages[id]
        if package["source"] is None:
            continue
        name = f"{package['name']} {package['version']}"
        found = [
            text for text in sorted(pathlib.Path(package["manifest_path"]).parent.iterdir())
            if re.match(r"(licen[cs]e|copying|notice|copyright|unlicense)", text.name, re.I) and text.is_file()
        ]
        without = "" if found else f" (it comes without the text; its authors' is at {package['repository']})"
        parts.append(f"{name}: {package['license'] or 'see its text'}{without}")
        for text in found:
            texts.setdefault(text.read_text(errors="replace").strip(), []).append(name)
    for text, names in texts.items():
        parts.append(f"\n{'-' * 100}\n{', '.join(dict.fromkeys(names))}\n\n{text}")
    file.write_text("\n".join(parts) + "\n")


# --- The folder.


def write_programs(out, architecture, target, at):
    found = programs(target)
    for name, program in found.items():
        made_for(architecture, program)
        if name == COMMAND:
            members = {COMMAND: (program.read_bytes(), 0o755)}
            licences = [ROOT / "LICENSE-APACHE", ROOT / "LICENSE-MIT", out / LICENCES]
            members |= {file.name: (file.read_bytes(), 0o644) for file in licences}
            write_tar(out / command_line(architecture), f"{COMMAND}-{version()}", members, at)
        else:
            write_zip(out / archive(name, architecture), "bootstrap", program.read_bytes(), at)


def write_documents(out, architectures):
    for name in COPIED:
        shutil.copyfile(ROOT / name, out / name)
    (out / ".dockerignore").write_text(DOCKERIGNORE)
    install = (ROOT / "scripts" / "INSTALL.md").read_text()
    # The template that is named is one that is there: arm64, which costs less, where it was made.
    install = install.replace("template-arm64.yaml", f"template-{architectures[0]}.yaml")
    (out / "INSTALL.md").write_text(install.replace("VERSION", version()))
    for folder in ("scripts", "docs", "examples"):
        (out / folder).mkdir(exist_ok=True)
    for name in SCRIPTS:
        shutil.copy(ROOT / "scripts" / name, out / "scripts" / name)
    for file in sorted((ROOT / "docs").iterdir()):
        if file.suffix in (".md", ".yaml", ".json", ".png", ".svg"):
            shutil.copyfile(file, out / "docs" / file.name)
    shutil.copytree(ROOT / "examples" / "config", out / "examples" / "config", dirs_exist_ok=True)
    for file in sorted((ROOT / "channels" / "src").glob("*/README.md")):
        page = out / file.relative_to(ROOT)
        page.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, page)
    for file in out.rglob("*.md"):
        file.write_text(linked(file, out))


def linked(page, out):
    """A page whose links lead to the repository where what they lead to is not in the folder."""
    def link(found):
        path, hash, anchor = found[1].partition("#")
        if not path or ":" in path or (page.parent / path).exists():
            return found[0]
        there = (page.parent / path).resolve().relative_to(out)
        # An example of how a link is written leads nowhere.
        return f"]({repository()}/blob/v{version()}/{there}{hash}{anchor})" if (ROOT / there).exists() else found[0]

    return re.sub(r"\]\(([^()\s]+)\)", link, page.read_text())


def write_build(out, at):
    """What somebody needs to make the same bytes again."""
    try:
        commit = output("git", "rev-parse", "HEAD", stderr=subprocess.DEVNULL)
    except (subprocess.CalledProcessError, FileNotFoundError):
        commit = "unknown"
    tools = (ROOT / "scripts" / "release-requirements.txt").read_text().splitlines()[1:]
    lines = [f"{COMMAND} {version()}", f"commit {commit}", f"SOURCE_DATE_EPOCH={at}", output("rustc", "--version"), *tools]
    (out / "BUILD.txt").write_text("\n".join(lines) + "\n")


def write_sums(out):
    files = [file for file in sorted(out.rglob("*")) if file.is_file() and file.name != "SHA256SUMS"]
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(out)}\n" for file in files]
    (out / "SHA256SUMS").write_text("".join(lines))


def keep_programs(before, out, architectures):
    """What an earlier run has made of a processor that this one does not make."""
    for architecture in TRIPLES.keys() - set(architectures):
        for name in [*(archive(function, architecture) for function in FUNCTIONS), command_line(architecture)]:
            if (before / name).exists():
                shutil.copyfile(before / name, out / name)


def write_release(out, before, options, architectures, at):
    """All of it, into an empty folder; `before` is the folder as an earlier run has left it."""
    packages, needed = closure()
    write_licences(out / LICENCES, packages, needed)
    if options.from_target:
        write_programs(out, architectures[0], options.from_target.resolve(), at)
    else:
        for architecture in architectures:
            target = build(architecture, at)
            for program in programs(target).values():
                only_for_documented_glibc(program)
            write_programs(out, architecture, target, at)
    keep_programs(before, out, architectures)
    made = [architecture for architecture in ("arm64", "x86_64") if (out / archive(FUNCTIONS[0], architecture)).exists()]
    write_templates(out, made)
    write_documents(out, made)
    write_sbom(out / "sbom.cdx.json", packages, needed, at)
    write_build(out, at)
    write_sums(out)
    return made


def main():
    parser = argparse.ArgumentParser(prog="scripts/release")
    parser.add_argument("--arch", action="append", choices=TRIPLES)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--from-target", type=pathlib.Path)
    parser.add_argument("--allow-dirty", action="store_true")
    options = parser.parse_args()
    if not options.allow_dirty:
        only_committed()
    here = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    architectures, at = options.arch or [here], epoch()
    if options.from_target:
        architectures = architectures[:1]
    else:
        only_with_libraries(architectures)
    out = (options.out or ROOT / "target" / f"release-{version()}").resolve()
    out.mkdir(parents=True, exist_ok=True)
    # Apart from what lies there besides, such as somebody's bridge.toml: SHA256SUMS says nothing of that.
    with tempfile.TemporaryDirectory() as apart:
        new = pathlib.Path(apart).resolve() / "release"
        new.mkdir()
        made = write_release(new, out, options, architectures, at)
        shutil.copytree(new, out, dirs_exist_ok=True)
        for file in sorted(new.iterdir()):
            print(f"{file.stat().st_size:>12,}  {file.name}" if file.is_file() else f"{'':>12}  {file.name}/")
    print(f"made for {', '.join(made)} in {out}")


if __name__ == "__main__":
    main()
