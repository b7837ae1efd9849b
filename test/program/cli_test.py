#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program `galena`, as its users run it. usage: GALENA_PROGRAM=... cli_test.py [WORD OF A CLAIM...]"""
import base64
import fcntl
import hashlib
import json
import os
import re
import select
import signal
import socket
import termios
import time

from harness import DEADLINE, case, main

COMMANDS = ["names", "ls", "pub", "sub", "topics", "relay", "ingest"]


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
        (["ls", "--names", "tcp://a:99999"], "from 1 to 65535"),
        (["ls", "--names", "tcp://a:0"], "from 1 to 65535"),
        (["names", "--bind", "tcp://127.0.0.1:99999"], "from 1 to 65535"),
        (["sub", "x", "--count", "-1"], "--count"),
        (["sub", "x", "--count", "1.5"], "--count"),
        (["sub", "x", "--count", "1e30"], "--count"),
        (["sub", "x", "--timeout", "nan"], "--timeout"),
        (["sub", "x", "--timeout", "-1"], "--timeout"),
        (["sub", "x", "--timeout", "inf"], "--timeout"),
        (["sub", "x", "--patience", "3601"], "--patience"),
        (["sub", "x", "--identity", ""], "--identity"),
        (["sub", "x", "--delimiter", "|"], "--raw"),
        (["sub", "x", "--raw", "--timestamps"], "excludes"),
        (["sub", "x", "--raw", "--topics-only"], "excludes"),
        (["sub", "x", "a\\x4"], "backslash"),
        (["pub", ""], "NAME"),
        (["pub", "x", "--rate", "inf"], "--rate"),
        (["pub", "x", "--hold", "-1"], "--hold"),
        (["pub", "x", "--expect", ""], "--expect"),
        (["pub", "x", "--wait", "0"], "--wait"),
        (["pub", "x", "--retain", "100GB"], "--buffer"),
        (["pub", "x", "--retain", "-1"], "--buffer"),
        (["pub", "x", "--buffer", "10"], "--buffer"),
        (["pub", "x", "--text", "--raw"], "excludes"),
        (["pub", "x", "--raw", "--json"], "excludes"),
        (["pub", "x", "--delimiter", "|"], "--raw"),
        (["topics", "x", "--interval", "0"], "--interval"),
        (["topics"], "NAMES is required"),
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


@case("a line that is too large is refused with its number, the others go on, and pub exits with 5")
def _(world):
    sub = world.sub("x", "--count", "3")
    lines = [b"a\t1", b"a\t" + b"x" * (17 << 20), b"a\t2", b"a\t" + b"x" * (65 << 20), b"a\t3"]
    _, err = world.run("pub", "x", stdin=b"\n".join(lines), code=5)
    assert "line 2: an event of 17825792 bytes" in err and "line 4 is longer than 64 MiB" in err, err
    assert sub.ends_with(0) == b"a\t1\na\t2\na\t3\n"
    sub = world.sub("y", "--count", "1")
    _, err = world.run("pub", "y", stdin=b"a\t1\n" + b"x" * (65 << 20), code=5)
    assert "line 2 is longer" in err, err
    assert sub.ends_with(0) == b"a\t1\n"


@case("pub --buffer takes larger events")
def _(world):
    sub = world.sub("x", "--count", "1", "--raw")
    world.run("pub", "x", "--topic", "t", "--buffer", "256MB", stdin=b"x" * (40 << 20))
    assert sub.ends_with(0) == b"x" * (40 << 20)


@case("input that cannot be read ends pub with 1")
def _(world):
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
    # What it left is there for the next one.
    rest = world.sub("x,y", "--count", "50", "--stats")
    more = lines_of(rest.ends_with(0))
    assert sorted(lines + more) == sorted(lines_of(numbered(100, "x") + numbered(100, "y")))
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
    (stream,) = {event["stream"] for event in got}
    assert len(stream) == 32, stream
    where = {"producer": "x", "stream": stream}
    assert got == [
        {"topic": "t/1", "message": 'say "hi"\\\x01', "encoding": "raw", **where, "position": 0},
        {"topic": "t", "message_base64": "//4=", "encoding": "raw", **where, "position": 1},
        {"topic_base64": "/w==", "message": "ä", "encoding": "raw", **where, "position": 2},
    ], got


