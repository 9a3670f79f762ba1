#!/usr/bin/env python3
"""Measures the deployed stack on the emulator of AWS: what one message takes of each function when it comes alone,
with the share of a processor that Lambda gives with so much memory.

    tests/deployed/run -k nothing        # builds the stack and its tools
    target/deployed-venv/bin/python benches/load/stack.py [--messages 40] [--cold 5] [--memory 128 256 512] [--json]

A function with 1,769 MB has one whole processor, one with less its share of one
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html). The share is set by a control group, so this
runs as root on Linux. As on AWS, a function starts with all of a processor.

What it cannot say: the emulator is called without TLS, is on this machine, and takes longer for a call than AWS does in
its own network. Its own part of a message is in every row alike.
"""

import argparse
import json
import os
import re
import statistics
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "deployed"))

from conftest import Bridge, Emulator, Peers, ended, eventually, http  # noqa: E402

FUNCTIONS = ("inbound", "webhook", "processor")

# The memory of the edges in template.yaml.
EDGE_MEMORY = 256

# With so many MB a function has one processor.
WHOLE = 1769

# As Lambda's supervisor does, more or less: short turns, so that a short piece of work is held up briefly.
PERIOD_US = 20_000

# us-east-1, arm64, as in docs/operations.md.
GB_SECOND, REQUEST = 0.0000133334, 0.20


