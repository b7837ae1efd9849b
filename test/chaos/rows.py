# SPDX-License-Identifier: Apache-2.0
"""The table: faults, and what is expected of each. A row's function plays the fault on a scene; what follows (recovery,
the end, the account) is the same for all.
"""
import dataclasses
import typing

from scene import HERE, NAMES_PORT

ROWS = {}


@dataclasses.dataclass
class Row:
    name: str
    text: str  # fault, and what is expected, for people
    play: typing.Callable
    may_lose: bool = False  # told, that is; nothing may ever be lost untold
    may_repeat: bool = False  # marked, that is
    must_tell: bool = False  # that something may be missing
    may_tell_too_much: bool = False  # counts of what is lost may be too high, but not too low


def row(text, **expected):
    def add(play):
        ROWS[play.__name__] = Row(play.__name__, text, play, **expected)
        return play
    return add


def through_a_proxy(scene, **options):
    """p -> proxy -> k"""
    made = scene.via("p")
    source = scene.source("p")
    scene.follower.wait("p-via")
    sink = scene.sink("k", **{"from": "p-via"} | options)
    scene.go()
    return made, source, sink


def direct(scene, **options):
    """p -> k, on two hosts"""
    source = scene.source("p")
    sink = scene.sink("k", **{"from": "p"} | options)
    scene.go()
    return source, sink


def next_connection(scene, made, seen):
    scene.until(f"connection {seen + 1}", lambda: made.accepted > seen)


# Links.

@row("links are reset at a random byte, either direction, five times: every event once")
def reset(scene):
    made, _, _ = through_a_proxy(scene)
    cut_at_random_bytes(scene, made, "reset")


@row("links are closed at a random byte, either direction, five times: every event once")
def close(scene):
    made, _, _ = through_a_proxy(scene)
    cut_at_random_bytes(scene, made, "close")


def cut_at_random_bytes(scene, made, how):
    for _ in range(5):
        cuts = made.cuts
        direction = scene.random.choice(["down", "down", "up"])
        # A subscription is some 200 bytes long, an accept 90: cuts fall into them as well.
        after = scene.random.choice([scene.random.randint(1, 600), scene.random.randint(1, 60_000)])
        if direction == "up":
            after = min(after, 1 + after % 600)
        scene.tell(f"{how} {direction} after {after} bytes")
        made.set(direction, cut_how=how, cut_after=after)
        scene.until("cut", lambda: made.cuts > cuts)
    made.heal()


@row("one end of a link is reset and the other hears nothing of it, each in turn: every event once")
def half_open(scene):
    made, _, _ = through_a_proxy(scene)
    for side in ("client", "server", "client"):
        seen = made.accepted
        scene.tell(f"half-open: the {side} is reset")
        made.half_open(side)
        next_connection(scene, made, seen)
        scene.flows()
    made.drop_half_open()


@row("a link passes nothing on in one direction, then in the other, then in both: every event once")
def stalled(scene):
    made, _, _ = through_a_proxy(scene)
    for direction in ("down", "up", "both"):
        made.set(direction, stalled=True)
        scene.pause(scene.seconds() / 2, f"stalled {direction}")
        made.heal()
        scene.flows()


@row("a link takes 20 to 300 ms in each direction, changing: every event once")
def slow(scene):
    made, _, _ = through_a_proxy(scene)
    for _ in range(3):
        made.set("both", delay=scene.random.uniform(0.02, 0.2), jitter=scene.random.uniform(0, 0.1))
        scene.pause(scene.seconds() / 2, "slow")
    made.heal()


@row("a link passes on 5 to 100 KB a second, less than what is given: every event once")
def throttled(scene):
    made, _, _ = through_a_proxy(scene)
    made.set("both", rate=scene.random.randint(5_000, 100_000))
    scene.pause(scene.seconds(), "throttled")
    made.heal()


@row("six processes, two sources, two relays, two sinks, and each link cut, one after the other, and restored in "
     "random order: every event once at either sink")