EVERY_BYTE = bytes(range(256))
ODD_EVENTS = [(EVERY_BYTE, EVERY_BYTE * 3), (b"", b""), (b"t", b"a\\tb\\\\x41\\x41\\"), (b"\n", b"\n"), (b"\0", b"\0\0\n"),
              ("ä".encode(), b"\xff\x1b[2J\x7f\xc2\x9b")]


def as_json(topic, message):
    return json.dumps({"topic_base64": base64.b64encode(topic).decode(),
                       "message_base64": base64.b64encode(message).decode()}).encode() + b"\n"


def bytes_of(event, key):
    return event[key].encode() if key in event else base64.b64decode(event[key + "_base64"])


@case("what sub prints, pub reads: every byte of topics and messages comes through, as text, --json and --null")
def _(world):
    data = b"".join(as_json(*event) for event in ODD_EVENTS)
    count = ["--count", len(ODD_EVENTS)]
    for mode in [[], ["--null"], ["--json"], ["--json", "--null"]]:
        end = world.sub("b", "--json", *count)
        pipe = os.pipe()
        printer = world.sub("a", *mode, *count, stdout=pipe[1])
        reader = world.start("pub", "b", *mode, stdin=pipe[0])
        for each in pipe:
            os.close(each)
        world.run("pub", "a", "--json", stdin=data)
        got = [json.loads(line) for line in lines_of(end.ends_with(0))]
        assert [(bytes_of(e, "topic"), bytes_of(e, "message")) for e in got] == ODD_EVENTS, (mode, got)
        printer.ends_with(0)
        reader.ends_with(0)


@case("a packed message goes through sub --json and pub --json and stays the same bytes")
def _(world):
    payloads = [b"\x82\xa1b\x01\xa1a\x93\xcb\x3f\xf8\0\0\0\0\0\0\xc0\xc3", b"\xca\x3d\xcc\xcc\xcd", b"\xd9\x02hi", b"\x82\xa1a\x01\xa1a\x02",
                b"\x81\x91\x01\x02", b"\xc1", b""]
    data = b"".join(json.dumps({"topic": "t", "message_base64": base64.b64encode(p).decode(), "encoding": "msgpack"}).encode() + b"\n" for p in payloads)
    end = world.sub("b", "--raw", "--delimiter", "\\n--\\n", "--count", len(payloads))
    pipe = os.pipe()
    printer = world.sub("a", "--json", "--count", len(payloads), stdout=pipe[1])
    reader = world.start("pub", "b", "--json", stdin=pipe[0])
    for each in pipe:
        os.close(each)
    world.run("pub", "a", "--json", stdin=data)
    assert end.ends_with(0) == b"".join(p + b"\n--\n" for p in payloads)
    printer.ends_with(0)
    reader.ends_with(0)


@case("pub reads escapes in lines with a topic, bytes with --raw or --topic, and what any delimiter ends")
def _(world):
    for arguments, data, expected in [
        ([], b"a\\tb\tc\\nd\\x00\\q\n", ("a\tb", "c\nd\0\\q")),
        (["--raw"], b"a\\tb\tc\\nd\n", ("a\\tb", "c\\nd")),
        (["--topic", "t"], b"a\\tb\n", ("t", "a\\tb")),
        (["--topic", "t", "--text"], b"a\\tb\n", ("t", "a\tb")),
        (["--topic", "t", "--null"], b"a\nb\0", ("t", "a\nb")),
        (["--null"], b"t\ta\nb\\x00\0", ("t", "a\nb\0")),
        (["--topic", "t", "--delimiter", "\\r\\n"], b"a\nb\rc\r\n", ("t", "a\nb\rc")),
        (["--raw", "--delimiter", "--"], b"t\ta-\n--", ("t", "a-\n")),
    ]:
        sub = world.sub("x", "--json", "--count", "1")
        world.run("pub", "x", *arguments, stdin=data)
        event = json.loads(sub.ends_with(0))
        assert (event["topic"], event["message"]) == expected, (arguments, event)
    _, err = world.run("pub", "x", "--json", "--now", code=1, stdin=b"not json\n")
    assert "line 1 is no JSON object" in err, err


