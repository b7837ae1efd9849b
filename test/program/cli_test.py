#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program `galena`, as its users run it. usage: GALENA_PROGRAM=... cli_test.py [WORD OF A CLAIM...]"""
import fcntl
import hashlib
import json
import os
import select
import signal
import socket
import sys
import termios
import time

from harness import DEADLINE, case, main

COMMANDS = ["names", "ls", "pub", "sub", "relay", "ingest"]


def closed_port():
    """An endpoint where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


def numbered(count, topic="t"):
    return b"".join(b"%s\t%d\n" % (topic.encode(), n) for n in range(count))


def lines_of(out):
    return out.decode().splitlines()


# Help, usage


@case("--help of each command leads with examples and exits with 0")
def _(world):
    for command in [[], *[[command] for command in COMMANDS]]:
        out, err = world.run(*command, "--help")
        lines = out.splitlines()
        assert lines[2] == "Examples:" and "galena" in lines[3], out
        assert out.index("Examples:") < out.index("Usage:")
        assert err == ""


@case("--version says the version")
def _(world):
    out, _ = world.run("--version")
    assert out.startswith("galena ") and out.strip()[-1].isdigit(), out


@case("a mistyped command line exits with 2 and says what to write, on stderr alone")
def _(world):
    for wrong, hint in [
        ([], "--help"),
        (["sbu", "x"], "no command 'sbu'"),
        (["sub"], "NAMES is required"),
        (["sub", "x", "--jsno"], "--jsno"),
        (["sub", "x", "--raw", "--json"], "excludes"),
        (["sub", "x", "--count", "0"], "--count"),
        (["sub", "x", "--count", "many"], "--count"),
        (["sub", "x,,y"], "name is missing"),
        (["sub", "x", "a\\"], "backslash"),
        (["pub"], "NAME is required"),
        (["pub", "x", "--now", "--subscribers", "1"], "excludes"),
        (["pub", "x", "--rate", "0"], "--rate"),
        (["relay", "x"], "--from is required"),
        (["relay", "x", "--from", "y", "--rename", "a/*=b"], "star"),
        (["relay", "x", "--from", "y:"], "topic is missing"),
        (["ingest", "x"], "TOPIC is required"),
        (["names", "--interface", "no-such-one"], "no-such-one"),
        (["pub", "x", "--interface", "no-such-one"], "no-such-one"),
        (["ls", "--interface", "no-such-one"], "no-such-one"),
        (["ls", "--names", "somewhere"], "tcp://host:port"),
        (["ls", "surplus"], "surplus"),
    ]:
        out, err = world.run(*wrong, code=2)
        assert out == "" and hint in err, (wrong, out, err)


@case("an unknown level in GALENA_LOG is a usage error, and a known one is heard")
def _(world):
    _, err = world.run("ls", code=2, env={"GALENA_LOG": "loud"})
    assert "loud" in err
    pub = world.start("pub", "x", "--now", "--topic", "t", env={"GALENA_LOG": "info"})
    pub.says("listening at .*tcp://")
    pub.close()
    pub.ends_with(0)


# names, ls


@case("names prints where it is, serves those who are told so, and ends with 0 on SIGTERM and on SIGINT")
def _(world):
    for how in [signal.SIGTERM, signal.SIGINT]:
        names = world.start("names", "--no-beacon", "--bind", "tcp://127.0.0.1:*")
        endpoint = names.prints(r"^(tcp://127\.0\.0\.1:[1-9]\d*)\n").group(1).decode()
        sub = world.sub("x", "--names", endpoint, "--count", "1")
        world.run("pub", "x", "--topic", "t", "--names", endpoint, stdin=b"hello\n")
        assert sub.ends_with(0) == b"t\thello\n"
        names.signal(how)
        assert names.ends_with(0) == (endpoint + "\n").encode()


@case("names --interface lo listens on the loopback alone")
def _(world):
    names = world.start("names", "--interface", "lo")
    names.prints(r"^tcp://127\.0\.0\.1:[1-9]\d*\n")


@case("names --json prints its endpoint and domain as an object")
def _(world):
    names = world.start("names", "--json", "--no-beacon")
    about = json.loads(names.prints(r"^\{.*\}\n").group())
    assert set(about) == {"endpoint", "domain"} and about["domain"] == world.domain, about
    assert about["endpoint"].startswith("tcp://")
    names.signal(signal.SIGTERM)
    names.ends_with(0)


@case("names on a port that somebody has exits with 1 and says so")
def _(world):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        endpoint = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        _, err = world.run("names", "--bind", endpoint, code=1)
        assert endpoint in err, err


@case("ls without a name service in reach says so, exits with 3, and starts none")
def _(world):
    for _ in range(2):
        out, err = world.run("ls", "--timeout", "1", code=3)
        assert out == "" and "no name service" in err, (out, err)
    world.run("ls", "--names", closed_port(), "--timeout", "1", code=3)


@case("ls shows kind, endpoints, host, age and subscribers of every name")
def _(world):
    pub = world.start("pub", "-v", "source", "--now", "--topic", "t")
    pub.says("registered at")
    relay = world.start("relay", "-v", "copy", "--from", "source")
    relay.says("connected source")
    world.sub("copy").says("connected copy")
    relay.says("subscribed: consumer")
    # "as of the last renewal": the count follows on its own.
    end = time.monotonic() + DEADLINE
    while True:
        out, err = world.run("ls", "--json")
        names = json.loads(out)
        if [entry["subscribers"] for entry in names] == [1, 1]:
            break
        assert time.monotonic() < end, out
    assert [entry["name"] for entry in names] == ["copy", "source"] and err == ""
    assert [entry["kind"] for entry in names] == ["producer-consumer", "producer"]
    for entry, process in zip(names, [relay, pub]):
        assert set(entry) == {"name", "kind", "endpoints", "host", "pid", "age_s", "subscribers"}, entry
        assert entry["pid"] == process.pid and 0 <= entry["age_s"] < 1000
        assert entry["host"] == socket.gethostname(), entry
        assert any(endpoint.startswith("tcp://") for endpoint in entry["endpoints"]), entry
    table = world.run("ls")[0].splitlines()
    assert table[0].split() == ["NAME", "KIND", "SUBSCRIBERS", "AGE", "HOST", "PID", "ENDPOINTS"]
    assert [line.split()[:3] for line in table[1:]] == [["copy", "producer-consumer", "1"], ["source", "producer", "1"]]


@case("ls in an empty domain prints no name and exits with 0")
def _(world):
    names = world.start("names", "--no-beacon")
    endpoint = names.prints(r"^(tcp://.*)\n").group(1).decode()
    for _ in range(10):  # each finds the service anew: by the host's endpoint or by the beacon, whichever answers first
        assert world.run("ls")[0] == ""
    assert json.loads(world.run("ls", "--json")[0]) == []
    assert json.loads(world.run("ls", "--json", "--names", endpoint)[0]) == []


# pub, sub


@case("what sub prints is exact: order, tab, escapes, and every other byte as it is")
def _(world):
    odd = bytes(byte for byte in range(256) if byte != 10)
    lines = [b"a\tplain", b"a/b\ttab\there", b"c\\d\tback\\slash", b"\tno topic", b"e\t", b"f\tcr\r", b"g\t" + odd,
             "ä\tö".encode(), b"h\tno newline at the end"]
    sub = world.sub("x", "--count", len(lines))
    world.run("pub", "x", stdin=b"\n".join(lines))
    expected = b""
    for line in lines:
        topic, message = line.split(b"\t", 1)
        for column, after in [(topic, b"\t"), (message, b"\n")]:
            expected += column.replace(b"\\", b"\\\\").replace(b"\t", b"\\t").replace(b"\n", b"\\n") + after
    got = sub.ends_with(0)
    assert got == expected, (got, expected)


@case("pub before sub: it waits for the first subscriber, who gets all")
def _(world):
    pub = world.start("pub", "-v", "x")
    pub.says("registered at")
    pub.feed(numbered(1000))
    sub = world.start("sub", "x", "--count", "1000")
    assert sub.ends_with(0) == numbered(1000)
    pub.ends_with(0)


@case("sub before pub: every subscriber that waits for the name gets the first event")
def _(world):
    subs = [world.sub("x", "--count", "100") for _ in range(4)]
    world.run("pub", "x", stdin=numbered(100))
    for sub in subs:
        assert sub.ends_with(0) == numbered(100)


@case("pub --subscribers N starts when N have subscribed")
def _(world):
    pub = world.start("pub", "x", "--subscribers", "2")
    pub.feed(numbered(10))
    first = world.start("sub", "-v", "x", "--count", "10")
    first.says("connected x")
    pub.says("waiting for 2 subscribers")
    assert first.out.bytes() == b""
    second = world.start("sub", "x", "--count", "10")
    for sub in [first, second]:
        assert sub.ends_with(0) == numbered(10)
    pub.ends_with(0)


@case("pub --now takes its input before anybody has subscribed, and keeps it for the first one")
def _(world):
    pub = world.start("pub", "x", "--now")
    pub.feed(numbered(10))
    assert world.run("sub", "x", "--count", "10")[0].encode() == numbered(10)
    pub.ends_with(0)


@case("pub --topic takes whole lines, tabs and all; --count stops after so many")
def _(world):
    sub = world.sub("x", "--count", "2")
    world.run("pub", "x", "--topic", "one topic", "--count", "2", stdin=b"a\tb\n\nc\n")
    assert sub.ends_with(0) == b"one topic\ta\\tb\none topic\t\n"


@case("a line without a topic ends pub with 1 and its number; what came before it arrives")
def _(world):
    sub = world.sub("x", "--count", "2")
    _, err = world.run("pub", "x", stdin=b"a\t1\na\t2\nno tab here\na\t3\n", code=1)
    assert "line 3" in err and "--topic" in err, err
    assert sub.ends_with(0) == b"a\t1\na\t2\n"


@case("an event larger than the buffer allows ends pub with 1 and the line's number")
def _(world):
    sub = world.sub("x", "--count", "1")
    _, err = world.run("pub", "x", stdin=b"a\t1\na\t" + b"x" * (17 << 20) + b"\n", code=1)
    assert "line 2" in err, err
    assert sub.ends_with(0) == b"a\t1\n"


@case("input that cannot be read, or a line without end, ends pub with 1 after the rest was delivered")
def _(world):
    sub = world.sub("x", "--count", "1")
    _, err = world.run("pub", "x", stdin=b"a\t1\n" + b"x" * (33 << 20), code=1)
    assert "line 2 is longer than 16 MiB" in err, err
    assert sub.ends_with(0) == b"a\t1\n"
    directory = os.open("/", os.O_RDONLY)
    pub = world.start("pub", "y", "--now", stdin=directory)
    os.close(directory)
    pub.ends_with(1)
    assert "cannot read standard input" in pub.err.text()


@case("pub --rate spreads the events over time")
def _(world):
    sub = world.sub("x", "--count", "41")
    start = time.monotonic()
    world.run("pub", "x", "--rate", "40", stdin=numbered(41))
    assert time.monotonic() - start > 0.9
    assert sub.ends_with(0) == numbered(41)


@case("sub prints exactly the topics it was asked for, exact ones and prefixes")
def _(world):
    published = [f"{topic}\t{n}\n" for n in range(50)
                 for topic in ["cpu/0", "cpu/1", "cpu", "memory", "memory/free", "cpu/*", "disk", ""]]
    asked = {
        ("cpu/0",): lambda t: t == "cpu/0",
        ("cpu/*",): lambda t: t.startswith("cpu/"),
        ("cpu/\\*",): lambda t: t == "cpu/*",
        ("memory", "cpu/*", "cpu/0"): lambda t: t == "memory" or t.startswith("cpu/"),
        ("",): lambda t: t == "",
        ("*",): lambda t: True,
        (): lambda t: True,
    }
    subs = {topics: world.sub("x", *topics, "--stats") for topics in asked}
    # The end of the stream shows that nothing follows.
    world.run("pub", "x", stdin="".join(published).encode())
    for topics, sub in subs.items():
        expected = [line for line in published if asked[topics](line.split("\t")[0])]
        sub.says("its stream has ended")
        sub.signal(signal.SIGTERM)
        got = sub.ends_with(0)
        assert got == "".join(expected).encode(), (topics, got[:200])
        assert f"received {len(expected)}, lost 0" in sub.err.text()


@case("sub of two producers prints exactly as many events as --count says")
def _(world):
    sub = world.sub("x,y", "--count", "150", "--stats")
    pubs = [world.start("pub", name) for name in "xy"]
    for pub, name in zip(pubs, "xy"):
        pub.feed(numbered(100, name))
    lines = lines_of(sub.ends_with(0))
    assert len(lines) == 150 and len(set(lines)) == 150
    for name in "xy":  # in the order of each producer, from its first on
        mine = [line for line in lines if line.startswith(name)]
        assert mine == numbered(100, name).decode().splitlines()[: len(mine)]
    for pub in pubs:
        pub.ends_with(0)


@case("sub --timeout exits with 4 if the count was not reached, and with 0 without a count")
def _(world):
    sub = world.sub("x", "--count", "3", "--timeout", "3")
    pub = world.start("pub", "x")
    pub.write(b"t\t1\n")
    assert sub.ends_with(4) == b"t\t1\n"
    assert "1 of 3 events" in sub.err.text()
    assert world.run("sub", "nobody", "--timeout", "0.5")[0] == ""


@case("sub of a name that nobody has says whom it waits for, and of no name service that there is none")
def _(world):
    world.start("pub", "x", "--now")  # somebody else is there
    world.start("sub", "nobody").says("waiting for 'nobody' ")
    world.start("sub", "nobody", "--names", closed_port()).says("waiting for 'nobody', and for a name service")


@case("sub --raw prints the messages' bytes and nothing else")
def _(world):
    message = bytes(byte for byte in range(256) if byte != 10)
    sub = world.sub("x", "--raw", "--count", "2")
    world.run("pub", "x", stdin=b"t\t" + message + b"\nt\t" + message + b"\n")
    assert sub.ends_with(0) == message + message


@case("sub --json prints an object per event; bytes that are no text as base64")
def _(world):
    sub = world.sub("x", "--json", "--count", "3")
    world.run("pub", "x", stdin=b"t/1\tsay \"hi\"\\\x01\nt\t\xff\xfe\n\xff\t\xc3\xa4\n")
    got = [json.loads(line) for line in lines_of(sub.ends_with(0))]
    assert got == [
        {"topic": "t/1", "message": 'say "hi"\\\x01', "encoding": "raw"},
        {"topic": "t", "message_base64": "//4=", "encoding": "raw"},
        {"topic_base64": "/w==", "message": "ä", "encoding": "raw"},
    ], got


@case("sub ends quietly with 0 when its reader has had enough, whether events come or not")
def _(world):
    for more in [b"t\t2\n", b""]:
        sub = world.sub("x", read_output=False)
        pub = world.start("pub", "x")
        pub.write(b"t\t1\n")
        assert os.read(sub.stdout.fileno(), 100) == b"t\t1\n"
        sub.stdout.close()
        pub.feed(more)
        assert sub.exit_code() == 0
        assert "galena: " not in sub.err.text().replace("galena: info: ", ""), sub.err.text()
        pub.signal(signal.SIGTERM)
        pub.exit_code()


@case("sub that is stopped by a signal prints what it has, and exits with 1 if a count is missing")
def _(world):
    for arguments, code in [([], 0), (["--count", "2"], 1)]:
        sub = world.sub("x", *arguments)
        pub = world.start("pub", "x")
        pub.write(b"t\t1\n")
        sub.prints("t\t1\n")
        sub.signal(signal.SIGINT)
        assert sub.ends_with(code) == b"t\t1\n"
        pub.close()
        pub.ends_with(0)


@case("sub ends within its bound on SIGTERM although nobody reads what it prints")
def _(world):
    sub = world.sub("x", read_output=False)
    pub = world.start("pub", "x")
    pub.feed_aside(b"t\t" + b"x" * 1000 + b"\n" + numbered(100_000))
    # It is held up when the pipe, which nobody empties, gets no fuller.
    waiting, before, since = bytearray(4), b"", time.monotonic()
    end = time.monotonic() + DEADLINE
    while before != waiting or not any(waiting) or time.monotonic() - since < 0.5:
        assert time.monotonic() < end
        if before != waiting:
            before, since = bytes(waiting), time.monotonic()
        time.sleep(0.01)
        fcntl.ioctl(sub.stdout, termios.FIONREAD, waiting)
    sub.signal(signal.SIGTERM)
    code = sub.exit_code()
    sub.stdout.close()
    assert code == 1 and "nobody reads" in sub.err.text(), (code, sub.err.text())


@case("processes of another domain are not found")
def _(world):
    pub = world.start("pub", "x", "--now", "--topic", "t")
    pub.feed(b"1\n")
    world.run("sub", "x", "--domain", world.domain + "-other", "--count", "1", "--timeout", "1", code=4)
    assert world.run("sub", "x", "--domain", world.domain, "--count", "1")[0] == "t\t1\n"
    pub.ends_with(0)


@case("--interface lo binds to the loopback alone")
def _(world):
    pub = world.start("pub", "-v", "x", "--interface", "lo", "--topic", "t")
    pub.says("registered at")
    (entry,) = json.loads(world.run("ls", "--json")[0])
    tcp = [endpoint for endpoint in entry["endpoints"] if endpoint.startswith("tcp://")]
    assert tcp and all(endpoint.startswith("tcp://127.0.0.1:") for endpoint in tcp), entry
    pub.feed(b"1\n")
    assert world.run("sub", "x", "--interface", "lo", "--count", "1")[0] == "t\t1\n"
    pub.ends_with(0)


# When something goes wrong


@case("a name that somebody has is refused with 1 and who holds it; when the holder dies it is free at once")
def _(world):
    holder = world.start("pub", "-v", "x")
    holder.says("registered at")
    _, err = world.run("pub", "x", "--topic", "t", code=1, stdin=b"1\n")
    assert str(holder.pid) in err and "x" in err, err
    holder.signal(signal.SIGKILL)
    assert holder.exit_code() == -signal.SIGKILL
    start = time.monotonic()
    sub = world.start("sub", "x", "--count", "1")
    world.run("pub", "x", "--topic", "t", stdin=b"1\n")
    assert sub.ends_with(0) == b"t\t1\n"
    assert time.monotonic() - start < 8  # less than a lease


@case("pub without a name service in reach exits with 3")
def _(world):
    _, err = world.run("pub", "x", "--names", closed_port(), code=3)
    assert "name service" in err, err


@case("SIGTERM: pub drains what it has read, says goodbye and exits with 0")
def _(world):
    sub = world.sub("x")
    pub = world.start("pub", "x")
    pub.write(numbered(1000))
    sub.prints("t\t0\n")
    # It has read all that the pipe had once it waits for more; a line of its own shows it.
    pub.write(b"t\tlast\n")
    sub.prints("t\tlast\n")
    pub.signal(signal.SIGTERM)
    pub.ends_with(0)
    sub.says("its stream has ended")
    sub.signal(signal.SIGTERM)
    assert sub.ends_with(0) == numbered(1000) + b"t\tlast\n"


@case("SIGTERM while nobody takes the events: pub says within a bound how many, and exits with 5")
def _(world):
    pub = world.start("pub", "x", "--now")
    pub.feed(numbered(7))
    end = time.monotonic() + DEADLINE
    while not json.loads(world.run("ls", "--json", code=None)[0] or "[]"):
        assert time.monotonic() < end
    start = time.monotonic()
    pub.signal(signal.SIGTERM)
    pub.ends_with(5)
    assert time.monotonic() - start < 10
    assert "7 " in pub.err.text(), pub.err.text()


@case("SIGINT while pub waits for a subscriber ends it with 0; it has read nothing")
def _(world):
    pub = world.start("pub", "-v", "x")
    pub.says("registered at")
    pub.write(b"t\t1\n")
    pub.signal(signal.SIGINT)
    pub.ends_with(0)


@case("kill -9 of a subscriber: pub goes on with the others, and ends")
def _(world):
    victim, other = world.sub("x"), world.sub("x", "--count", "20001")
    pub = world.start("pub", "x")
    pub.write(b"t\tfirst\n")
    for sub in [victim, other]:
        sub.prints("t\tfirst\n")
    victim.signal(signal.SIGKILL)
    pub.feed(numbered(20_000))
    assert other.ends_with(0) == b"t\tfirst\n" + numbered(20_000)
    assert pub.exit_code() in (0, 5)  # 5: of what was on its way to the victim nobody knows


@case("kill -9 of a producer: sub says so, waits, and goes on with the successor; the loss is not silent")
def _(world):
    sub = world.sub("x", "--count", "2")
    first = world.start("pub", "x")
    first.write(b"t\t1\n")
    sub.prints("t\t1\n")
    first.signal(signal.SIGKILL)
    sub.says("'x' is gone")
    world.run("pub", "x", stdin=b"t\t2\n")
    assert sub.ends_with(5) == b"t\t1\nt\t2\n"
    assert "unknown number" in sub.err.text(), sub.err.text()


@case("a producer that ends and comes back is found again, and nothing is lost")
def _(world):
    sub = world.sub("x", "--count", "3", "--stats")
    for n in range(3):
        world.run("pub", "x", stdin=b"t\t%d\n" % n)
    assert sub.ends_with(0) == b"t\t0\nt\t1\nt\t2\n"
    assert "received 3, lost 0" in sub.err.text()


@case("back-pressure: pub stops reading while sub's reader does not read, and all arrives when it goes on")
def _(world):
    message = b"x" * 10_000
    count = 20_000  # 200 MB: more than all buffers on the way
    sub = world.sub("x", "--count", count, read_output=False)
    pub = world.start("pub", "x", "--topic", "t")
    digest = hashlib.sha256()
    taken = 0

    # As much as it takes; that it takes no more for a second is as close as one comes to "never".
    os.set_blocking(pub.stdin.fileno(), False)
    data = (message + b"\n") * count
    while select.select([], [pub.stdin], [], 1)[1]:
        taken += os.write(pub.stdin.fileno(), data[taken : taken + (1 << 20)])
        assert taken < len(data), "it took everything"
    assert taken < 120 << 20, taken
    os.set_blocking(pub.stdin.fileno(), True)
    rest = pub.feed_aside(data[taken:])
    size = 0
    while piece := os.read(sub.stdout.fileno(), 1 << 20):
        digest.update(piece)
        size += len(piece)
    assert sub.exit_code() == 0
    assert digest.digest() == hashlib.sha256((b"t\t" + message + b"\n") * count).digest(), size
    rest.join()
    pub.ends_with(0)


@case("a subscriber that sleeps (SIGSTOP) and wakes up gets everything")
def _(world):
    sub = world.sub("x", "--count", "50001")
    pub = world.start("pub", "x")
    pub.write(b"t\tfirst\n")
    sub.prints("t\tfirst\n")
    sub.signal(signal.SIGSTOP)
    pub.feed(numbered(50_000))
    sub.signal(signal.SIGCONT)
    assert sub.ends_with(0) == b"t\tfirst\n" + numbered(50_000)
    pub.ends_with(0)


# relay


@case("100,000 lines through pub, relay and three subs arrive unchanged at each")
def _(world):
    data = numbered(100_000, "some/topic")
    relay = world.start("relay", "-v", "y", "--from", "x")
    relay.says("searching x")
    subs = [world.sub("y", "--count", "100000") for _ in range(3)]
    relay.says("subscribed(.|\n)*subscribed(.|\n)*subscribed")
    pub = world.start("pub", "x")
    pub.feed_aside(data)
    for sub in subs:
        assert hashlib.sha256(sub.ends_with(0)).digest() == hashlib.sha256(data).digest()
    pub.ends_with(0)
    relay.signal(signal.SIGTERM)
    relay.ends_with(0)


@case("relay selects topics of several producers and renames them, exactly and by prefix")
def _(world):
    relay = world.start(
        "relay", "-v", "all", "--from", "x:a/*,b", "--from", "y", "--rename", "a/*=A/*", "--rename", "b=B", "--rename",
        "A/*=wrong/*")
    relay.says("searching x")
    relay.says("searching y")
    sub = world.sub("all", "--count", "6")
    relay.says("subscribed: consumer")
    for name in "xy":
        world.run("pub", name, stdin=f"a/1\t{name}1\nb\t{name}2\nb/c\t{name}3\nc\t{name}4\n".encode())
    lines = lines_of(sub.ends_with(0))
    assert sorted(lines) == ["A/1\tx1", "A/1\ty1", "B\tx2", "B\ty2", "b/c\ty3", "c\ty4"], lines
    assert [line[-1] for line in lines if "y" in line] == list("1234")


@case("relay hands on pressure, and drains on SIGTERM")
def _(world):
    relay = world.start("relay", "-v", "y", "--from", "x")
    relay.says("searching x")
    sub = world.sub("y")
    relay.says("subscribed: consumer")
    pub = world.start("pub", "x")
    pub.feed(numbered(10_000))
    pub.ends_with(0)
    relay.signal(signal.SIGTERM)
    relay.ends_with(0)
    assert "took 10000 events" in relay.err.text(), relay.err.text()
    sub.says("its stream has ended")
    sub.signal(signal.SIGTERM)
    assert sub.ends_with(0) == numbered(10_000)


@case("relay that nobody subscribed to says on SIGTERM how many events nobody took, and exits with 5")
def _(world):
    relay = world.start("relay", "-v", "y", "--from", "x")
    relay.says("searching x")
    world.run("pub", "x", stdin=numbered(10))
    relay.signal(signal.SIGTERM)
    relay.ends_with(5)
    assert "10 events nobody took" in relay.err.text(), relay.err.text()


@case("relay under a name that somebody has exits with 1")
def _(world):
    world.start("pub", "-v", "x").says("registered at")
    world.run("relay", "x", "--from", "z", code=1)


# ingest


@case("ingest hands an event, or the lines of its input, to a producer elsewhere")
def _(world):
    pub = world.start("pub", "-v", "x", "--now")
    pub.says("registered at")
    sub = world.start("sub", "x", "--count", "1002")
    world.run("ingest", "x", "t", "-y", code=2)  # looks like an option
    world.run("ingest", "x", "t", "--", "-y")
    world.run("ingest", "x", "to\tpic", "")
    _, err = world.run("ingest", "-v", "x", "t", stdin=b"".join(b"%d\n" % n for n in range(1000)))
    assert "accepted 1000 events" in err, err
    assert sub.ends_with(0) == b"t\t-y\nto\\tpic\t\n" + numbered(1000)
    pub.close()
    pub.ends_with(0)


@case("ingest for a name that nobody has exits with 3")
def _(world):
    world.start("pub", "-v", "x", "--now").says("registered at")
    _, err = world.run("ingest", "nobody", "t", "1", code=3)
    assert "'nobody'" in err, err
    world.run("ingest", "x", "t", "1", "--names", closed_port(), code=3)


@case("ingest into a stage that takes none is refused with 1 and the reason")
def _(world):
    world.start("relay", "-v", "y", "--from", "x").says("searching x")
    for arguments, stdin in [(["1"], b""), ([], b"1\n2\n")]:
        _, err = world.run("ingest", "y", "t", *arguments, code=1, stdin=stdin)
        assert "its own producers" in err, err


@case("ingest into a producer that does not answer exits with 4 in time")
def _(world):
    # The name service must go on.
    names = world.start("names", "--no-beacon")
    names.prints("tcp://")
    pub = world.start("pub", "-v", "x", "--now")
    pub.says("registered at")
    pub.signal(signal.SIGSTOP)
    start = time.monotonic()
    world.run("ingest", "x", "t", "1", "--timeout", "1", code=4)
    assert time.monotonic() - start < 10
    pub.signal(signal.SIGCONT)


if __name__ == "__main__":
    main()
