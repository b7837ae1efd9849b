// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.hpp"

// The only file that includes it: it costs more to compile than all others together.
#include <CLI/CLI.hpp>

#include <charconv>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/common.hpp"
#include "cli/escape.hpp"
#include "cli/exit_code.hpp"
#include "cli/topics.hpp"
#include "commands/bench.hpp"
#include "commands/ingest.hpp"
#include "commands/ls.hpp"
#include "commands/names.hpp"
#include "commands/pub.hpp"
#include "commands/relay.hpp"
#include "commands/sub.hpp"
#include "commands/topics.hpp"
#include "common/cli11.hpp"
#include "demo/demo.hpp"

namespace galena::cli {

namespace {

using Command = std::function<int()>;

const char* const names_examples =
    R"(  galena names                          on this machine; others on the network find it
  galena names --bind tcp://*:5670      at a port that others can be given as --names
  galena names --bind tcp://127.0.0.1:5670 --no-beacon)";

const char* const ls_examples = R"(  galena ls                             who is there
  galena ls --json | jq -r '.[].name'   only the names
  galena ls --stats                     what became of what each subscription selected
  galena ls --names tcp://10.0.0.5:5670 as that name service knows it)";

const char* const topics_examples =
    R"(  galena topics load                which topics producer 'load' sends, how many events and how fast
  galena topics load --timeout 10   for ten seconds
  galena topics load,log 'cpu/*' --json)";

const char* const pub_examples = R"(  seq 10 | galena pub numbers --topic n     ten events on topic n
  printf 'cpu/0\t17\n' | galena pub load    the topic is what stands before the first tab
  journalctl -f | galena pub log --topic journal --now
  seq 1000000 | galena pub numbers --topic n --subscribers 2 --rate 5000
  galena sub load | galena pub copy         what sub prints, pub reads; also with --json, and with --null
  find . -print0 | galena pub files --topic path --null --wait 60)";

const char* const sub_examples =
    R"(  galena sub load                   all events of producer 'load', as topic<TAB>message
  galena sub load 'cpu/*' memory    topics that start with cpu/, and memory
  galena sub load,log --json        of two producers, one JSON object per line
  galena sub log journal --raw --count 1 --timeout 5 > first
  galena sub log --timestamps --topics-only          when which topic comes
  galena sub load --identity archive --positions archive.pos >> load.log   goes on after a restart)";

const char* const relay_examples =
    R"(  galena relay all --from load --from log           what both publish, under one name
  galena relay alerts --from 'log:error,warning'    these two topics only
  galena relay host1 --from load --rename '*=host1/*'
  galena relay cpus --from 'load:cpu/*' --rename 'cpu/*=core/*'
  galena relay safe --from load --acknowledge downstream --expect archive   loses nothing if it is killed)";

const char* const ingest_examples =
    R"(  galena ingest load cpu/0 17           one event for producer 'load', which runs elsewhere
  seq 1000 | galena ingest load count   each line of the input
  galena ingest load cpu/0 17 --timeout 1 && echo accepted)";

const char* const demo_examples =
    R"(  galena demo               ten seconds, a table of what was delivered, `demo: N delivered, 0 lost`
  galena demo --forever     until Ctrl-C, which drains it)";

const char* const examples =
    R"(  galena sub hello                                prints what producer 'hello' publishes, once it is there
  echo world | galena pub hello --topic greeting  is that producer, for one event
  galena ls                                       shows who is there
  galena sub --help                               options and examples of a command)";

constexpr const char* exit_codes =
    "Exit codes: 0 fine, 1 error, 2 usage, 3 not found, 4 timeout, 5 events lost or not taken\n";

Duration duration(double in_seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(in_seconds));
}

// As long or as fast as one likes, but not nothing.
const CLI::Validator positive = common::in_range(1e-3, 1e9);
const CLI::Validator at_least_one = common::in_range(1, 1e18);
const CLI::Validator not_empty(
    [](std::string& text) { return text.empty() ? std::string("it must not be empty") : std::string(); }, "");