@case("a topic of any byte can be typed at sub, and a star that is none is hinted at")
def _(world):
    sub = world.sub("x", "a\\x00b", "--count", "1")
    world.run("pub", "x", stdin=b"a\\x00b\tyes\na\tno\n")
    assert sub.ends_with(0) == b"a\0b\tyes\n"
    sub = world.sub("x", "cpu/*/temp", "a.>", "cpu/*", "--count", "1")
    sub.says("'cpu/\\*/temp' is taken literally")
    sub.says("'a.>' is taken literally")
    world.run("pub", "x", stdin=b"cpu/0/temp/x\t1\n")
    assert sub.ends_with(0) == b"cpu/0/temp/x\t1\n"
    assert "'cpu/*' is" not in sub.err.text()


@case("sub --timestamps, --topics-only, --null and --delimiter")
def _(world):
    subs = [(world.sub("x", *arguments, "--count", "2"), expected) for arguments, expected in [
        (["--topics-only"], rb"a\nb\n"),
        (["--timestamps"], rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\t[ab]\t\d\n){2}"),
        (["--timestamps", "--topics-only"], rb"([-\dT:.]+Z\t[ab]\n){2}"),
        (["--null"], rb"a\t1\0b\t2\0"),
        (["--raw", "--delimiter", "\\x01|"], rb"1\x01\|2\x01\|"),
        (["--raw", "--null"], rb"1\x002\x00"),
        (["--json", "--topics-only", "--timestamps"], rb'(\{"time":"[^"]*Z","topic":"[ab]","producer":"x",[^\n]*\}\n){2}'),
    ]]
    world.run("pub", "x", stdin=b"a\t1\nb\t2\n")
    for sub, expected in subs:
        got = sub.ends_with(0)
        assert re.fullmatch(expected, got), (sub.what, got)


@case("on a terminal, sub shows control characters instead of sending them; elsewhere it changes nothing")
def _(world):
    master, terminal = os.openpty()
    shown = world.sub("x", "--count", "1", stdout=terminal)
    as_object = world.sub("x", "--json", "--count", "1", stdout=terminal)
    piped = world.sub("x", "--count", "1")
    os.close(terminal)
    world.run("pub", "x", "--raw", stdin=b"t\t\x1b]0;owned\x07\xc2\x9b2J\x7f\n")
    assert piped.ends_with(0) == b"t\t\x1b]0;owned\x07\xc2\x9b2J\x7f\n"
    shown.exit_code()
    as_object.exit_code()
    got = os.read(master, 10000)
    os.close(master)
    assert not set(got) & (set(range(32)) - {10, 13, 9} | {127}) and b"\xc2\x9b" not in got, got
    assert rb"\x1b]0;owned\x07\xc2\x9b2J\x7f" in got and rb"\u001b]0;owned\u0007\u009b2J\u007f" in got, got


@case("names and reasons of others do not command the terminal: messages, logs and tables show control characters")
def _(world):
    name = "evil\x1b[2J"
    pub = world.start("pub", name, "--now", "-v")
    pub.says("registered at")
    out = world.run("ls")[0] + world.run("ls", "--stats")[0]
    assert "\x1b" not in out and r"evil\x1b[2J" in out, out
    sub = world.start("sub", "nobody\x1b[2J")
    sub.says(r"nobody\\x1b\[2J")
    assert b"\x1b" not in sub.err.bytes() + pub.err.bytes()


@case("sub ends quietly with 0 when its reader has had enough, whether events come or not")
def _(world):
    for more in [b"t\t2\n", b""]:
        sub = world.sub("x", read_output=False)
        pub = world.start("pub", "x")
        pub.write(b"t\t1\n")
        assert os.read(sub.stdout.fileno(), 100) == b"t\t1\n"
        sub.stdout.close()
        pub.write(more)
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


# Waiting


@case("pub --wait bounds the wait for the first subscriber, with 4")
def _(world):
    pub = world.start("pub", "x", "--wait", "0.5")
    pub.write(b"t\t1\n")
    pub.ends_with(4)
    assert "no subscriber came for 'x'" in pub.err.text(), pub.err.text()


@case("pub --wait bounds the wait at the end, with 4 and the number that nobody took")
def _(world):
    _, err = world.run("pub", "x", "--now", "--wait", "0.5", stdin=numbered(7), code=4)
    assert "7 events nobody took" in err, err