class Shares:
    """Holds the bootstraps of each function to a share of a processor, as soon as they run."""

    def __init__(self, bridge):
        self.bridge, self.memory, self.stopped = bridge, {}, threading.Event()
        self.groups = {function: group(f"haptik-bridge-{function}") for function in FUNCTIONS}
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def set(self, memory):
        for function in FUNCTIONS:
            megabytes = memory if function == "processor" else EDGE_MEMORY
            quota = min(PERIOD_US, PERIOD_US * megabytes // WHOLE)
            write_quota(self.groups[function], quota)

    def watch(self):
        known = set()
        while not self.stopped.wait(0.003):
            for function in FUNCTIONS:
                for process in self.bridge.bootstraps(function):
                    if process not in known:
                        known.add(process)
                        try:
                            (self.groups[function] / "cgroup.procs").write_text(str(process))
                        except OSError:
                            pass  # It has ended.

    def end(self):
        self.stopped.set()
        self.thread.join()
        for place in self.groups.values():
            for process in (place / "cgroup.procs").read_text().split():
                (place.parent / "cgroup.procs").write_text(process)
            place.rmdir()


def group(name):
    """A control group of its own, of the first or the second version."""
    for root in (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")):
        place = root / name
        try:
            place.mkdir(exist_ok=True)
        except OSError:
            continue
        if any((place / file).exists() for file in ("cpu.cfs_quota_us", "cpu.max")):
            return place
        place.rmdir()
    sys.exit("no control group of the processor can be made here: run this as root on Linux")


def write_quota(place, quota):
    if (place / "cpu.max").exists():
        (place / "cpu.max").write_text(f"{quota} {PERIOD_US}")
    else:
        (place / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        (place / "cpu.cfs_quota_us").write_text(str(quota))


def processor_time(bridge, function):
    """What the function's bootstraps have had of a processor so far, in ms, with all their threads."""
    nanoseconds = 0
    for process in bridge.bootstraps(function):
        for task in Path(f"/proc/{process}/task").glob("*/schedstat"):
            try:
                nanoseconds += int(task.read_text().split()[0])
            except (OSError, ValueError):
                pass  # It has ended.
    return nanoseconds / 1e6


def most_resident(bridge, function):
    """The most memory that a bootstrap of the function has had, in MB."""
    most = [0]
    for process in bridge.bootstraps(function):
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
        most.append(int(found[1]) / 1024 if found else 0)
    return max(most)


def durations(bridge, function, since):
    """How long each invocation took that ended since then, in ms, as Lambda would bill it."""
    logs, took = bridge.aws.client("logs"), []
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=f"/aws/lambda/{bridge.stack}-{function}", startTime=int(since * 1000))
    for page in pages:
        for event in page["events"]:
            took += [float(found) for found in re.findall(r"REPORT RequestId: \S+\tDuration: ([\d.]+) ms", event["message"])]
    return took


def there_and_back(bridge, user, text):
    """Says something in Slack and waits for the bot's answer; how long it took, in ms."""
    began = time.monotonic()
    said = bridge.say(user, text)
    assert said["status"] == 200, said
    while f"echo {text}" not in bridge.peers.answers(said["channel"], f"^echo {text}$"):
        assert time.monotonic() - began < 60, f"no answer to {text}"
        time.sleep(0.02)
    return (time.monotonic() - began) * 1000


def spread(values):
    values = sorted(values)
    at = lambda part: round(values[min(len(values) - 1, int(len(values) * part))], 1)  # noqa: E731
    return {"p50": at(0.5), "p99": at(0.99)} if values else {}


def measure(bridge, shares, memory, options):
    shares.set(memory)
    cold = []
    for turn in range(options.cold):
        time.sleep(2)  # What is under way ends first.
        for function in FUNCTIONS:
            bridge.kill(function)
        eventually(lambda: not any(bridge.bootstraps(function) for function in FUNCTIONS), "end of the bootstraps")
        cold.append(there_and_back(bridge, f"U0COLD{memory}", f"cold {memory} {turn}"))
    there_and_back(bridge, f"U0WARM{memory}", f"first {memory}")
    time.sleep(3)  # The last invocation is reported, and nothing of it runs any more.

    began, calls = time.time(), bridge.aws.wire.calls.copy()
    before = {function: processor_time(bridge, function) for function in FUNCTIONS}
    warm = []
    for turn in range(options.messages):
        warm.append(there_and_back(bridge, f"U0WARM{memory}", f"warm {memory} {turn}"))
        time.sleep(0.1)  # So that the next message has invocations of its own.
    time.sleep(3)
    # To the bot and back.
    messages = 2 * options.messages
    called = {call: count / messages for call, count in (bridge.aws.wire.calls - calls).items()}
    lines = [line for line in bridge.lines("processor", hop="delivered", outcome="ok") if line["_aws"]["Timestamp"] >= began * 1000]
    row = {
        "memory_mb": memory, "messages": messages, "calls_a_message": dict(sorted(called.items())),
        "there_and_back_ms": spread(warm), "there_and_back_cold_ms": spread(cold),
        "to_haptik_ms": spread([line["end_to_end_ms"] for line in lines if line["direction"] == "to_haptik"]),
        "to_channel_ms": spread([line["end_to_end_ms"] for line in lines if line["direction"] == "to_channel"]),
        "functions": {},
    }
    for function in FUNCTIONS:
        took = durations(bridge, function, began)
        megabytes = memory if function == "processor" else EDGE_MEMORY
        spent = processor_time(bridge, function) - before[function]
        mean = statistics.fmean(took) if took else 0
        row["functions"][function] = {
            "invocations": len(took), "processor_ms": round(spent / max(1, len(took)), 2),
            "duration_ms": spread(took), "mean_duration_ms": round(mean, 1), "most_resident_mb": round(most_resident(bridge, function), 1),
            "dollars_a_million": round(REQUEST + mean / 1000 * megabytes / 1024 * GB_SECOND * 1e6, 2),
        }
    return row


def table(rows):
    yield "| memory of the processor | its processor time | its duration: p50, p99 | a million of it | most memory | to Haptik | to Slack | there and back | cold |"
    yield "|---|---|---|---|---|---|---|---|---|"
    pair = lambda found: f"{found['p50']:.0f}, {found['p99']:.0f} ms" if found else ""  # noqa: E731
    for row in rows:
        own = row["functions"]["processor"]
        yield (f"| {row['memory_mb']} MB | {own['processor_ms']} ms | {pair(own['duration_ms'])} | ${own['dollars_a_million']} | "
               f"{own['most_resident_mb']} MB | {pair(row['to_haptik_ms'])} | {pair(row['to_channel_ms'])} | "
               f"{pair(row['there_and_back_ms'])} | {pair(row['there_and_back_cold_ms'])} |")
    yield ""
    yield "| function | processor time an invocation | duration: p50, p99 | most memory |"
    yield "|---|---|---|---|"
    for name, own in rows[-1]["functions"].items():
        yield f"| {name} | {own['processor_ms']} ms | {pair(own['duration_ms'])} | {own['most_resident_mb']} MB |"
    yield ""
    yield "| call of AWS | a message |"
    yield "|---|---|"
    for call, count in rows[-1]["calls_a_message"].items():
        yield f"| {call} | {count:.2f} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=40, help="of the user, each of which has an answer")
    parser.add_argument("--cold", type=int, default=5, help="first messages to functions that do not run")
    parser.add_argument("--memory", type=int, nargs="+", default=[128, 256, 512], help="of the processor, in MB")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    # As tests/deployed/run has them.
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    os.environ.setdefault("HAPTIK_BRIDGE", str(ROOT / "target" / "debug" / "haptik-bridge"))
    aws, peers = Emulator(), None
    shares = None
    try:
        peers = Peers()
        bridge = Bridge(aws, peers)
        bridge.deploy()
        peers.simulator("PUT", "webhook", {"url": f"{bridge.url}/haptik/main"})
        code, said = bridge.put_config()
        assert code == 0, said
        eventually(lambda: http("GET", f"{bridge.url}/health")[0] == 200, "good configuration")
        shares = Shares(bridge)
        rows = [measure(bridge, shares, memory, options) for memory in options.memory]
        print(json.dumps(rows, indent=2) if options.json else "\n".join(table(rows)))
    finally:
        if shares:
            shares.end()
        for process in (peers and peers.process, aws.process):
            if process:
                ended(process)


if __name__ == "__main__":
    main()