constexpr double longest_patience = 3600;

/// Takes tcp://host:port. A `*` or 0 is any free port, where that is allowed. Throws UsageError.
void check_endpoint(std::string_view endpoint, std::string_view option, bool may_be_any) {
  const std::size_t colon = endpoint.rfind(':');
  unsigned port = 0;
  bool good = endpoint.starts_with("tcp://") && colon != std::string_view::npos && colon > 6;
  if (good) {
    const std::string_view digits = endpoint.substr(colon + 1);
    const char* const end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, port);
    const bool is_any = digits == "*" || digits == "0";
    good = is_any ? may_be_any : read.ec == std::errc() && read.ptr == end && port >= 1 && port <= 65535;
  }
  if (good) return;
  throw UsageError(std::string(option) + " takes tcp://host:port, with a port from 1 to 65535; it cannot be '" +
                   std::string(endpoint) + "'");
}

/// The format that exclusive flags chose, and what stands between events.
struct FormatFlags {
  bool text = false;
  bool raw = false;
  bool json = false;
  bool null = false;
  std::string delimiter;

  EventFormat format(EventFormat otherwise) const {
    return text ? EventFormat::text : raw ? EventFormat::raw : json ? EventFormat::json : otherwise;
  }
};

/// What a person typed as a delimiter: `\n`, `\r\n`, `\x00`, `--`.
std::string parse_delimiter(const std::string& text) {
  std::string bytes;
  append_unescaped(bytes, text);
  for (std::size_t at = 0; (at = bytes.find("\\r", at)) != std::string::npos; ++at) bytes.replace(at, 2, "\r");
  return bytes;
}

template <class Texts>
void say_hints(const Texts& topics) {
  for (const auto& topic : topics) {
    if (const auto hint = wildcard_hint(topic)) say(*hint);
  }
}

std::vector<Topic> parse_topics(const std::vector<std::string>& texts) {
  std::vector<Topic> topics;
  for (const std::string& text : texts) topics.push_back(parse_topic(text));
  say_hints(texts);
  return topics;
}

/// Adds commands. The options of each are a struct whose member `common` holds the common ones. `add_options` adds the
/// others and returns a function that is called with the struct when the command line is parsed.
class Commands {
 public:
  Commands(CLI::App& app, Command& chosen) : app_(app), chosen_(chosen) {}

  template <class Options, class Add>
  void add(const std::string& name, const std::string& about, const char* with_examples, int (*run)(const Options&),
           Add add_options) {
    CLI::App& command = *app_.add_subcommand(name, about);
    command.footer(with_examples);
    const auto options = std::make_shared<Options>();
    const auto finish = add_options(command, *options);
    const auto names = std::make_shared<std::string>();
    add_common(command, options->common, *names);
    command.callback([=, this] {
      for (std::string_view part : names->empty() ? std::vector<std::string_view>() : split(*names, ',')) {
        check_endpoint(part, "--names", false);
        options->common.names.emplace_back(part);
      }
      finish(*options);
      chosen_ = [=] { return run(*options); };
    });
  }

 private:
  static void add_common(CLI::App& command, CommonOptions& common, std::string& names) {
    const char* const group = "Common options";
    command
        .add_option("--domain", common.domain, "Processes of one domain find each other (GALENA_DOMAIN, or 'default')")
        ->type_name("NAME")
        ->group(group);
    command.add_option("--names", names, "Fixed name services instead of the beacon, tcp://host:port (GALENA_NAMES)")
        ->type_name("ENDPOINT[,...]")
        ->group(group);
    command.add_option("--interface", common.interface, "Bind and announce on this network interface only")
        ->type_name("NAME")
        ->group(group);
    command.add_flag("-v,--verbose", common.verbosity, "Log which sockets are opened; -vv logs more (GALENA_LOG)")
        ->group(group);
  }

  CLI::App& app_;
  Command& chosen_;
};

constexpr std::uint64_t least_buffer = 1 << 20;