def swizzle(scene):
    scene.rate, scene.size = 500, 100  # a place without an identity is held within the buffer: no cut may last until that is full
    for source in ("a", "b"):
        scene.source(source)
    for relay, make in (("x", "pass"), ("y", "copy")):
        for source in ("a", "b"):
            scene.via(source, f"{source}-for-{relay}")
        scene.relay(relay, **{"from": f"a-for-{relay},b-for-{relay}", "make": make})
        scene.via(relay, f"{relay}-for-sink")
        scene.sink(f"{relay}-sink", **{"from": f"{relay}-for-sink"})
    ways = list(scene.proxies.values())
    scene.go()
    for _ in range(2):
        scene.random.shuffle(ways)
        for way in ways:
            how = scene.random.choice(["refused", "stalled"])
            scene.tell(f"{way.endpoint} {how}")
            if how == "refused":
                way.refuses = True
                way.cut()
            else:
                way.set("both", stalled=True)
            scene.pause(scene.seconds() / 10, "one more")
        scene.random.shuffle(ways)
        for way in ways:
            scene.tell(f"{way.endpoint} restored")
            way.heal()
            scene.pause(scene.seconds() / 10, "one back")
        scene.flows()


# TCP has a check sum, and the protocol has none of its own. So only that is corrupted which the protocol can notice:
# what a consumer sends, and of what it gets the heads of frames, and those of batches except for their positions.

def corrupt(scene, direction, spots, rounds=6):
    made, _, _ = through_a_proxy(scene)
    for _ in range(rounds):
        seen = len(made.corrupted)
        most = 2_000 if direction == "down" else scene.random.choice([70, 400])
        made.set(direction, corrupt_spots=spots, corrupt_after=scene.random.randrange(most))
        if scene.random.random() < 0.5:
            made.cut()  # then the head of a connection is in reach as well
        scene.until("corrupted", lambda: len(made.corrupted) > seen)
        scene.tell(made.corrupted[-1])
        scene.pause(scene.random.uniform(0, 0.1), "it works")
    made.heal()
    made.cut()


@row("a bit of what a consumer sends flips, six times: no phantom; what is lost is told",
     may_lose=True, may_tell_too_much=True)
def corrupt_up(scene):
    corrupt(scene, "up", None)


@row("a bit of a frame's length or flags flips on the way to a consumer, six times: no phantom; what is lost is told",
     may_lose=True, may_tell_too_much=True)
def corrupt_frame(scene):
    corrupt(scene, "down", ["frame flags", "frame length"])


@row("a bit of a batch's size, count or types flips on the way to a consumer, six times: no phantom; what is lost is "
     "told", may_lose=True, may_tell_too_much=True)
def corrupt_batch(scene):
    corrupt(scene, "down", ["type", "bytes", "count"])


# Partitions of hosts.

@row("the cable of the producer's host, and then of the consumer's, is pulled: every event once")
def partition(scene):
    direct(scene)
    for name in ("p", "k"):
        scene.hosts[name].plug(False)
        scene.pause(scene.seconds(), f"the cable of {name} is pulled")
        scene.hosts[name].plug(True)
        scene.flows()


def one_way(scene, of, to):
    scene.deaf(of, to, True)
    scene.pause(scene.seconds(), f"what {of} sends to {to} is lost")
    scene.deaf(of, to, False)


@row("what the producer's host sends does not reach the consumer's, but the other way round all is well: every event "
     "once")
def partition_down(scene):
    direct(scene)
    one_way(scene, "p", "k")


@row("what the consumer's host sends does not reach the producer's, but the other way round all is well: every event "
     "once")
def partition_up(scene):
    direct(scene)
    one_way(scene, "k", "p")


@row("neither stage reaches the name service, then they do again; then the link is cut as well: every event once")
def partition_names(scene):
    made, _, _ = through_a_proxy(scene)
    for name in ("p", "k"):
        scene.deaf(name, None, True)
    scene.pause(scene.seconds(), "nobody reaches the names")
    made.cut()
    scene.pause(scene.seconds(), "and their link was cut")
    for name in ("p", "k"):
        scene.deaf(name, None, False)


# Processes that stand still.

