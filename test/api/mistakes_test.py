#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the compiler says to mistakes: its first error must be our sentence. And each public header compiles alone.

usage: mistakes_test.py REPOSITORY
"""
import concurrent.futures
import itertools
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(sys.argv[1])
FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{ROOT}/lib"]
COMPILERS = [name for name in ("g++", "clang++-14") if shutil.which(name)]

START = """
#include <functional>
#include <galena/galena.hpp>
using namespace galena;
using Text = std::string_view;
"""
# A source's first line says which one it begins with.
PRELUDES = {"raw": START, "packed": "#include <galena/msgpack.hpp>\n#include <chrono>\n" + START}
RAW, PACKED = "// raw\n", "// packed\n"
CONSUMER = "void f(Node& node) { Consumer c{node, H{}, {.subscriptions = {{global(\"p\")}}}}; }"
RELAY = "void f(Node& node) { ProducerConsumer c{node, H{}, {.subscriptions = {{global(\"p\")}}}}; }"
PRODUCER = "void f(Node& node) { Producer p{node, H{}}; p.ingest(1); }"

NO_CODEC = "has no galena::Codec: include <galena/msgpack.hpp>, and write MSGPACK_DEFINE(its members) in the struct"
NO_NODE = "give the Node a variable: a temporary one cannot be run or stopped"
CHANGED = "a handler takes its topic and its message by value or as const&"
OVERLOADED = "the handler's method is private, or overloaded"

# title -> (source, what the first error must say)
WRONG = {
    "a consumer is given a handler with handle_produce alone": (
        RAW + "struct H { Event handle_produce(Text, Text) { return {\"t\", \"m\"}; } };" + CONSUMER,
        "a Consumer calls handle_consume, and this handler has only handle_produce"),
    "a relay is given a handler with handle_consume alone": (
        RAW + "struct H { void handle_consume(Text, Text) {} };" + RELAY,
        "a ProducerConsumer calls handle_produce, and this handler has only handle_consume"),
    "a producer is given a handler with handle_consume alone": (
        RAW + "struct H { void handle_consume(int) {} };" + PRODUCER,
        "a Producer calls handle_produce, and this handler has only handle_consume"),
    "a consumer's handler returns something": (
        RAW + "struct H { Event handle_consume(Text, Text) { return {\"t\", \"m\"}; } };" + CONSUMER,
        "a Consumer does nothing with what its handler returns"),
    "a consumer's lambda returns something": (
        RAW + "void f(Node& node) { Consumer c{node, [](Text, Text) { return 1; }, {}}; }",
        "a Consumer does nothing with what its handler returns"),
    "a consumer's handler takes something else": (
        RAW + "struct H { void handle_consume(int) {} };" + CONSUMER,
        "a consumer's handler needs handle_consume(std::string_view topic, message)"),
    "a consumer's handler is private": (
        RAW + "class H { void handle_consume(Text, Text) {} };" + CONSUMER,
        OVERLOADED),
    "a relay's handler takes something else": (
        RAW + "struct H { Event handle_produce(int) { return {\"t\", \"m\"}; } };" + RELAY,
        "a producer-consumer's handler needs handle_produce(std::string_view topic, message)"),
    "a typed message is consumed without galena/msgpack.hpp": (
        RAW + "struct R { int n; }; struct H { void handle_consume(Text, R) {} };" + CONSUMER, NO_CODEC),
    "a typed message is ingested without galena/msgpack.hpp": (
        RAW + "void f(Node& node) { Producer p{node}; p.ingest(\"t\", 1); }", NO_CODEC),
    "a typed message is emitted without galena/msgpack.hpp": (
        RAW + "struct R { int n; }; struct H { void handle_produce(int n, Sink& out) { out.emit(\"t\", R{n}); } };" + PRODUCER, NO_CODEC),
    "a struct without MSGPACK_DEFINE is consumed": (
        PACKED + "struct R { int n; }; struct H { void handle_consume(Text, const R&) {} };" + CONSUMER, NO_CODEC),
    "a struct without MSGPACK_DEFINE is ingested": (
        PACKED + "struct R { int n; }; void f(Node& node) { Producer p{node}; p.ingest(\"t\", R{}); }", NO_CODEC),
    "structs without MSGPACK_DEFINE are ingested in a map of vectors": (
        PACKED + "struct R { int n; }; void f(Node& node) { Producer p{node}; "
        "p.ingest(\"t\", std::map<std::string, std::vector<R>>{}); }", NO_CODEC),
    "an event is asked for a struct without MSGPACK_DEFINE": (
        PACKED + "struct R { int n; }; void f(const EventView& event) { event.as<R>(); }", NO_CODEC),
    "an Event is made of a struct without MSGPACK_DEFINE": (
        PACKED + "struct R { int n; }; Event f() { return {\"t\", R{}}; }", NO_CODEC),
    "a message type has no default constructor": (
        PACKED + "struct R { explicit R(int m) : n(m) {} int n; MSGPACK_DEFINE(n) }; "
        "struct H { void handle_consume(Text, const R&) {} };" + CONSUMER,
        "cannot be unpacked, because it has no default constructor"),
    "a handler takes text as const char*": (
        RAW + "struct H { void handle_consume(Text, const char*) {} };" + CONSUMER,
        "text arrives as std::string_view or std::string"),
    "a handler may change the message": (
        PACKED + "struct H { void handle_consume(Text, std::vector<int>&) {} };" + CONSUMER, CHANGED),
    "a relay's handler may change the topic": (
        RAW + "struct H { Event handle_produce(std::string&, Text) { return {\"t\", \"m\"}; } };" + RELAY, CHANGED),
    "handle_consume is overloaded": (
        PACKED + "struct H { void handle_consume(Text, Text) {} void handle_consume(Text, int) {} };" + CONSUMER,
        OVERLOADED),
    "handle_produce of a relay is overloaded": (
        PACKED + "struct H { Event handle_produce(Text, Text) { return {\"t\", \"m\"}; } "
        "Event handle_produce(Text, int) { return {\"t\", \"m\"}; } };" + RELAY,
        OVERLOADED),
    "handle_produce returns nothing": (
        RAW + "struct H { void handle_produce(int) {} };" + PRODUCER,
        "handle_produce must return an Event, EventView, std::optional<Event> or std::vector<Event>, or take a Sink&"),
    "handle_produce of a relay returns text": (
        RAW + "struct H { std::string handle_produce(Text, Text) { return \"m\"; } };" + RELAY,
        "handle_produce must return an Event"),
    "a handle_produce that emits returns something": (
        RAW + "struct H { int handle_produce(int, Sink&) { return 1; } };" + PRODUCER,
        "a handle_produce that takes a Sink& returns nothing"),
    "handle_tick takes an input": (
        RAW + "struct H { Event handle_produce(int) { return {\"t\", \"m\"}; } void handle_tick(int, Sink&) {} };" + PRODUCER,
        "handle_tick and handle_end take nothing, or a Sink&"),
    "handle_end is private": (
        RAW + "class H { void handle_end(Sink&) {} public: Event handle_produce(Text, Text) { return {\"t\", \"m\"}; } };" + RELAY,
        "handle_tick and handle_end take nothing, or a Sink&"),
    "handle_tick returns text": (
        RAW + "struct H { Event handle_produce(int) { return {\"t\", \"m\"}; } std::string handle_tick() { return \"m\"; } };" + PRODUCER,
        "must return an Event"),
    "a producer's handler is given something else": (
        RAW + "struct H { Event handle_produce(const EventView&) { return {\"t\", \"m\"}; } };" + PRODUCER,
        "handle_produce cannot be called with this input"),
    "a producer without a handler is given one value": (
        RAW + "void f(Node& node) { Producer p{node}; p.ingest(\"m\"); }",
        "a producer without a handler ingests (topic, message)"),
    "a producer is given a temporary Node": (RAW + "void f() { Producer p{Node{}}; }", NO_NODE),
    "a producer with a handler is given a temporary Node": (
        RAW + "struct H { Event handle_produce(int) { return {\"t\", \"m\"}; } };"
        "void f() { Producer p{Node{}, H{}, {.name = global(\"p\")}}; }", NO_NODE),
    "a consumer is given a temporary Node": (
        RAW + "struct H { void handle_consume(Text, Text) {} }; void f() { Consumer c{Node{}, H{}, {}}; }", NO_NODE),
    # Without the type's name no compiler says more than that no constructor takes such options: a list in braces has no
    # type, and one with a designator that no parameter's type has fits nothing. docs/api.md says to write the type.
    "an option's name is wrong, and its struct is named": (
        RAW + "struct H { void handle_consume(Text, Text) {} }; void f(Node& node) { "
        "Consumer c{node, H{}, ConsumerOptions{.subscribtions = {{global(\"p\")}}}}; }", "subscribtions"),
    "the answer of try_ingest is thrown away": (
        RAW + "void f(Producer<>& p) { p.try_ingest(\"t\", \"m\"); }", "nodiscard"),
    "the answer of drain is thrown away": (
        RAW + "void f(Producer<>& p) { p.drain(std::chrono::seconds(1)); }", "nodiscard"),
}

# What must compile, without a warning.
RIGHT = {
    "a handler with both methods, for every role": RAW + """