/// Adds the options of HoldingOptions. The caller calls the result when the command line is parsed.
std::function<void(HoldingOptions&)> add_holding(CLI::App& command, HoldingOptions& options) {
  const char* const group = "What it keeps";
  const auto hold = std::make_shared<double>(in_seconds(options.hold));
  command.add_option("--buffer", options.buffer_bytes, "How much to keep of what not all subscribers have")
      ->type_name("BYTES")
      ->transform(CLI::AsSizeValue(false))
      ->default_str("64MB")
      ->group(group);
  command.add_option("--hold", *hold, "How long to keep the place of a subscriber after its connection broke")
      ->type_name("SECONDS")
      ->check(common::in_range(0, 1e9))
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--expect", options.expect,
                  "Keep all events for this identity even before it subscribes; may be given several times")
      ->type_name("IDENTITY")
      ->allow_extra_args(false)
      ->check(not_empty)
      ->group(group);
  command
      .add_option("--retain", options.retain_bytes,
                  "How much of the acknowledged events to keep for subscribers that come back late")
      ->type_name("BYTES")
      ->transform(CLI::AsSizeValue(false))
      ->group(group);
  return [hold](HoldingOptions& all) {
    all.hold = duration(*hold);
    if (all.buffer_bytes < least_buffer) throw UsageError("--buffer takes 1MB or more");
    if (all.retain_bytes >= all.buffer_bytes) {
      throw UsageError("--retain must be less than --buffer, of which it is a part (" +
                       std::to_string(all.buffer_bytes) + " bytes)");
    }
  };
}

void add_names(Commands& commands) {
  commands.add<NamesOptions>(
      "names", "A dedicated name service: prints its endpoint, and runs until Ctrl-C.", names_examples, run_names,
      [](CLI::App& command, NamesOptions& options) {
        command.add_option("--bind", options.bind, "Where to listen; port 0 is any that is free")
            ->type_name("ENDPOINT")
            ->capture_default_str();
        command.add_flag("!--no-beacon", options.beacon, "Neither announce this name service nor find others");
        command.add_flag("--json", options.json, "Print the endpoint as a JSON object");
        return [](NamesOptions& all) { check_endpoint(all.bind, "--bind", true); };
      });
}

void add_ls(Commands& commands) {
  const auto timeout = std::make_shared<double>(2);
  commands.add<LsOptions>(
      "ls", "Lists every registered name.", ls_examples, run_ls, [&](CLI::App& command, LsOptions& options) {
        command.add_flag("--json", options.json, "Print a JSON array with an object per name");
        command.add_flag("--stats", options.stats, "Ask each producer for the account of its subscriptions");
        command.add_option("--timeout", *timeout, "How long a name service may take to answer")
            ->type_name("SECONDS")
            ->check(positive)
            ->capture_default_str();
        return [timeout](LsOptions& all) { all.timeout = duration(*timeout); };
      });
}

