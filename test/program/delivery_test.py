#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `galena` promises through kills and restarts, with the programs as a user runs them."""
import json
import pathlib
import signal
import subprocess
import tempfile
import time

import harness
from harness import case

EXAMPLES = pathlib.Path(harness.PROGRAM).resolve().parent.parent / "examples"


def numbers(first, last):
    return "".join(f"{n}\n" for n in range(first, last + 1)).encode()


def rows(out):
    """What `sub --json` printed: (number, whether it is marked)."""
    events = []
    for line in out.decode().splitlines():
        event = json.loads(line)
        events.append((int(event["message"]), event.get("repeated", False)))
    return events


def killed(process):
    """What it printed; the line that the kill cut short is not acknowledged."""
    process.signal(signal.SIGKILL)
    out = process.ends_with(None)
    return out[:out.rfind(b"\n") + 1]


def accounts(world, name):
    out, _ = world.run("ls", "--json", "--stats")
    return next(entry["stats"] for entry in json.loads(out) if entry["name"] == name)


def check_once_but_marked(events, last):
    """Each of 1 to last once without a mark at the most, and at least once; in order but for what is marked."""
    assert {n for n, _ in events} == set(range(1, last + 1)), f"of {last} came {len({n for n, _ in events})}"
    seen = set()
    for n, marked in events:
        assert n not in seen or marked, f"{n} came twice and is not marked"
        seen.add(n)
    fresh = [n for n, marked in events if not marked]
    assert fresh == sorted(fresh), "out of order"


@case("a sub that is killed goes on by its identity, with and without a file of positions")
def _(world):
    with tempfile.TemporaryDirectory() as directory:
        for more in [[], ["--positions", f"{directory}/p"]]:
            name = f"load{len(more)}"
            pub = world.start("pub", name, "--topic", "t", "--now")
            pub.write(numbers(1, 2000))
            out = b""
            for round in range(3):
                sub = world.start("sub", name, "--identity", "archive", "--json", *more)
                sub.prints(f'"{2000 * (round + 1)}"')
                out += killed(sub)
                pub.write(numbers(2000 * (round + 1) + 1, 2000 * (round + 2)))
            sub = world.start("sub", name, "--identity", "archive", "--json", "--stats", *more)
            pub.close()
            pub.ends_with(0)
            sub.signal(signal.SIGTERM)
            out += sub.ends_with(0)
            sub.says("lost 0, possibly repeated [0-9]+")
            check_once_but_marked(rows(out), 8000)


@case("a sub that was accepted and killed with nothing handled: its successor is told of what its producer had held")
def _(world):
    with tempfile.TemporaryDirectory() as directory:
        options = ["load", "--identity", "one", "--positions", f"{directory}/p"]
        pub = world.start("pub", "load", "--topic", "t", "--now", "-v")
        first = world.start("sub", *options, "-v")
        first.says("connected")
        first.signal(signal.SIGKILL)
        first.ends_with(None)
        pub.write(numbers(1, 50))
        harness.until(lambda: accounts(world, "load")["ingested"] == 50)
        pub.signal(signal.SIGKILL)
        pub.ends_with(None)
        second = world.start("sub", *options, "--count", "1", "--stats")
        pub = world.start("pub", "load", "--topic", "t")
        pub.feed("after\n")
        assert second.ends_with(5) == b"t\tafter\n"
        second.says("lost 0 and an unknown number in 1 gap")


@case("a sub whose positions cannot be written says so, and ends with 1")
def _(world):
    with tempfile.TemporaryDirectory() as directory:
        inner = pathlib.Path(directory) / "inner"
        inner.mkdir()
        pub = world.start("pub", "load", "--topic", "t")
        sub = world.start("sub", "load", "--identity", "one", "--positions", inner / "p", "-v")
        sub.says("connected")
        (inner / "p").unlink()
        inner.rmdir()
        pub.write(numbers(1, 5))
        sub.says("could not be saved: cannot write positions to")
        sub.signal(signal.SIGTERM)
        sub.ends_with(1)
        sub.says("galena: cannot write positions to")


@case("a second sub of an identity takes over; the first says so and exits with 1")
def _(world):
    pub = world.start("pub", "load", "--topic", "t", "--now", "-v")
    pub.says("registered")
    first = world.start("sub", "load", "--identity", "one", "-v")
    first.says("connected")
    pub.write(b"a\n")
    first.prints("t\ta")
    second = world.start("sub", "load", "--identity", "one", "-v")
    assert first.ends_with(1) == b"t\ta\n"
    first.says("another has taken up this identity")
    pub.feed(b"b\n")
    second.prints("t\tb")
    pub.ends_with(0)


@case("a sub with --count and an identity leaves the rest to the next")
def _(world):
    pub = world.start("pub", "load", "--topic", "t", "--now")
    pub.feed(numbers(1, 1000))
    for first in range(1, 1000, 250):
        out, _ = world.run("sub", "load", "--identity", "one", "--count", "250", "--raw")
        assert out == "".join(str(n) for n in range(first, first + 250)), out[:80]
    pub.ends_with(0)