struct Both {
  void handle_consume(Text, Text) {}
  Event handle_produce(Text, Text) { return {"t", "m"}; }
};
void a(Node& node) { Producer p{node, Both{}}; p.ingest("t", "m"); }
void b(Node& node) { Consumer c{node, Both{}, {.subscriptions = {{"p"}}}}; }
void c(Node& node) { ProducerConsumer r{node, Both{}, {.subscriptions = {{"p"}}}}; }
""",
    "handlers that take the topic as a string, by value or by reference": RAW + """
struct S { void handle_consume(const std::string&, const std::string&) {} };
struct R { Event handle_produce(std::string topic, std::string_view) { return {topic, "m"}; } };
void d(Node& node) { Consumer c{node, S{}, {.subscriptions = {{"p"}}}}; }
void e(Node& node) { ProducerConsumer r{node, R{}, {.subscriptions = {{"p"}}}}; }
""",
    "std::ref(handler), also of a final class, a function, a generic lambda and a template": RAW + """
struct Final final { void handle_consume(Text, Text) {} Event handle_produce(int) { return {"t", "m"}; } };
struct T { void handle_consume(auto, auto) {} };
void function(Text, Text) {}
void f(Node& node, Final& handler) {
  Consumer a{node, std::ref(handler), {.subscriptions = {{"p"}}}};
  Consumer b{node, &function, {.subscriptions = {{"p"}}}};
  Consumer c{node, [](auto, auto) {}, {.subscriptions = {{"p"}}}};
  Consumer d{node, T{}, {.subscriptions = {{"p"}}}};
  Consumer e{node, [](const auto& event) { (void)event.topic; }, {.subscriptions = {{"p"}}}};
  Producer p{node, std::ref(handler)};
  p.ingest(1);
}
""",
    "a producer's handle_produce may be overloaded": RAW + """