void add_pub(Commands& commands) {
  struct Raw {
    FormatFlags flags;
    std::optional<double> timeout;
    std::optional<double> wait;
  };
  const auto raw = std::make_shared<Raw>();
  commands.add<PubOptions>(
      "pub", "Publishes each line of standard input as an event, until the end of it.", pub_examples, run_pub,
      [raw](CLI::App& command, PubOptions& options) {
        command.add_option("NAME", options.name, "The producer's global name")
            ->required()
            ->type_name("")
            ->check(not_empty);
        command
            .add_option("--topic", options.topic,
                        "The topic of all lines; else each line begins with its topic and a tab")
            ->type_name("TOPIC");
        auto* text = command.add_flag("--text", raw->flags.text,
                                      "Read \\t, \\n, \\\\ and \\xHH as sub prints them (default without --topic)");
        auto* bytes = command.add_flag("--raw", raw->flags.raw, "Take the bytes as they are (default with --topic)")
                          ->excludes(text);
        auto* json = command.add_flag("--json", raw->flags.json, "Each line is an object, as sub --json prints it")
                         ->excludes(text)
                         ->excludes(bytes);
        auto* null = command.add_flag("--null", raw->flags.null, "A NUL byte ends each event, not a newline");
        command.add_option("--delimiter", raw->flags.delimiter, "With --raw: what ends each event; \\xHH is any byte")
            ->type_name("TEXT")
            ->check(not_empty)
            ->excludes(null)
            ->excludes(text)
            ->excludes(json);
        auto* subscribers =
            command.add_option("--subscribers", options.subscribers, "Start when N consumers have subscribed")
                ->type_name("N")
                ->check(at_least_one);
        command
            .add_flag("--now", options.now,
                      "Start at once; else when the consumers that wait for it, and at least one, have subscribed")
            ->excludes(subscribers);
        command.add_option("--count", options.count, "Stop after N lines")->type_name("N")->check(at_least_one);
        command.add_option("--rate", options.rate, "At most N events per second")->type_name("N")->check(positive);
        command
            .add_option("--timeout", raw->timeout,
                        "Exit after this time; with code 4 if --count was not reached, or events are left")
            ->type_name("SECONDS")
            ->check(positive);
        command
            .add_option("--wait", raw->wait,
                        "How long each wait for subscribers may take: at the start, for room, at the end; then code 4")
            ->type_name("SECONDS")
            ->check(positive);
        command.add_flag("--stats", options.stats,
                         "At the end, say on standard error what became of each subscription's events");
        return [raw, holding = add_holding(command, options.holding)](PubOptions& all) {
          holding(all.holding);
          all.format = raw->flags.format(all.topic ? EventFormat::raw : EventFormat::text);
          if (!raw->flags.delimiter.empty()) {
            if (all.format != EventFormat::raw) throw UsageError("--delimiter needs --raw, or --topic");
            all.delimiter = parse_delimiter(raw->flags.delimiter);
          }
          if (raw->flags.null) all.delimiter.assign(1, '\0');
          if (raw->timeout) all.timeout = duration(*raw->timeout);
          if (raw->wait) all.wait = duration(*raw->wait);
        };
      });
}

void add_sub(Commands& commands) {
  struct Raw {
    std::string names;
    std::vector<std::string> topics;
    std::optional<double> timeout;
    double patience = longest_patience;
    FormatFlags flags;
  };
  const auto raw = std::make_shared<Raw>();
  commands.add<SubOptions>(
      "sub", "Prints the events of producers, whether these are there yet or not.", sub_examples, run_sub,
      [&](CLI::App& command, SubOptions& options) {
        command.add_option("NAMES", raw->names, "Global names of producers: one, or several with commas between")
            ->required()
            ->type_name("");
        command
            .add_option("TOPIC", raw->topics,
                        "Selection; a trailing * is any rest, \\* a real star, \\xHH any byte. None: everything")
            ->type_name("");
        auto* bytes = command.add_flag("--raw", raw->flags.raw, "Print messages alone, byte by byte");
        auto* json = command
                         .add_flag("--json", raw->flags.json,
                                   "Print a JSON object per line: topic, message, encoding, producer, stream, position")
                         ->excludes(bytes);
        auto* null = command.add_flag("--null", raw->flags.null, "End each event with a NUL byte, not with a newline");
        command
            .add_option("--delimiter", raw->flags.delimiter,
                        "With --raw: what to print after each message (default: nothing); \\xHH is any byte")
            ->type_name("TEXT")
            ->check(not_empty)
            ->needs(bytes)
            ->excludes(null)
            ->excludes(json);
        command.add_flag("--topics-only", options.style.topics_only, "Print the topics alone")->excludes(bytes);
        command.add_flag("--timestamps", options.style.timestamps, "Begin with the time at which each event came, UTC")
            ->excludes(bytes);
        command.add_option("--count", options.count, "Exit after N events")->type_name("N")->check(at_least_one);
        command.add_option("--timeout", raw->timeout, "Exit after this time; with code 4 if --count was not reached")
            ->type_name("SECONDS")
            ->check(positive);
        command
            .add_option("--patience", raw->patience,
                        "How long the reader of the output may read nothing before producers go on without it")
            ->type_name("SECONDS")
            ->check(common::in_range(0, longest_patience))
            ->capture_default_str();
        command
            .add_option("--largest-event", options.largest_event, "Take no larger event, topic and message together")
            ->type_name("BYTES")
            ->transform(CLI::AsSizeValue(false))
            ->default_str("64MB");
        command.add_flag("--stats", options.stats,
                         "At the end, say on standard error how many events were received and lost");
        auto* identity = command
                             .add_option("--identity", options.identity,
                                         "Continue where the last consumer with this identity stopped")
                             ->type_name("IDENTITY")
                             ->check(not_empty);
        command.add_option("--positions", options.positions, "Keep the positions of this identity in this file")
            ->type_name("FILE")
            ->needs(identity);
        return [raw](SubOptions& all) {
          all.producers = parse_names(raw->names);
          all.topics = parse_topics(raw->topics);
          if (raw->timeout) all.timeout = duration(*raw->timeout);
          all.patience = duration(raw->patience);
          all.style.format = raw->flags.format(EventFormat::text);
          if (raw->flags.raw) all.style.delimiter = parse_delimiter(raw->flags.delimiter);
          if (raw->flags.null) all.style.delimiter.assign(1, '\0');
        };
      });
}