@row("SIGSTOP of the producer: every event once")
def stop_source(scene):
    source, _ = direct(scene)
    scene.stop_for(source, scene.seconds())


@row("SIGSTOP of the consumer: every event once")
def stop_sink(scene):
    _, sink = direct(scene)
    scene.stop_for(sink, scene.seconds())


@row("SIGSTOP of a relay: every event once")
def stop_relay(scene):
    relay, _ = relayed(scene)
    scene.stop_for(relay, scene.seconds())


@row("SIGSTOP of the name service, and the link is cut meanwhile: every event once")
def stop_names(scene):
    made, _, _ = through_a_proxy(scene)
    scene.names.stop()
    made.cut()
    scene.pause(scene.seconds(), "the names are stopped")
    scene.names.go_on()


def relayed(scene, relay=None, sink=None, **options):
    """p -> r -> k"""
    scene.source("p", **options)
    made = scene.relay("r", **{"from": "p"} | (relay or {}))
    end = scene.sink("k", **{"from": "r"} | (sink or {}))
    scene.go()
    return made, end


def safe(scene, make="pass"):
    """p -> r -> k, in which a relay acknowledges what the sink has handled, and nobody loses a place."""
    return relayed(scene, relay={"acknowledge": "downstream", "expect": "k", "make": make}, sink={"identity": "k"},
                   expect="r")


# Processes that are killed.

@row("kill -9 of the producer, and a successor: what was accepted and did not come is told, with an unknown count",
     may_lose=True, must_tell=True)
def kill_source(scene):
    source, _ = direct(scene)
    for _ in range(3):
        scene.pause(scene.seconds() / 4, "all is well")
        scene.kill(source)
        scene.again(source)
        scene.resume(source)


@row("kill -9 of a consumer that has an identity, and a successor, three times: nothing lost, repeats marked",
     may_repeat=True)
def kill_sink(scene):
    _, sink = direct(scene, identity="k")
    kill_and_start(scene, sink)


@row("the same, and the consumer keeps its positions in a file", may_repeat=True)
def kill_sink_positions(scene):
    _, sink = direct(scene, identity="k", positions=scene.directory / "k.positions")
    kill_and_start(scene, sink)


@row("the same, and the connection of the successor is cut at a random byte", may_repeat=True)
def kill_sink_and_cut(scene):
    made, _, sink = through_a_proxy(scene, identity="k")
    for _ in range(3):
        scene.kill(sink)
        made.set("down", cut_after=scene.random.randint(1, 20_000))
        scene.again(sink)
        scene.pause(scene.random.uniform(0, 0.3), "it works")
        made.heal()
        scene.flows()


def kill_and_start(scene, *those, rounds=3):
    for _ in range(rounds):
        scene.pause(scene.seconds() / 8, "all is well")
        for one in those:
            scene.kill(one)
        scene.pause(scene.random.choice([0, scene.seconds() / 4]), "nobody is there")
        for one in those:
            scene.again(one)
        scene.flows()


@row("kill -9 of a relay that acknowledges what is handled downstream, and a successor: nothing lost end to end, "
     "repeats dropped or marked", may_repeat=True)
def kill_relay(scene):
    relay, _ = safe(scene)
    kill_and_start(scene, relay)


@row("the same, of a relay that makes events of its own", may_repeat=True)
def kill_relay_copy(scene):
    relay, _ = safe(scene, "copy")
    kill_and_start(scene, relay)


@row("kill -9 of relay and consumer at once, and successors: nothing lost end to end, repeats dropped or marked",
     may_repeat=True)
def kill_relay_and_sink(scene):
    kill_and_start(scene, *safe(scene))


@row("kill -9 of producer and consumer at once, and successors; the consumer keeps its positions in a file: what did "
     "not come is told", may_lose=True, may_repeat=True, must_tell=True)
def kill_source_and_sink(scene):
    source, sink = direct(scene, identity="k", positions=scene.directory / "k.positions")
    for _ in range(2):
        scene.pause(scene.seconds() / 4, "all is well")
        scene.kill(source)
        scene.kill(sink)
        scene.again(source)
        scene.again(sink)
        scene.resume(source)


