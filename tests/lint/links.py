"""Follows the links of every document to files and headings of this repository; the web it leaves alone.

    tests/lint/links.py

In other files, what looks like the path of a document (`docs/slack.md#a-human`) is followed too.
"""

import pathlib
import re
import subprocess
import sys
import urllib.parse
from functools import cache

ROOT = pathlib.Path(__file__).resolve().parents[2]
INSTALL = ROOT / "scripts" / "INSTALL.md"
FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
LINK = re.compile(r"\]\(\s*<?([^()<>\s]+(?:\([^()]*\))?[^()<>\s]*)>?(?:\s+\"[^\"]*\")?\s*\)|<(?:img|a)\b[^>]*?\b(?:src|href)=\"([^\"]+)\"")
DEFINED = re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)")
# Of this repository: what ends in .md, from its root.
MENTION = re.compile(r"(?<![\w/.:-])((?:docs|channels|clients|examples|scripts)/[\w/.-]+\.md|[A-Z]{4,}\.md)(#[\w-]+)?")


def prose(text):
    """The lines that are no code, by their number, without what is code within them."""
    fence = None
    for number, line in enumerate(text.splitlines(), 1):
        if opened := FENCE.match(line):
            if fence is None:
                fence = opened[1]
            elif opened[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = None
        elif fence is None:
            yield number, line


@cache
def anchors(file):
    """As GitHub makes them of the headings."""
    found = {}
    for _, line in prose(file.read_text()):
        names = re.findall(r"<a (?:id|name)=\"([^\"]+)\"", line)
        if heading := re.match(r" {0,3}#{1,6}\s+(.*?)(?:\s+#+)?\s*$", line):
            text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading[1])
            text = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            times = found.get(text, 0)
            found[text] = times + 1
            names.append(f"{text}-{times}" if times else text)
        for name in names:
            found.setdefault(name, 1)
    return set(found)


def wrong(page, link, tracked):
    """What is wrong with a link, if anything is."""
    path, _, anchor = link.partition("#")
    # A release has it at its root.
    page = ROOT / page.name if page == INSTALL else page
    there = (page.parent / urllib.parse.unquote(path)).resolve() if path else page
    if not there.is_relative_to(ROOT):
        return "leads out of the repository"
    if there not in tracked and not (there.is_dir() and any(there in file.parents for file in tracked)):
        return "leads to nothing that is in the repository"
    if anchor and there.suffix == ".md" and urllib.parse.unquote(anchor) not in anchors(there):
        return f"{there.relative_to(ROOT)} has no such heading"
    return None


def main():
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    tracked = {ROOT / name for name in names.split("\0") if name}
    links = found = 0
    for file in sorted(tracked):
        if not file.is_file():
            continue
        try:
            text = file.read_text()
        except UnicodeDecodeError:
            continue
        followed = []
        if file.suffix == ".md":
            for number, line in prose(text):
                line = re.sub(r"(`+)(?:(?!`).)+?\1", lambda code: "" if "](" in code[0] else code[0], line)
                targets = [link for pair in LINK.findall(line) for link in pair if link] + DEFINED.findall(line)
                followed += [(number, file, link) for link in targets if not re.match(r"[a-z][a-z0-9+.-]*:|//", link)]
        else:
            for number, line in enumerate(text.splitlines(), 1):
                found_here = [path + anchor for path, anchor in MENTION.findall(line) if path != INSTALL.name]
                followed += [(number, ROOT / "any", link) for link in found_here]
        for number, page, link in followed:
            links += 1
            if why := wrong(page, link, tracked):
                found += 1
                print(f"{file.relative_to(ROOT)}:{number}: {link}: {why}", file=sys.stderr)
    print(f"{links} links within the repository", file=sys.stderr if found else sys.stdout)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