@case("pub --wait bounds the wait for room, with 4; without it a signal ends that wait at once")
def _(world):
    for arguments, code in [(["--wait", "0.5"], 4), ([], 5)]:
        pub = world.start("pub", "x", "--now", "--topic", "t", "--buffer", "1MB", *arguments)
        pub.feed_aside((b"x" * 1000 + b"\n") * 5000)
        if code == 5:
            pub.says("'x' waits for a subscriber")
            pub.signal(signal.SIGTERM)
        pub.ends_with(code)
        assert "events nobody took" in pub.err.text() and "had been read and not published" in pub.err.text()


@case("pub --timeout ends it: with 4 if the count was not reached, else with 0")
def _(world):
    for arguments, code in [(["--count", "2"], 4), ([], 0)]:
        sub = world.sub("x", "--count", "1")
        pub = world.start("pub", "x", "--timeout", "3", *arguments)
        pub.write(b"t\t1\n")
        assert sub.ends_with(0) == b"t\t1\n"
        pub.ends_with(code)
        assert ("after 1 of 2 lines" in pub.err.text()) == (code == 4)


@case("pub whose last subscriber has left says that it waits for another one, who gets the rest")
def _(world):
    first = world.sub("x", "--count", "3")
    pub = world.start("pub", "x", "--topic", "t", "--rate", "50")
    pub.feed(b"".join(b"%d\n" % n for n in range(60)))
    first.ends_with(0)
    pub.says("'x' waits for a subscriber: [0-9]+ events are not taken by anybody yet")
    world.start("sub", "x")
    assert pub.exit_code() in (0, 5)


@case("pub names the subscriber that it waits for, once, and how much is held for it")
def _(world):
    sub = world.sub("x")
    pub = world.start("pub", "x", "--topic", "t", "--buffer", "1MB")
    pub.write(b"first\n")
    sub.prints("t\tfirst\n")
    sub.signal(signal.SIGSTOP)
    pub.feed_aside((b"x" * 1000 + b"\n") * 5000)
    pub.says(f"'x' waits for sub, process {sub.pid} on .*, for which it holds [0-9]+ events \\([0-9]+ in flight\\)")
    sub.signal(signal.SIGCONT)
    pub.ends_with(0)
    assert pub.err.text().count("waits for") == 1, pub.err.text()


@case("with --patience 0, producers go on without a sub whose reader does not read, and count what it misses")
def _(world):
    count = 40_000  # 40 MB: more than all buffers on the way to the one that is stuck
    lines = b"".join(b"t\t%06d%s\n" % (n, b"x" * 1000) for n in range(count))
    stuck = world.sub("x", "--patience", "0", read_output=False)
    other = world.sub("x")
    pub = world.start("pub", "x", "--buffer", "1MB", "--hold", "0", "--subscribers", "2", "--stats")
    pub.feed_aside(lines)
    pub.says(f"'x' waits for sub, process {stuck.pid} on ")
    pub.ends_with(5)
    pub.says("^galena: x: dropped [0-9]+ of topic 't': silent$")
    other.signal(signal.SIGTERM)
    assert other.ends_with(0) == lines


@case("relay names the subscriber that it waits for")
def _(world):
    relay = world.start("relay", "-v", "y", "--from", "x", "--buffer", "1MB")
    relay.says("searching x")
    sub = world.sub("y")
    relay.says("subscribed: consumer")
    pub = world.start("pub", "x", "--topic", "t")
    pub.write(b"first\n")
    sub.prints("t\tfirst\n")
    sub.signal(signal.SIGSTOP)
    pub.feed_aside((b"x" * 1000 + b"\n") * 5000)
    relay.says(f"'y' waits for sub, process {sub.pid} on .*, for which it holds [0-9]+ events")
    sub.signal(signal.SIGCONT)
    pub.ends_with(0)


# Signals and closed descriptors