struct Overloaded {
  Event handle_produce(int) { return {"t", "m"}; }
  void handle_produce(const std::string&, Sink& out) { out.emit("t", "m"); }
};
void g(Node& node) { Producer p{node, Overloaded{}}; p.ingest(1); p.ingest("x"); }
""",
    "every call that waits takes a time, a stop token, or both": RAW + """
#include <thread>
std::string next_reading();
void h(Node& node, Producer<>& producer, RemoteProducer<>& remote) {
  using namespace std::chrono_literals;
  std::jthread feeder([&](std::stop_token stop) {
    while (!stop.stop_requested() && producer.ingest_within(stop, "topic", next_reading())) {
    }
  });
  const std::stop_token stop = feeder.get_stop_token();
  (void)(producer.drain(5s) && producer.drain(stop) && producer.drain({5s, stop}) && producer.drain(never));
  (void)(producer.wait_for_subscribers(1, {100ms, stop}) && producer.ingest_within({5s, stop}, "t", "m"));
  (void)(remote.drain({std::chrono::minutes(1), stop}) && node.run_for(Clock::now() + 5s) && node.run_for(stop));
  node.ingest("p", "t", "m", {.stop = stop});
  const Until together(5s, stop);
  (void)(producer.drain(together) && remote.drain(together));
}
""",
    "handlers with handle_tick and handle_end, of each shape": RAW + """
struct Ticks {
  Event handle_produce(int) { return {"t", "m"}; }
  std::optional<Event> handle_tick() { return {}; }
  void handle_end() {}
};
struct Emits {
  void handle_produce(const EventView& event, Sink& out) { out.emit(event); }
  void handle_tick(auto& out) { out.emit("t", "m"); }
  std::vector<Event> handle_end() { return {}; }
};
void i(Node& node, Emits& emits) {
  using namespace std::chrono_literals;
  Producer p{node, Ticks{}, {.tick = 1s}};
  ProducerConsumer r{node, std::ref(emits), {.subscriptions = {{"p"}}, .publish = {.tick = 1s}}};
}
""",
    "types that MessagePack converts, and one with adaptors of its own": PACKED + """