@case("a pipeline whose relay and consumer are killed again and again loses nothing, and says so")
def _(world):
    pub = world.start("pub", "src", "--topic", "t", "--stats", "--now")
    start_relay = lambda: world.start("relay", "mid", "--from", "src", "--acknowledge", "downstream", "--expect", "end")
    start_sub = lambda: world.start("sub", "mid", "--identity", "end", "--json")
    relay, sub = start_relay(), start_sub()
    last, out = 0, b""
    for round in range(4):
        pub.write(numbers(last + 1, last + 3000))
        last += 3000
        sub.prints(f'"message":"{last - 2000}"')
        if round % 2 == 0:
            killed(relay)
            relay = start_relay()
        else:
            out += killed(sub)
            sub = start_sub()
    pub.close()
    pub.ends_with(0)
    assert b"selected 12000 = acknowledged 12000 + in flight 0 + held 0 + dropped 0" in pub.err.bytes()
    relay.signal(signal.SIGTERM)
    relay.ends_with(0)
    sub.says("has ended its stream")  # it handles signals
    sub.signal(signal.SIGTERM)
    out += sub.ends_with(0)
    check_once_but_marked(rows(out), 12000)


@case("every process of a pipeline is stopped and started again under load: nothing is lost, all exit with 0")
def _(world):
    start_relay = lambda: world.start("relay", "mid", "--from", "src", "--acknowledge", "downstream", "--expect", "end")
    start_sub = lambda: world.start("sub", "mid", "--identity", "end", "--json")
    start_pub = lambda: world.start("pub", "src", "--topic", "t", "--expect", "mid", "--now")
    pub, relay, sub = start_pub(), start_relay(), start_sub()
    last, out = 0, b""
    for round in range(2):
        pub.feed(numbers(last + 1, last + 2000))  # its end drains
        last += 2000
        pub.ends_with(0)
        pub = start_pub()
        pub.write(numbers(last + 1, last + 2000))
        last += 2000
        relay.signal(signal.SIGTERM)
        relay.ends_with(0)
        relay = start_relay()
        pub.write(numbers(last + 1, last + 2000))
        last += 2000
        sub.signal(signal.SIGTERM)
        out += sub.ends_with(0)
        sub = start_sub()
    pub.close()
    pub.ends_with(0)
    relay.signal(signal.SIGTERM)
    relay.ends_with(0)
    sub.signal(signal.SIGTERM)
    out += sub.ends_with(0)
    check_once_but_marked(rows(out), last)
    assert b"lost" not in relay.err.bytes() + sub.err.bytes()


@case("ls --stats shows the account of each subscription, of one that is away as well")
def _(world):
    pub = world.start("pub", "load", "--topic", "t", "--now")
    sub = world.start("sub", "load", "--identity", "one", "-v")
    sub.says("connected")
    pub.write(numbers(1, 10))
    sub.prints("t\t10\n")
    sub.signal(signal.SIGTERM)
    sub.ends_with(0)
    pub.write(numbers(11, 15))
    end = time.monotonic() + harness.DEADLINE
    while (stats := accounts(world, "load"))["ingested"] < 15:
        assert time.monotonic() < end, stats
    one, = stats["subscriptions"]
    assert one["identity"] == "one" and one["away"], one
    assert (one["selected"], one["acknowledged"], one["in_flight"], one["held"], one["dropped"]) == (15, 10, 0, 5, 0)
    table, _ = world.run("ls", "--stats")
    header, row = table.splitlines()
    assert header.split() == ["NAME", "SELECTED", "ACKNOWLEDGED", "IN-FLIGHT", "HELD", "DROPPED", "LOST", "STATE",
                              "SUBSCRIBER"]
    assert row.split()[:8] == ["load", "15", "10", "0", "5", "0", "0", "away"], row


@case("a mistake in identities and positions is said")
def _(world):
    _, err = world.run("sub", "x", "--positions", "f", code=2)
    assert "--positions requires --identity" in err
    _, err = world.run("sub", "x", "--identity", "i", "--positions", "/nonexistent/f", code=1)
    assert "/nonexistent" in err
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"junk\n")
        file.flush()
        _, err = world.run("sub", "x", "--identity", "i", "--positions", file.name, code=2)
        assert "is no file of positions" in err
    _, err = world.run("relay", "r", "--from", "x", "--acknowledge", "never", code=2)
    assert "never" in err


@case("the example that adds up numbers counts each once, however often it is killed")
def _(world):
    program = EXAMPLES / "effectively_once"
    if not program.exists():
        return
    pub = world.start("pub", "numbers", "--topic", "n", "--now")
    with tempfile.TemporaryDirectory() as directory:
        last = 0
        for _ in range(6):
            adder = subprocess.Popen([program], cwd=directory, env=world.environment(), stdout=subprocess.PIPE)
            pub.write(numbers(last + 1, last + 3000))
            last += 3000
            adder.stdout.readline()  # it has saved something
            adder.kill()
            adder.wait()
        adder = subprocess.Popen([program], cwd=directory, env=world.environment(), stdout=subprocess.PIPE)
        pub.close()
        pub.ends_with(0)
        adder.send_signal(signal.SIGTERM)
        adder.communicate(timeout=harness.DEADLINE)
        total = int((pathlib.Path(directory) / "sum.txt").read_text().split()[0])
    assert total == last * (last + 1) // 2, f"{total} instead of {last * (last + 1) // 2}"


if __name__ == "__main__":
    harness.main()