@row("a consumer is stopped, another one of its identity takes its place, and the first one goes on: it is told, and "
     "nothing is lost", may_repeat=True)
def two_of_one_identity(scene):
    _, sink = direct(scene, identity="k")
    first = sink.process
    scene.overlap = True
    first.stop()
    scene.again(sink)
    scene.flows()
    first.ended_on_purpose = True
    first.go_on()
    scene.until("the first one has ended", lambda: not first.alive())
    scene.tell(first.line("error"))


@row("a producer expects a consumer that is not there yet: it gets everything, once")
def late_sink(scene):
    source = scene.source("p", expect="k")
    source.process.say(f"go {scene.rate}")
    scene.pause(scene.seconds() / 4, "nobody is there")
    scene.sink("k", **{"from": "p", "identity": "k"})
    scene.flows(20)


@row("a producer leaves, and what its successor, which expects the consumer, answers first does not arrive: it gets "
     "everything", may_repeat=True)
def answer_lost(scene):
    made = scene.via("p")
    source = scene.source("p", expect="k")
    scene.follower.wait("p-via")
    scene.sink("k", **{"from": "p-via", "identity": "k"})
    scene.go()
    for _ in range(2):
        source.process.end()
        made.set("down", stalled=True)
        seen = made.accepted
        scene.again(source)
        source.process.say(f"go {scene.rate}")
        next_connection(scene, made, seen)
        scene.until("the consumer has given up and tries again", lambda: made.accepted > seen + 1)
        made.heal()
        scene.flows()


@row("source, relay and sink leave on SIGTERM and are started again, one after the other, twice, under load: nothing "
     "lost, repeats marked", may_repeat=True)
def rolling_drain(scene):
    relay, sink = safe(scene)
    source = scene.sources["p"]
    for _ in range(2):
        for one in (sink, relay, source):
            scene.pause(scene.seconds() / 8, "all is well")
            scene.tell(f"{one.process.what} leaves")
            one.process.end()
            scene.again(one)
            if one is source:
                source.process.say(f"go {scene.rate}")
            scene.flows()


@row("the disk of a consumer's positions is full, the consumer is killed meanwhile, the disk has room again, it is "
     "killed again: nothing lost, repeats marked", may_repeat=True)
def disk_full(scene):
    disk = scene.small_disk()
    _, sink = direct(scene, identity="k", positions=disk / "positions")
    scene.fill(disk)
    scene.pause(scene.seconds() / 2, "the disk is full")
    scene.kill(sink)
    scene.again(sink)
    scene.pause(scene.seconds() / 2, "the disk is still full")
    scene.free(disk)
    scene.flows()
    kill_and_start(scene, sink, rounds=1)


@row("all at random: relay and sink killed, stopped, drained, links cut, stalled, slow: nothing lost end to end, "
     "repeats dropped or marked", may_repeat=True)
def storm(scene):
    rage(scene, ["r"])


@row("the same with two relays, one behind the other, and a sink that keeps its positions in a file", may_repeat=True)
def storm_of_two_relays(scene):
    rage(scene, ["r", "s"], positions=scene.directory / "k.positions")


