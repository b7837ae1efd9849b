#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`galena bench` runs every workload, tells what it measured in every form, and fails if anything is lost.

It does not check how fast anything was.
"""
import contextlib
import csv
import io
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import xml.etree.ElementTree

GALENA = os.environ["GALENA_PROGRAM"]
DEADLINE = 300  # a sanitizer on a busy machine
SHORT = ["--rounds", "1", "--seconds", "0.05", "--pairs", "10"]
WORKLOADS = ["throughput", "one-topic", "fanout8", "fanout64", "topics8", "topics10000", "prefixes", "relay", "transform",
             "fanin4", "typed", "latency", "latency-own", "latency-load", "slow-sibling", "delay1", "delay20", "idle",
             "idle-pairs"]
LAST = 1 << 63


def bench(*words, code=0):
    done = subprocess.run([GALENA, "bench", *words], capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
    return done


def every_workload_runs_and_is_told_and_drawn():
    with tempfile.TemporaryDirectory() as directory:
        plot = pathlib.Path(directory) / "bench.svg"
        done = bench(*SHORT, "--size", "64", "--json", "--plot", str(plot))
        drawing = xml.etree.ElementTree.fromstring(plot.read_text())
    result = json.loads(done.stdout)
    assert list(dict.fromkeys(one["name"] for one in result["workloads"])) == WORKLOADS, result
    transports = [one["transport"] for one in result["workloads"] if one["name"] == "throughput"]
    assert transports == ["tcp", "ipc", "inproc"], transports
    for workload in result["workloads"]:
        check_workload(workload)
    assert [line["bytes"] for line in result["throughput"]] == [64], result["throughput"]
    for line in result["throughput"] + result["one_topic"]:
        assert line["galena"] > 0 and line["raw"] > 0, line
        assert abs(line["ratio"] - line["galena"] / line["raw"]) < 0.01, line
    assert result["latency"]["galena_p50_us"] > 0 and result["latency"]["p50_ratio"] > 0, result["latency"]

    texts = [text.text for text in drawing.iter("{http://www.w3.org/2000/svg}text")]
    for name in WORKLOADS:
        assert any(text.startswith(name) for text in texts), (name, texts)
    bars = list(drawing.iter("{http://www.w3.org/2000/svg}rect"))
    assert len(bars) > sum(len(one["systems"]) for one in result["workloads"]), len(bars)

    assert f"{len(result['workloads'])} workloads" in done.stderr.splitlines()[0], done.stderr
    runs = sum(len(one["systems"]) for one in result["workloads"])
    assert f"[{runs}/{runs}]" in done.stderr.splitlines()[-1], done.stderr


def check_workload(workload):
    ours = workload["systems"][0]
    assert ours["name"] == "galena" and workload["about"], workload
    for system in workload["systems"]:
        assert 0 < system["min"] <= system["median"] <= system["max"] and len(system["rounds"]) == 1, system
        if workload["quantity"] == "rss_mib":
            assert system["core_percent"] >= 0 and system["rss_mib"] > 1, system
            continue
        assert system["events_per_s"] > 0 and system["bytes_per_s"] > 0, system
        if system is not ours:
            assert abs(system["ratio"] - ours["median"] / system["median"]) < 0.01 * system["ratio"] + 0.01, system
    for target in workload["targets"]:
        sign, bound = target["target"].split()
        met = target["value"] >= float(bound) if sign == ">=" else target["value"] <= float(bound)
        # What is shown is rounded.
        assert met == target["met"] or abs(target["value"] - float(bound)) < 0.001, target


def other_transports_and_forms():
    rows = list(csv.DictReader(io.StringIO(
        bench(*SHORT, "--csv", "--only", "fanout8,relay,slow-sibling", "--transport", "inproc").stdout)))
    assert [(row["workload"], row["transport"], row["system"]) for row in rows] == [
        ("fanout8", "inproc", "galena"), ("fanout8", "inproc", "pubsub"), ("relay", "inproc", "galena"),
        ("relay", "inproc", "direct"), ("relay", "inproc", "raw"), ("slow-sibling", "inproc", "galena"),
        ("slow-sibling", "inproc", "alone")], rows
    for row in rows:
        assert float(row["median"]) > 0 and row["quantity"] == "rate" and row["bytes"] == "64", row

    rows = list(csv.DictReader(io.StringIO(
        bench(*SHORT, "--csv", "--only", "throughput,typed", "--transport", "ipc", "--size", "100").stdout)))
    assert [(row["workload"], row["bytes"], row["system"]) for row in rows] == [
        ("throughput", "100", "galena"), ("throughput", "100", "raw"), ("throughput", "100", "tcp"),
        ("typed", "38", "galena"), ("typed", "38", "bytes")], rows

    table = bench(*SHORT, "--quick", "--size", "16", "--window", "1000000").stdout
    assert "throughput, tcp, 16 B" in table and "latency, tcp, 16 B" in table, table
    assert "libzmq PUSH/PULL" in table and "events/s" in table and "p99.9" in table and "(>= 5)" in table, table


def brokers_are_yardsticks_if_they_are_there():
    for name in ("nats", "redis"):
        words = [*SHORT, "--json", "--only", "throughput", "--size", "64", "--transport", "tcp", "--vs", name]
        server = f"{name}-server"
        if shutil.which(server, path=os.environ["PATH"] + ":/usr/sbin:/usr/bin"):
            systems = json.loads(bench(*words).stdout)["workloads"][0]["systems"]
            assert systems[-1]["name"] == name and systems[-1]["events_per_s"] > 0, systems
        else:
            assert f"apt-get install {server}" in bench(*words, code=2).stderr


def a_mistake_on_the_command_line_is_a_usage_error():
    unknown = bench("--only", "speed", code=2).stderr
    assert all(name in unknown for name in WORKLOADS), unknown
    assert all(name in bench("--help").stdout for name in WORKLOADS)
    assert "excludes" in bench("--json", "--csv", code=2).stderr
    bench("--transport", "udp", code=2)
    bench("--vs", "kafka", code=2)
    bench("--only", "delay1", "--transport", "ipc", code=2)
    bench("--size", "1", code=2)
    assert "cannot write" in bench("--plot", "/nowhere/bench.svg", code=1).stderr


def receiver(**fields):
    """The receiving process of a plain stream of 64-byte messages, started by itself."""
    task = {"part": 1, "peer": "x", "index": 0, "system": 3, "transport": 0, "bytes": 64, "seconds": 0.05, "rate": 0,
            "window": 0, "senders": 1, "receivers": 1, "links": 1, "topics": 1, "take": 0, "prefixes": 0, "divided": 0,
            "relay": 0, "typed": 0, "own_thread": 0, "slow_sibling": 0, "delay_us": 0, "idle": 0, "idle_pairs": 0}
    words = [f"{name}={value}" for name, value in (task | fields).items()]
    process = subprocess.Popen([GALENA, "bench", "--role", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)
    link = socket.create_connection(("127.0.0.1", int(process.stdout.readline().split()[1])))
    return process, link


def record(word, size=64):
    topic = b"bench/0000"
    return struct.pack("B", len(topic)) + topic + struct.pack("<IQ", size, word) + b"x" * (size - 8)


def a_receiver_takes_nothing_but_what_was_sent():
    for words, complaint in (([0, 1, 2 | LAST], None),
                             ([0 | LAST], None),
                             ([0, 2], "event 1 was due"),
                             ([0, 0], "event 1 was due"),
                             ([1], "event 0 was due"),
                             ([0, 2 | LAST], "event 1 was due"),
                             ([0, 1 << 56], "nothing was due"),
                             ([0, 1], "the last event did not come; 2 did")):
        process, link = receiver()
        link.sendall(b"".join(record(word) for word in words))
        if complaint is None:
            assert f"received={len(words)} " in process.stdout.readline()
            process.kill()
            process.wait()
        else:
            link.shutdown(socket.SHUT_WR)
            _, err = process.communicate(timeout=DEADLINE)
            assert process.returncode == 1 and complaint in err, (words, process.returncode, err)
        link.close()
    process, link = receiver()
    link.sendall(record(0, 63))
    _, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 1 and "its length is wrong" in err, err


def children_of(process):
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == process and fields[0] != "Z":
            found.append(int(entry.name))
    return found


def wait_for(what):
    end = time.monotonic() + DEADLINE
    while not (found := what()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


def is_gone(process):
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def long_run():
    process = subprocess.Popen([GALENA, "bench", "--only", "throughput", "--transport", "tcp", "--size", "64", "--rounds",
                                "1", "--seconds", "60"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return process, wait_for(lambda: found if len(found := children_of(process.pid)) == 2 else None)


def a_half_that_dies_is_an_error_and_leaves_nobody():
    process, halves = long_run()
    for half in halves:
        with contextlib.suppress(ProcessLookupError):  # when one half dies, the benchmark ends the other
            os.kill(half, signal.SIGKILL)
    _, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 1 and "failed" in err, (process.returncode, err)

    process, halves = long_run()
    process.kill()
    process.communicate(timeout=DEADLINE)
    wait_for(lambda: all(is_gone(half) for half in halves))


every_workload_runs_and_is_told_and_drawn()
other_transports_and_forms()
brokers_are_yardsticks_if_they_are_there()
a_mistake_on_the_command_line_is_a_usage_error()
a_receiver_takes_nothing_but_what_was_sent()
a_half_that_dies_is_an_error_and_leaves_nobody()
print("fine")
