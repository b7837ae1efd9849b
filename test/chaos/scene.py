# SPDX-License-Identifier: Apache-2.0
"""What one trial of a row is played on: hosts, names, sources, relays, sinks, proxies, and the account at the end."""
import contextlib
import dataclasses
import json
import os
import pathlib
import random
import socket
import subprocess
import sys
import time

import follower
import journal
import oracle
import process
import proxy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import hosts  # noqa: E402

HERE = "10.77.0.254"  # the bridge itself: name service and proxies
NAMES_PORT = 5670
DOMAIN = "chaos"


@dataclasses.dataclass
class Timing:
    liveness_ms: int
    hold_ms: int
    fault: tuple  # seconds, from and to
    recovery: float  # seconds that everything may take to be well again
    quiet: float  # seconds at the end in which nothing more may come


SHORT = Timing(liveness_ms=200, hold_ms=20_000, fault=(0.1, 2.0), recovery=25, quiet=0.3)
LONG = Timing(liveness_ms=2000, hold_ms=300_000, fault=(1, 60), recovery=90, quiet=3)


class Source:
    def __init__(self, name):
        self.name = name
        self.lives = []  # labels
        self.process = None
        self.options = {}
        self.host = None

    def parts(self, life, count):
        """Of the first `count` events of a life: {label: how many}, a label for each topic."""
        topics = int(self.options.get("topics", 1))
        if topics == 1:
            return {life: count}
        return {f"{life}/{topic}": max(0, (count - topic + topics - 1) // topics) for topic in range(topics)}


class Taker:
    """A relay or a sink."""

    def __init__(self, name, role, path):
        self.name = name
        self.role = role
        self.journal = journal.Journal(path)
        self.process = None
        self.options = {}
        self.host = None

    def wants(self, label):
        """Of a source with several topics, each has a label that ends as the topic does."""
        select = self.options.get("select")
        return not select or any(label.endswith(topic.removeprefix("made")) for topic in select.split(","))

    def written(self):
        """What its present life has written into its journal: (events, counted as lost, gaps of unknown size)."""
        self.journal.update()
        lines = self.journal.lines
        began = max(number for number, line in enumerate(lines) if line == "b")
        words = [line.split(" ") for line in lines[began:]]
        gaps = [each[2] for each in words if each[0] == "g"]
        return (sum(each[0] == "e" for each in words), sum(int(count) for count in gaps if count != "unknown"),
                gaps.count("unknown"))


class Scene:
    def __init__(self, directory, peer, program, timing, seed):
        self.directory = pathlib.Path(directory)
        self.peer = peer
        self.program = program
        self.timing = timing
        self.random = random.Random(seed)
        # What is the same for all of a trial, and differs between trials.
        self.size = self.random.choice([0, 100, 100, 2000])  # letters in an event, at most
        self.demand = self.random.choice([0, 0, 10, 1000])  # of each subscription
        # Events a second of each source. So few at a time pass a busy proxy a few hundred times a second.
        self.rate = 500 if self.demand == 10 else self.random.choice([500, 2000, 2000, 4000])
        self.hosts = {}
        self.processes = []
        self.sources = {}
        self.relays = {}
        self.sinks = {}
        self.proxies = {}
        self.only_full = False  # nothing is lost but by a full buffer
        self.overlap = False  # two lives of a sink wrote to its journal at the same time
        self.names = None
        self.loop = None
        self.follower = None
        self.story = open(self.directory / "story", "w")
        self.began = time.monotonic()
        make_network()

    def tell(self, text):
        """For people, when something went wrong."""
        print(f"{time.monotonic() - self.began:8.3f} {text}", file=self.story, flush=True)

    def seconds(self):
        """How long a fault lasts this time."""
        return self.random.uniform(*self.timing.fault)

    def pause(self, seconds, why):
        self.tell(f"{why}: {seconds:.3f} s")
        time.sleep(seconds)

    def until(self, what, condition, progress=lambda: None):
        """Waits for the condition, for as long as what `progress` says goes on changing."""
        seconds = self.timing.recovery
        last, end = progress(), time.monotonic() + seconds
        while not condition():
            self.check_alive()
            if progress() != last:
                last, end = progress(), time.monotonic() + seconds
            if time.monotonic() > end:
                raise AssertionError(f"no progress within {seconds} s: {what}")
            time.sleep(0.01)
        self.tell(what)

    def until_reached(self, sink, source, position, what=""):
        label = source.lives[-1]
        # Positions of a source that is asked by its name, or through a proxy, are those of its events in its first life.
        names = (source.name, source.name + "-via") if len(source.lives) == 1 else ()
        direct = next((name for name in names if name == sink.options.get("from")), None)
        wanted = {part: count - 1 for part, count in source.parts(label, position + 1).items() if sink.wants(part)}
        told = position if len(wanted) == 1 and label in wanted else None

        def reached():
            return all(sink.journal.reached(part, last, told, direct) for part, last in wanted.items())
        self.until(f"{sink.name} has {label} {position}{what}", reached,
                   lambda: [sink.journal.highest.get(part) for part in wanted])

    def check_alive(self):
        for one in self.processes:
            if not one.ended_on_purpose and not one.alive():
                raise AssertionError(f"{one.what} ended by itself, with {one.process.returncode}")

    # Who plays.

    def host(self, key):
        if key not in self.hosts:
            self.hosts[key] = hosts.Host(len(self.hosts) + 1)
        return self.hosts[key]

    def start(self, host, what, *command):
        self.tell(f"start {what}: {' '.join(command)}")
        where = ["ip", "netns", "exec", host.name] if host else []
        one = process.Process(what, [*where, *command], self.directory / f"{what}.err")
        self.processes.append(one)
        return one

    def start_names(self):
        """A name service of its own, with a fixed address."""
        self.names = self.start(None, "names", self.program, "names", "--no-beacon", "--domain", DOMAIN, "--bind",
                                f"tcp://{HERE}:{NAMES_PORT}")
        self.names.line("tcp://")

    def start_peer(self, one, role, name, host, options):
        if self.names is None and "names" not in options:
            self.start_names()
        given = {"domain": DOMAIN, "names": f"tcp://{HERE}:{NAMES_PORT}", "liveness_ms": self.timing.liveness_ms,
                 "hold_ms": self.timing.hold_ms, "log": "info", **options}
        one.options, one.host = options, host
        one.process = self.start(self.host(host), name, self.peer, role, name,
                                 *[f"--{key}={value}" for key, value in given.items() if value is not None])

    def source(self, name, host=None, **options):
        source = self.sources.setdefault(name, Source(name))
        label = f"{name}.{len(source.lives) + 1}"
        source.lives.append(label)
        self.start_peer(source, "source", name, host or name, options | {
            "label": label, "size": self.size, "tally": self.directory / f"{label}.tally"})
        source.process.line("ready")
        return source

    def taker(self, group, role, name, host, options):
        if name not in group:
            group[name] = Taker(name, role, self.directory / f"{name}.journal")
        self.start_peer(group[name], role, name, host or name, {"demand": self.demand} | options | {
            "journal": group[name].journal.path})
        group[name].process.line("ready")
        return group[name]

    def relay(self, name, host=None, **options):
        return self.taker(self.relays, "relay", name, host, options)

    def sink(self, name, host=None, **options):
        return self.taker(self.sinks, "sink", name, host, options)

    def again(self, one):
        """Starts a successor of a source, relay or sink."""
        start = self.source if isinstance(one, Source) else self.relay if one.role == "relay" else self.sink
        options = {key: value for key, value in one.options.items() if key not in ("label", "size", "tally", "journal")}
        start(one.name, one.host, **options)

    def via(self, name, second=None):
        """A proxy before stage `name`, which then is to be had under the second name (NAME-via) too."""
        second = second or f"{name}-via"
        if self.names is None:
            self.start_names()
        if self.loop is None:
            self.loop = proxy.Loop()
            self.follower = follower.Follower(f"tcp://{HERE}:{NAMES_PORT}", DOMAIN)
        made = proxy.Proxy(self.loop, HERE, self.random.random())
        self.proxies[second] = made
        self.follower.follow(name, second, made)
        return made

    # What happens.

    def accepted(self, source):
        return journal.read_tally(self.directory / f"{source.lives[-1]}.tally")[1]

    def go(self, rate=None):
        """All sources begin, and all sinks have something of each."""
        for source in self.sources.values():
            source.process.say(f"go {self.rate if rate is None else rate}")
        self.flows(20)

    def flows(self, more=1):
        """Waits until every sink has what every source gives from now on."""
        wanted = [(source, self.accepted(source) + more) for source in self.sources.values()]
        for sink in self.sinks.values():
            for source, position in wanted:
                self.until_reached(sink, source, position)

    def kill(self, one):
        self.tell(f"kill -9 {one.process.what}")
        one.process.kill()

    def resume(self, source):
        """A successor begins when the sinks have found it."""
        source.process.ask(f"subscribers {len(self.sinks)}", "subscribed", self.timing.recovery + 5)
        source.process.say(f"go {self.rate}")
        self.flows()

    def deaf(self, of, to, lost):
        """What host `of` sends to host `to` (none: to the name service) is lost, or not any more."""
        address = HERE if to is None else f"10.77.0.{list(self.hosts).index(to) + 1}"
        nobody = ["lladdr", "02:00:00:00:00:99", "nud", "permanent"]
        where = ["-n", self.hosts[of].name, "neigh"]
        if lost:
            hosts.ip(*where, "replace", address, *nobody, "dev", "eth0")
        else:
            hosts.ip(*where, "del", address, "dev", "eth0")

    def names_come_back(self, *wanted):
        def all_there():
            listed = subprocess.run([self.program, "ls", "--json", "--domain", DOMAIN, "--names",
                                     f"tcp://{HERE}:{NAMES_PORT}"], capture_output=True, text=True, check=False)
            return listed.returncode == 0 and set(wanted) <= {one["name"] for one in json.loads(listed.stdout)}
        self.until(f"the names {', '.join(wanted)} are back", all_there)

    @contextlib.contextmanager
    def strangers(self, host, port, count):
        """Connections of those who say nothing."""
        self.tell(f"{count} strangers connect to {host}:{port}")
        made = []
        try:
            for _ in range(count):
                one = socket.socket()
                one.setblocking(False)
                one.connect_ex((host, port))
                made.append(one)
            yield
        finally:
            for one in made:
                one.close()
            self.tell("the strangers are gone")

    @contextlib.contextmanager
    def strangers_of_host(self, key, count):
        """The same over ipc: each socket that somebody listens at on this host gets so many."""
        self.tell(f"{count} strangers connect to each socket of host {key}")
        one = self.start(self.hosts[key], f"strangers-{key}", sys.executable,
                         str(pathlib.Path(__file__).with_name("strangers.py")), str(count))
        one.line("connected")
        try:
            yield
        finally:
            one.kill()
            self.tell("the strangers are gone")

    def small_disk(self):
        """64 KiB, for this trial's processes alone."""
        disk = self.directory / "disk"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=True)
        return disk

    def fill(self, disk):
        """Until nothing fits any more: neither bytes nor files."""
        self.tell("the disk is full")
        try:
            for number in range(10_000):
                (disk / f"filler{number}").write_bytes(bytes(1024))
        except OSError:
            pass

    def free(self, disk):
        for filler in disk.glob("filler*"):
            filler.unlink()
        self.tell("the disk has room again")

    def stop_for(self, one, seconds):
        one.process.stop()
        self.pause(seconds, f"{one.process.what} is stopped")
        one.process.go_on()

    def finish(self):
        """No more faults from here on: everything flows again, comes to an end, and stays quiet."""
        began = time.monotonic()
        self.flows()
        for source in self.sources.values():
            count = int(source.process.ask("stop", "stopped", self.timing.recovery).split()[1])
            self.tell(f"{source.lives[-1]} stopped at {count}")
            for sink in self.sinks.values():
                self.until_reached(sink, source, count - 1, ", the last")
        recovery = time.monotonic() - began
        self.pause(self.timing.quiet, "quiet")
        self.check_alive()
        self.compare_accounts()
        return recovery

    def compare_accounts(self):
        """What the stages count of themselves is what the tallies and journals say."""
        for source in self.sources.values():
            told = source.process.ask("stats", "stats").split()
            if int(told[2]) != self.accepted(source):
                raise AssertionError(f"{source.name} counts {told[2]} ingested, and {self.accepted(source)} were")
            dropped = int(told[6])
            if len(source.lives) == 1 and len(self.sinks) == 1 and not self.relays:
                # What had arrived and was not acknowledged when a place was given up counts as dropped, and is not told.
                lost = next(iter(self.sinks.values())).written()[1]
                if dropped < lost or (self.only_full and dropped > lost):
                    raise AssertionError(f"{source.name} counts {dropped} dropped; its only sink was told of {lost}")
        for sink in self.sinks.values():
            told = sink.process.ask("stats", "stats").split()
            counted = tuple(int(told[place]) for place in (2, 4, 6))
            if not self.overlap and counted != sink.written():
                raise AssertionError(f"{sink.name} counts {counted} received, lost, unknown; its journal has "
                                     f"{sink.written()}")

    def accounts(self):
        accounts = {}
        for source in self.sources.values():
            for label in source.lives:
                offered, accepted = journal.read_tally(self.directory / f"{label}.tally")
                most = source.parts(label, offered)
                for part, count in source.parts(label, accepted).items():
                    accounts[part] = oracle.Account(count, most[part])
        return accounts

    def judge(self):
        total = oracle.Verdict()
        for sink in self.sinks.values():
            sink.journal.update()
            for relay in self.relays.values():
                relay.journal.update()
            accounts = {label: account for label, account in self.accounts().items() if sink.wants(label)}
            verdict = oracle.judge(accounts, sink.journal.lines,
                                   [relay.journal.lines for relay in self.relays.values()], self.overlap)
            verdict.notes = [f"{sink.name}: {note}" for note in verdict.notes]
            total.add(verdict)
        for relay in self.relays.values():
            total.add(oracle.judge_order(self.accounts(), relay.journal.lines, relay.name))
        return total

    def close(self):
        for one in self.processes:
            if one.alive():
                one.kill()
        for made in self.proxies.values():
            for text in made.corrupted:
                self.tell(f"corrupted {text}")


def make_network():
    """In a network and a mount namespace of this trial alone."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    os.makedirs("/run/netns")
    hosts.ip("link", "set", "lo", "up")
    hosts.ip("link", "add", "bridge", "type", "bridge", "forward_delay", "0")
    hosts.ip("addr", "add", f"{HERE}/24", "dev", "bridge")
    hosts.ip("link", "set", "bridge", "up")