void add_topics(Commands& commands) {
  struct Raw {
    std::string names;
    std::vector<std::string> topics;
    std::optional<double> timeout;
    double interval = 1;
  };
  const auto raw = std::make_shared<Raw>();
  commands.add<TopicsOptions>(
      "topics", "Shows the topics of producers, with counts and rates, until Ctrl-C.", topics_examples, run_topics,
      [&](CLI::App& command, TopicsOptions& options) {
        command.add_option("NAMES", raw->names, "Global names of producers: one, or several with commas between")
            ->required()
            ->type_name("");
        command.add_option("TOPIC", raw->topics, "Selection, as for sub. None: everything")->type_name("");
        command.add_flag("--json", options.json, "Print an array of objects for each table, in a line");
        command.add_option("--interval", raw->interval, "How often to print")
            ->type_name("SECONDS")
            ->check(common::in_range(0.1, 1e6))
            ->capture_default_str();
        command.add_option("--timeout", raw->timeout, "Exit after this time")->type_name("SECONDS")->check(positive);
        return [raw](TopicsOptions& all) {
          all.producers = parse_names(raw->names);
          all.topics = parse_topics(raw->topics);
          all.interval = duration(raw->interval);
          if (raw->timeout) all.timeout = duration(*raw->timeout);
        };
      });
}

void add_relay(Commands& commands) {
  struct Raw {
    std::vector<std::string> from;
    std::vector<std::string> renames;
    std::string acknowledge = "handled";
  };
  const auto raw = std::make_shared<Raw>();
  commands.add<RelayOptions>(
      "relay", "Publishes selected events of other producers under a name of its own, until Ctrl-C.", relay_examples,
      run_relay, [&](CLI::App& command, RelayOptions& options) {
        command.add_option("NAME", options.name, "Its own global name")->required()->type_name("")->check(not_empty);
        command.add_option("--from", raw->from, "What to select; may be given several times")
            ->type_name("PRODUCER[:TOPIC,...]")
            ->required()
            ->allow_extra_args(false);
        command.add_option("--rename", raw->renames, "Publish topic OLD as NEW, or a/*=b/*; the first that fits")
            ->type_name("OLD=NEW")
            ->allow_extra_args(false);
        command
            .add_option("--acknowledge", raw->acknowledge,
                        "When its sources may forget an event: handled, or downstream: when its subscribers with an "
                        "identity have it")
            ->type_name("WHEN")
            ->check(CLI::IsMember({"handled", "downstream"}))
            ->capture_default_str();
        command.add_flag("--stats", options.stats,
                         "At the end, say on standard error what became of each subscription's events");
        return [raw, holding = add_holding(command, options.holding)](RelayOptions& all) {
          holding(all.holding);
          if (raw->acknowledge == "downstream") all.acknowledge = Acknowledge::downstream;
          for (const std::string& from : raw->from) {
            all.from.push_back(parse_from(from));
            const auto parts = split_once(from, ':');
            if (parts.size() == 2) say_hints(split(parts[1], ','));
          }
          for (const std::string& rename : raw->renames) all.renames.push_back(parse_rename(rename));
        };
      });
}