enum class Colour { red };
MSGPACK_ADD_ENUM(Colour)
struct R { int n = 0; std::unique_ptr<int> p; MSGPACK_DEFINE(n, p) };
struct Uuid { int n = 0; };
namespace msgpack {
MSGPACK_API_VERSION_NAMESPACE(MSGPACK_DEFAULT_API_NS) {
namespace adaptor {
template <> struct pack<Uuid> {
  template <class Stream> packer<Stream>& operator()(packer<Stream>& out, const Uuid& u) const { return out.pack(u.n); }
};
template <> struct convert<Uuid> {
  const msgpack::object& operator()(const msgpack::object& in, Uuid& u) const { u.n = in.as<int>(); return in; }
};
}}}
template <> inline constexpr bool galena::has_msgpack_adaptor<Uuid> = true;
struct Own { int n = 0; };
template <> struct galena::Codec<Own> {
  static constexpr Encoding encoding = Encoding::raw;
  static std::string_view encode(const Own&, std::string& scratch) { return scratch = "own"; }
  static std::optional<Own> decode(std::string_view) { return Own{}; }
};
void f(Node& node) {
  Producer p{node};
  p.ingest("t", true); p.ingest("t", 1.5f); p.ingest("t", Colour::red); p.ingest("t", R{}); p.ingest("t", Uuid{});
  p.ingest("t", Own{}); p.ingest("t", std::array<double, 3>{}); p.ingest("t", std::tuple<int, std::string>{});
  p.ingest("t", std::map<std::string, std::vector<Uuid>>{}); p.ingest("t", std::optional<R>{});
  p.ingest("t", std::vector<bool>{}); p.ingest("t", msgpack::object{});
}
void g(const EventView& event) {
  (void)event.as<R>(); (void)event.as<Uuid>(); (void)event.as<Own>(); (void)event.as<std::map<int, Uuid>>();
  (void)event.as<Colour>(); (void)event.as<std::string>(); (void)event.as<std::pair<int, double>>();
}
""",
    "std::chrono and galena, both with a using directive": PACKED + """
auto h() {
  using namespace std::chrono;
  return seconds(1) + milliseconds(1);
}
""",
}


def said_by(compiler, source):
    """What the compiler says; empty if it is content."""
    limit = ["-ferror-limit=0"] if "clang" in compiler else []
    done = subprocess.run([compiler, *FLAGS, *limit, "-x", "c++", "-fsyntax-only", "-"], input=source, capture_output=True,
                          text=True, timeout=240)
    return (done.stderr or "it failed without a word") if done.returncode else ""


def together(cases):
    """One source of many, each in a namespace of its own, and in a file of its own as far as messages say."""
    return "".join(f'#line 1 "case-{number}"\nnamespace case_{number} {{ {code} }}\n' for number, code in cases)


def first_errors(compiler, said):
    """{number of the case: its first error}"""
    found, before = {}, []
    lines = said.splitlines()
    for at, line in enumerate(lines):
        error = re.search(r"error: (.*)", line)
        if not error:
            before.append(line)
            continue
        # gcc says what an instantiation is required from before the error, clang after it.
        after = itertools.takewhile(lambda each: "error: " not in each, lines[at + 1:])
        about = [line, *(after if "clang" in compiler else before)]
        for number in re.findall(r"case-(\d+):", "\n".join(about))[-1:]:
            found.setdefault(int(number), error[1])
        before = []
    return found


def check_wrong(compiler, prelude):
    numbered = [(number, title) for number, (title, (source, _)) in enumerate(WRONG.items())
                if source.startswith(f"// {prelude}\n")]
    said = said_by(compiler, PRELUDES[prelude] + together((number, WRONG[title][0]) for number, title in numbered))
    found = first_errors(compiler, said)
    for number, title in numbered:
        expected = WRONG[title][1]
        error = found.get(number)
        if error is None:
            yield f"{title}: it compiles; expected: {expected}"
        elif expected not in error:
            yield f"{title}: the first error is: {error}\n    expected: {expected}"


def check_right(compiler, prelude):
    source = PRELUDES[prelude] + "".join(f"// {title}\n{source}" for title, source in RIGHT.items()
                                         if source.startswith(f"// {prelude}\n"))
    said = said_by(compiler, source)
    if said:
        yield f"it does not compile: {said}"


def check_header(compiler, header):
    said = said_by(compiler, f"#include <{header}>\n")
    if said:
        yield f"{header} does not compile alone: {said}"


def public_headers():
    folder = ROOT / "lib/galena"
    return sorted(str(path.relative_to(ROOT / "lib")) for path in [*folder.glob("*.hpp"), *folder.glob("detail/*.hpp")])


def main():
    jobs = [(check_header, COMPILERS[0], header) for header in public_headers()]
    for compiler in COMPILERS:
        jobs += [(check, compiler, prelude) for check in (check_wrong, check_right) for prelude in PRELUDES]
    complaints = 0
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for (_, compiler, what), found in zip(jobs, pool.map(lambda job: list(job[0](*job[1:])), jobs)):
            for complaint in found:
                print(f"{compiler}, {what}: {complaint}", flush=True)
            complaints += len(found)
    print(f"{len(WRONG)} mistakes, {len(RIGHT)} pieces of right source, {len(public_headers())} headers: "
          f"{complaints} complaints")
    return 1 if complaints else 0


sys.exit(main())