@case("SIGHUP drains as SIGTERM does, but not if it was ignored from the start")
def _(world):
    sub, pub = world.sub("x"), world.start("pub", "x")
    pub.write(numbered(100))
    sub.prints("t\t99\n")
    pub.signal(signal.SIGHUP)
    pub.ends_with(0)
    sub.says("its stream has ended")
    sub.signal(signal.SIGHUP)
    assert sub.ends_with(0) == numbered(100)
    nohup = world.sub("y", "--count", "1", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    nohup.signal(signal.SIGHUP)
    world.run("pub", "y", stdin=b"t\t1\n")
    assert nohup.ends_with(0) == b"t\t1\n"


@case("two signals at once are one, as `timeout` sends them")
def _(world):
    sub, pub = world.sub("x"), world.start("pub", "x")
    pub.write(b"t\t1\n")
    sub.prints("t\t1\n")
    for process in [sub, pub]:
        process.signal(signal.SIGTERM)
        process.signal(signal.SIGTERM)
        process.signal(signal.SIGINT)
        process.ends_with(0)


@case("a second signal that comes later ends a drain at once")
def _(world):
    pub = world.start("pub", "x", "--now", "-v")
    pub.says("registered at")
    pub.write(numbered(7))
    end = time.monotonic() + DEADLINE
    while json.loads(world.run("ls", "--json", "--stats")[0])[0]["stats"]["ingested"] < 7:
        assert time.monotonic() < end
    pub.signal(signal.SIGTERM)
    time.sleep(0.3)  # what is tried is the time between the two
    pub.signal(signal.SIGTERM)
    assert pub.exit_code() == -signal.SIGTERM


@case("closed input is the end of input, closed output an error, and closed stderr is no matter")
def _(world):
    closing = lambda *which: lambda: [os.close(fd) for fd in which]
    pub = world.start("pub", "x", "--topic", "t", "--now", preexec_fn=closing(0))
    pub.ends_with(0)
    for command in [["sub", "x"], ["ls"], ["names"], ["topics", "x"]]:
        process = world.start(*command, preexec_fn=closing(1))
        process.ends_with(1)
        assert "standard output is closed" in process.err.text(), process.err.text()
    world.start("sub", "x", "--count", "1", preexec_fn=closing(0, 1, 2)).ends_with(1)
    sub = world.start("sub", "x", "--count", "1", preexec_fn=closing(0, 2))
    world.run("pub", "x", stdin=b"t\t1\n")
    assert sub.ends_with(0) == b"t\t1\n"


@case("help that cannot be written is an error")
def _(world):
    for how in ["--help", "--version"]:
        full = os.open("/dev/full", os.O_WRONLY)
        process = world.start(how, stdout=full)
        os.close(full)
        process.ends_with(1)


# When something goes wrong


@case("sub whose producer is killed exits with 5 on a signal, and says that an unknown number is lost")
def _(world):
    sub, pub = world.sub("x", "--stats"), world.start("pub", "x")
    pub.write(b"t\t1\n")
    sub.prints("t\t1\n")
    pub.signal(signal.SIGKILL)
    sub.says("'x' is gone")
    sub.signal(signal.SIGTERM)
    sub.ends_with(5)
    assert "received 1, lost 0 and an unknown number of 'x', which is lost" in sub.err.text(), sub.err.text()


@case("relay and topics whose producer is killed exit with 5 as well")
def _(world):
    relay = world.start("relay", "-v", "y", "--from", "x")
    relay.says("searching x")
    sub, topics, pub = world.sub("x"), world.start("topics", "x", "-v"), world.start("pub", "x")
    pub.write(b"t\t1\n")
    sub.prints("t\t1\n")
    for process in [relay, topics]:
        process.says("connected x")
    pub.signal(signal.SIGKILL)
    for process in [relay, topics]:
        process.says("'x' is gone")
        process.signal(signal.SIGTERM)
        process.ends_with(5)


@case("a lost producer whose successor is found is told as a gap, and counted once")
def _(world):
    sub, pub = world.sub("x", "--stats"), world.start("pub", "x")
    pub.write(b"t\t1\n")
    sub.prints("t\t1\n")
    pub.signal(signal.SIGKILL)
    sub.says("'x' is gone")
    world.run("pub", "x", stdin=b"t\t2\n")
    sub.prints("t\t2\n")
    sub.says("has ended its stream")
    sub.signal(signal.SIGTERM)
    sub.ends_with(5)
    assert "received 2, lost 0 and an unknown number in 1 gap\n" in sub.err.text(), sub.err.text()


@case("a name that somebody has is refused with 1 and who holds it; when the holder dies it is free at once")
def _(world):
    holder = world.start("pub", "-v", "x")
    holder.says("registered at")
    _, err = world.run("pub", "x", "--topic", "t", code=1, stdin=b"1\n")
    assert str(holder.pid) in err and "x" in err, err
    holder.signal(signal.SIGKILL)
    assert holder.exit_code() == -signal.SIGKILL
    sub = world.start("sub", "x", "--count", "1")
    world.run("pub", "x", "--topic", "t", stdin=b"1\n")  # which tries for less than a lease
    assert sub.ends_with(0) == b"t\t1\n"


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
    pub.signal(signal.SIGTERM)
    pub.ends_with(5)
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


# topics


@case("topics counts the events of each topic, and prints a last table at its end")
def _(world):
    topics = world.start("topics", "x", "-v", "--interval", "0.1")
    topics.says("searching x")
    pub = world.start("pub", "x")
    pub.write(b"a\t1\nb\\tc\t22\na\t333\n")
    topics.prints(r"x +2 +[0-9.]+ +4 +a\nx +1 +[0-9.]+ +2 +b\\tc\n")
    pub.close()
    pub.ends_with(0)
    topics.says("has ended its stream")
    topics.signal(signal.SIGTERM)
    last = lines_of(topics.ends_with(0).rstrip(b"\n").rpartition(b"\n\n")[2])
    assert last[0].split() == ["PRODUCER", "EVENTS", "EVENTS/S", "BYTES", "TOPIC"], last
    assert [row.split()[0::4] + row.split()[1:2] for row in last[1:]] == [["x", "a", "2"], ["x", r"b\tc", "1"]], last


@case("topics --json prints an array a line; --timeout ends it with 0, a reader that has gone as well")
def _(world):
    topics = world.start("topics", "x", "a*", "--json", "--timeout", "4", "--interval", "10", "-v")
    topics.says("searching x")
    gone = world.start("topics", "x", "--interval", "0.1", read_output=False)
    gone.stdout.close()
    assert gone.exit_code() == 0
    world.run("pub", "x", stdin=b"a\t1\nb\t2\na\xff\t3\n")
    (line,) = lines_of(topics.ends_with(0))
    rows = json.loads(line)
    assert [(row.get("topic", row.get("topic_base64")), row["events"], row["bytes"]) for row in rows] == [
        ("a", 1, 1), ("Yf8=", 1, 1)], rows
    assert all(row["producer"] == "x" and row["events_per_s"] >= 0 for row in rows), rows


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


@case("ingest takes lines of 15 MiB; one that is larger is refused with its number, the others go on, and it exits with 5")
def _(world):
    pub = world.start("pub", "-v", "x", "--now")
    pub.says("registered at")
    sub = world.start("sub", "x", "--raw", "--delimiter", "\\n", "--count", "3")
    lines = [b"1", b"x" * (15 << 20), b"x" * (17 << 20), b"2"]
    _, err = world.run("ingest", "x", "t", stdin=b"\n".join(lines), code=5)
    assert "line 3: an event of 17825792 bytes is too large" in err, err
    assert sub.ends_with(0) == b"\n".join([lines[0], lines[1], lines[3]]) + b"\n"
    pub.close()
    pub.ends_with(0)


@case("a signal ends an ingest that waits for an answer: 5, and how many were not answered, or not sent")
def _(world):
    names = world.start("names", "--no-beacon")
    names.prints("tcp://")
    pub = world.start("pub", "-v", "x", "--now")
    pub.says("registered at")
    pub.signal(signal.SIGSTOP)
    ingest = world.start("ingest", "x", "t", "--timeout", "100")
    ingest.write(numbered(3))
    end, unread = time.monotonic() + DEADLINE, bytearray(b"1234")
    while any(unread):
        assert time.monotonic() < end
        fcntl.ioctl(ingest.stdin, termios.FIONREAD, unread)
    ingest.signal(signal.SIGTERM)
    ingest.ends_with(5)
    pub.signal(signal.SIGCONT)
    said = ingest.err.text()
    unanswered = re.findall("'x' has not answered for ([0-9]+) event|([0-9]+) lines? of the input had been read and not sent", said)
    assert sum(int(answer or line) for answer, line in unanswered) == 3, said


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
    world.run("ingest", "x", "t", "1", "--timeout", "1", code=4)
    pub.signal(signal.SIGCONT)


if __name__ == "__main__":
    main()