void add_ingest(Commands& commands) {
  const auto timeout = std::make_shared<double>(10);
  commands.add<IngestOptions>(
      "ingest", "Hands an event, or each line of standard input, to a producer that runs elsewhere.", ingest_examples,
      run_ingest, [&](CLI::App& command, IngestOptions& options) {
        command.add_option("NAME", options.name, "The producer's global name")
            ->required()
            ->type_name("")
            ->check(not_empty);
        command.add_option("TOPIC", options.topic, "The topic of the events")->required()->type_name("");
        command.add_option("MESSAGE", options.message, "The message; without it, each line of standard input is one")
            ->type_name("");
        command.add_option("--timeout", *timeout, "How long the producer may take to accept an event")
            ->type_name("SECONDS")
            ->check(positive)
            ->capture_default_str();
        return [timeout](IngestOptions& all) { all.timeout = duration(*timeout); };
      });
}

void add_demo(Commands& commands) {
  commands.add<DemoOptions>("demo", "Shows four processes at work on this machine's own readings; ends by itself.",
                            demo_examples, run_demo, [](CLI::App& command, DemoOptions& options) {
                              auto* seconds = command.add_option("--seconds", options.seconds, "How long")
                                                  ->type_name("N")
                                                  ->check(positive)
                                                  ->capture_default_str();
                              command.add_flag("--forever", options.forever, "Until Ctrl-C")->excludes(seconds);
                              command.add_option("--role", options.role)->group("");  // hidden
                              command.add_option("--topic", options.topics)->group("")->allow_extra_args(false);
                              return [](DemoOptions&) {};
                            });
}

bool has_command(const CLI::App& app, const std::string& name) {
  return !app.get_subcommands([&](const CLI::App* command) { return command->get_name() == name; }).empty();
}

}  // namespace

Command parse_command_line(int argc, char** argv) {
  Command chosen = [] { return static_cast<int>(exit_ok); };
  CLI::App app("galena: events by topic, from producers to consumers that find each other by name", "galena");
  app.formatter(std::make_shared<common::ExamplesFirst>(exit_codes));
  app.footer(examples);
  app.set_version_flag("--version", "galena " + std::string(version));
  app.require_subcommand(1);

  Commands commands(app, chosen);
  add_names(commands);
  add_ls(commands);
  add_pub(commands);
  add_sub(commands);
  add_topics(commands);
  add_relay(commands);
  add_ingest(commands);
  add_demo(commands);
  // Its options are those of galena-bench.
  app.add_subcommand("bench", "Starts galena-bench, which measures Galena beside libzmq and plain TCP.");
  // A further command: its options as a struct with a `common` in a header of its own, an add_ function above.

  if (argc < 2) throw UsageError("a command is missing; `galena --help` lists the commands");
  const std::string command = argv[1];
  if (!command.starts_with('-') && !has_command(app, command)) {
    throw UsageError("there is no command '" + command + "'; `galena --help` lists the commands");
  }
  if (command == "bench") return [words = std::vector<std::string>(argv + 2, argv + argc)] { return run_bench(words); };
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != static_cast<int>(CLI::ExitCodes::Success)) {
      throw UsageError(std::string(error.what()) + "; `galena " + (has_command(app, command) ? command + " " : "") +
                       "--help` shows how it is used");
    }
    app.exit(error);  // help, or the version
  }
  return chosen;
}

}  // namespace galena::cli