def rage(scene, relays, **sink):
    stages = ["p", *relays]
    takers = [*relays, "k"]
    ways = [scene.via(stage) for stage in stages]
    scene.source("p", expect=takers[0])
    those = [scene.relay(relay, **{"from": f"{before}-via", "acknowledge": "downstream", "expect": after,
                                   "make": scene.random.choice(["pass", "copy"])})
             for before, relay, after in zip(stages, relays, takers[1:])]
    those.append(scene.sink("k", **{"from": f"{relays[-1]}-via", "identity": "k"} | sink))
    scene.go()
    for _ in range(12):
        one, way = scene.random.choice(those), scene.random.choice(ways)
        what = scene.random.choice(["kill", "stop", "drain", "cut", "cut at", "stall", "slow", "refuse"])
        scene.tell(f"storm: {what}")
        if what == "kill":
            scene.kill(one)
            scene.again(one)
        elif what == "drain":
            one.process.end()
            scene.again(one)
        elif what == "stop":
            scene.stop_for(one, scene.seconds() / 4)
        elif what == "cut":
            way.cut(scene.random.choice(["reset", "close"]))
        elif what == "cut at":
            way.set("down", cut_after=scene.random.randint(1, 20_000))
        elif what == "stall":
            way.set(scene.random.choice(["up", "down", "both"]), stalled=True)
            scene.pause(scene.seconds() / 4, "stalled")
            way.heal()
        elif what == "slow":
            way.set("both", delay=scene.random.uniform(0, 0.1))
        elif what == "refuse":
            way.refuses = True
            way.cut()
            scene.pause(scene.seconds() / 4, "refused")
            way.heal()
        scene.pause(scene.random.choice([0, 0, 0.05, 0.3]), "it works")
    for way in ways:
        way.heal()


@row("kill -9 of the name service, and a successor at the same address; then the link is cut: every event once, and "
     "the names come back")
def kill_names(scene):
    source, sink = direct(scene)
    for _ in range(2):
        scene.names.kill()
        scene.flows()
        scene.start_names()
    scene.names_come_back("p")
    scene.hosts["k"].plug(False)
    scene.pause(scene.seconds() / 4, "the cable is pulled")
    scene.hosts["k"].plug(True)


@row("kill -9 of the process that hosts the names of its host: another one takes over, every event once, and the "
     "names come back")
def kill_names_host(scene):
    on_one_host = {"host": "all", "names": None}
    for number in (1, 2):
        scene.relay(f"host{number}", **on_one_host | {"from": "nobody"})
    scene.source("p", **on_one_host)
    scene.sink("k", **on_one_host | {"from": "p"})
    scene.go()
    for number in (1, 2):
        scene.kill(scene.relays.pop(f"host{number}"))
        scene.flows()
    scene.sink("late", **on_one_host | {"from": "p"})
    scene.until("a new consumer finds it", lambda: scene.sinks["late"].journal.count("s p connected") > 0)
    del scene.sinks["late"]


# Handlers and selections.

@row("a handler takes longer than its producer waits for a sign of life, and the link is cut: with an identity, every "
     "event once")
def slow_handler(scene):
    made, _, _ = slow(scene, scene.timing.liveness_ms * 1500)
    for _ in range(2):
        made.cut()
        scene.flows(3)


@row("a handler takes a twentieth of that, and the consumer is stopped: with an identity, every event once")
def slowed_handler(scene):
    _, _, sink = slow(scene, scene.timing.liveness_ms * 50)
    scene.stop_for(sink, scene.seconds())
    scene.flows()


def slow(scene, work_us):
    made = scene.via("p")
    source = scene.source("p", buffer_events=20)
    scene.follower.wait("p-via")
    sink = scene.sink("k", **{"from": "p-via", "demand": 4, "work_us": work_us, "identity": "k"})
    source.process.say("go 100")
    scene.flows(3)
    return made, source, sink


@row("three topics, four sinks with other selections, one behind a relay, and each link cut at a random byte: every "
     "event once where it is selected")
def topics(scene):
    direct_way, relay_way = scene.via("p"), scene.via("r")
    scene.source("p", topics=3)
    scene.follower.wait("p-via")
    scene.relay("r", **{"from": "p-via", "select": "made/0,made/2"})
    scene.follower.wait("r-via")
    scene.sink("all", **{"from": "p-via"})
    scene.sink("one", **{"from": "p-via", "select": "made/1"})
    scene.sink("two", **{"from": "p-via", "select": "made/1,made/2"})
    scene.sink("far", **{"from": "r-via", "select": "made/2"})
    scene.go()
    for made in (direct_way, relay_way):
        cut_at_random_bytes(scene, made, "reset")


# Descriptors.

@row("the producer's process has no descriptors left, because of strangers, and its consumer's link is cut: every "
     "event once")
def files_of_source(scene):
    made, source, _ = through_a_proxy(scene)
    source.process.limit_files(64)
    with scene.strangers(*made.target, 200):
        scene.flows()
        made.cut()
        scene.pause(scene.seconds(), "strangers have all descriptors")
    source.process.limit_files(None)


@row("the same, because of strangers on its own host, who come over ipc: every event once")
def files_of_source_over_ipc(scene):
    made, source, _ = through_a_proxy(scene)
    source.process.limit_files(64)
    with scene.strangers_of_host("p", 200):
        scene.flows()
        made.cut()
        scene.pause(scene.seconds(), "strangers have all descriptors")
    source.process.limit_files(None)


@row("the consumer's process has no descriptors left, and its link is cut: every event once")
def files_of_sink(scene):
    made, _, sink = through_a_proxy(scene)
    sink.process.limit_files(3)
    scene.flows()
    made.cut()
    scene.pause(scene.seconds(), "no descriptors")
    sink.process.limit_files(None)


@row("the name service has no descriptors left, because of strangers, and a link is cut: every event once")
def files_of_names(scene):
    made, _, _ = through_a_proxy(scene)
    scene.names.limit_files(48)
    with scene.strangers(HERE, NAMES_PORT, 200):
        made.cut()
        scene.pause(scene.seconds(), "strangers have all descriptors")
        scene.flows()
    scene.names.limit_files(None)


# Bounds.

@row("the buffer is full while the link is stalled, and drops the oldest: what is lost is told, and counted",
     may_lose=True, must_tell=True)
def full_keep_last(scene):
    full(scene, "keep_last")


@row("the buffer is full while the link is stalled, and drops the newest: what is lost is told, and counted",
     may_lose=True, must_tell=True)
def full_keep_first(scene):
    full(scene, "keep_first")


def full(scene, when_full):
    scene.only_full = True
    made = scene.via("p")
    scene.source("p", buffer_events=100, when_full=when_full)
    scene.follower.wait("p-via")
    scene.sink("k", **{"from": "p-via", "demand": 50, "liveness_ms": 20_000})
    scene.go()
    for _ in range(3):
        made.set("both", stalled=True)
        scene.pause(0.1 + scene.seconds() / 3, "stalled")
        made.heal()
        scene.flows()


@row("a consumer is away for longer than its place is held: what it missed is told", may_lose=True, must_tell=True)
def hold_is_over(scene):
    away_for_longer_than_its_place_is_held(scene, {}, {})


def away_for_longer_than_its_place_is_held(scene, of_source, of_sink):
    made = scene.via("p")
    scene.source("p", hold_ms=100, **of_source)
    scene.follower.wait("p-via")
    scene.sink("k", **{"from": "p-via"}, **of_sink)
    scene.go()
    for _ in range(2):
        made.refuses = True
        made.cut()
        scene.pause(0.4 + scene.seconds() / 3, "away")
        made.refuses = False
        scene.flows()


@row("the same of a consumer with an identity: what it missed is told", may_lose=True, must_tell=True)
def hold_is_over_for_identity(scene):
    away_for_longer_than_its_place_is_held(scene, {}, {"identity": "k"})


@row("the same, and what it missed is retained: nothing is lost, repeats marked", may_repeat=True)
def retained(scene):
    away_for_longer_than_its_place_is_held(scene, {"retain_bytes": 32 << 20}, {})


@row("a consumer is away and the room for what it misses is needed, and its next link breaks soon, too: that is told",
     may_lose=True, must_tell=True)
def place_given_up(scene):
    made = scene.via("p")
    scene.source("p", buffer_events=200)
    scene.follower.wait("p-via")
    scene.sink("k", **{"from": "p-via"})
    scene.go()
    for _ in range(2):
        made.refuses = True
        made.cut()
        scene.pause(0.4 + scene.seconds() / 3, "away")
        cuts = made.cuts
        # Somewhere near to where it is told of the gap.
        made.set("down", cut_after=scene.random.randint(200, 500))
        made.refuses = False
        scene.until("cut", lambda: made.cuts > cuts)
        made.refuses = True
        scene.pause(0.4 + scene.seconds() / 3, "away")
        made.refuses = False
        scene.flows()
