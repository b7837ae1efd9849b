#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the layers promise, checked: who may include whom, what the core must not touch, what is installed, and that
every file has a place.

usage: layers_test.py REPOSITORY

Every rule is first shown to complain about a small made-up tree, so that a rule that cannot fail fails.
"""
import pathlib
import re
import sys

# A layer may include itself and these. Core and net never meet. The public headers, directly in lib/galena, are two
# layers: `values` are plain types that every room uses, `api` (with detail/) is what a program calls.
BELOW = {
    "values": set(),
    "base": {"values"},
    "core": {"values", "base"},
    "net": {"values", "base"},
    "names": {"values", "base", "core", "net"},
    "api": {"values"},
    "stage": {"values", "base", "core", "net", "names", "api"},
}
VALUES = {"codec", "error", "event_view", "export", "gap", "id", "logger", "selection", "state", "stats", "time", "verdict",
          "when_full"}
# Handed in from outside, or done by those above.
NOT_IN_CORE_HEADERS = {
    "thread", "mutex", "shared_mutex", "condition_variable", "future", "iostream", "fstream", "random",
    "galena/logger.hpp",
}
NOT_IN_CORE_CODE = re.compile(
    r"Clock::now|(steady|system|high_resolution)_clock|\bId::random\b|\brandom_bytes\b|\bs?rand\(|\bgetrandom\b|\bLogger\b"
    r"|\bstd::(jthread|thread|mutex|cout|cerr)\b|\bsocket\(")
ZMQ = re.compile(r"zmq\.h(pp)?|zmq_addon\.hpp")
OS_SOCKETS = re.compile(
    r"sys/(socket|un|epoll|eventfd|select)\.h|netinet/.*|arpa/inet\.h|netdb\.h|net/if.*|ifaddrs\.h")
TOP_LEVEL = {
    ".clang-format", ".clang-tidy", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "PROTOCOL.md", "README.md",
    "SECURITY.md", "meson.build", "meson_options.txt", "run",
}
# Folder: what its files are called. meson.build may be in all.
KINDS = {
    ".ci": {"run"},
    "apps": {".cpp", ".hpp", ".py"},
    "docs": {".md", ".svg"},
    "examples": {".cpp"},
    "lib": {".cpp", ".hpp", ".in"},
    "test": {".cpp", ".hex", ".hpp", ".patch", ".py", ".sh", "CMakeLists.txt", "Makefile", "worst.txt"},
}
NO_LICENCE_LINE = {".md", ".patch", ".svg", "LICENSE", "worst.txt"}
SPDX = "SPDX-License-Identifier: Apache-2.0"
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^">]+)[">]', re.MULTILINE)
COMMENT_OR_STRING = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)


def code_of(text):
    return COMMENT_OR_STRING.sub(" ", text)


def includes_of(text):
    return INCLUDE.findall(text)


def layer_of(path):
    """"core" for lib/galena/core/log.hpp; None outside of the layers."""
    parts = path.split("/")
    if len(parts) < 3 or parts[:2] != ["lib", "galena"] or path == "lib/galena/meson.build":
        return None
    if len(parts) == 3:
        return "values" if parts[2].partition(".")[0] in VALUES else "api"
    return "api" if parts[2] == "detail" else parts[2]


def is_cpp(path):
    return path.endswith((".cpp", ".hpp"))


def includes_point_down(tree):
    for path, text in tree.items():
        layer = layer_of(path)
        if not is_cpp(path) or layer is None:
            continue
        if layer not in BELOW:
            yield f"{path}: '{layer}' is not a layer (there are {', '.join(BELOW)})"
            continue
        for include in includes_of(text):
            if not include.startswith("galena/"):
                continue
            target = layer_of("lib/" + include)
            if target != layer and target not in BELOW[layer]:
                yield f"{path}: {layer} must not include {include}"


def no_component_includes_one_above_it(tree):
    """Inside of a room, too: components that need each other, over any number of others, are complained about."""
    sources = {path: text for path, text in tree.items() if is_cpp(path) and path.startswith("lib/galena/")}

    def component(path):
        if path.endswith(".cpp"):
            includes = includes_of(sources[path])  # its own header is the first
            if includes and includes[0].rpartition("/")[2] == path.rpartition("/")[2][:-4] + ".hpp":
                return "lib/" + includes[0]
        return path

    needs = {}
    for path, text in sources.items():
        mine = needs.setdefault(component(path), set())
        mine |= {"lib/" + include for include in includes_of(text) if "lib/" + include in sources}
        mine.discard(component(path))

    done, way = set(), []

    def visit(at):
        if at in way:
            return " > ".join(way[way.index(at):] + [at])
        if at in done:
            return None
        way.append(at)
        for each in sorted(needs.get(at, ())):
            circle = visit(each)
            if circle:
                return circle
        way.pop()
        done.add(at)
        return None

    for at in sorted(needs):
        circle = visit(at)
        if circle:
            yield f"these include each other: {circle}"
            return


def our_includes_are_written_from_the_root(tree):
    for path, text in tree.items():
        if not is_cpp(path) or not path.startswith("lib/"):
            continue
        for include in re.findall(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', text, re.MULTILINE):
            if not include.startswith("galena/") or ".." in include:
                yield f'{path}: write #include "{include}" from the root: "galena/..."'


def own_header_comes_first(tree):
    for path, text in tree.items():
        header = path[:-4] + ".hpp"
        name = path.rpartition("/")[2][:-4]
        for public in (f"lib/galena/{name}.hpp", f"lib/galena/detail/{name}.hpp"):
            if header not in tree and public in tree and path.startswith("lib/"):
                header = public
        if path.startswith("lib/") and path.endswith(".cpp") and header in tree:
            includes = includes_of(text)
            if not includes or "lib/" + includes[0] != header:
                yield f"{path}: its own header must be its first include"


def only_net_knows_sockets(tree):
    """The benchmark measures Galena beside libzmq and plain sockets, so it uses them as well."""
    for path, text in tree.items():
        if not is_cpp(path) or layer_of(path) == "net" or path.startswith(("test/", "apps/bench/")):
            continue
        for include in includes_of(text):
            if OS_SOCKETS.fullmatch(include) or ZMQ.fullmatch(include):
                yield f"{path}: only net includes <{include}>"


def core_is_pure(tree):
    for path, text in tree.items():
        if not is_cpp(path) or layer_of(path) != "core":
            continue
        for include in includes_of(text):
            if include in NOT_IN_CORE_HEADERS or include.startswith("sys/") or include == "unistd.h":
                yield f"{path}: the core must not include <{include}>"
        for found in NOT_IN_CORE_CODE.finditer(code_of(text)):
            yield f"{path}: the core must not use {found.group()}"


def programs_use_public_headers_alone(tree):
    public = {path.removeprefix("lib/") for path in public_headers(tree)} | {"galena/galena.hpp"}
    for path, text in tree.items():
        if not is_cpp(path) or not path.startswith(("apps/", "examples/")):
            continue
        for include in includes_of(text):
            if include.startswith("galena/") and include not in public:
                yield f"{path}: programs include what the public headers include, not {include}"


def public_headers(tree):
    """galena.hpp, msgpack.hpp, testing.hpp, and all of ours that they include, directly or not."""
    found = set()
    waiting = ["lib/galena/galena.hpp", "lib/galena/msgpack.hpp", "lib/galena/testing.hpp"]
    while waiting:
        path = waiting.pop()
        if path in found or path not in tree:
            continue
        found.add(path)
        waiting += ["lib/" + include for include in includes_of(tree[path]) if include.startswith("galena/")]
    return found


def public_headers_hide_what_runs_them(tree):
    for path in public_headers(tree):
        if layer_of(path) not in ("values", "api"):
            yield f"{path}: reached from galena/galena.hpp, so that every user would see it"
        for include in includes_of(tree[path]):
            if ZMQ.fullmatch(include) or OS_SOCKETS.fullmatch(include) or include.startswith("fmt/"):
                yield f"{path}: a public header must not include <{include}>"


def public_headers_are_installed(tree):
    build = tree.get("lib/meson.build", "")
    listed = {"lib/" + name for name in re.findall(r"'(galena/[^']+\.hpp)'", build)}
    public = public_headers(tree)
    for path in sorted(public - listed):
        yield f"lib/meson.build: add '{path[4:]}' to public_headers: galena/galena.hpp needs it"
    for path in sorted(listed - public):
        yield f"lib/meson.build: take '{path[4:]}' out of public_headers: galena/galena.hpp does not include it"


def public_headers_say_the_language_level(tree):
    """What an older compiler says first must not be about our code."""
    for path in public_headers(tree) - {"lib/galena/export.hpp"}:
        if "galena/export.hpp" not in includes_of(tree[path]):
            yield f"{path}: a public header includes galena/export.hpp"


def sources_are_built(tree):
    """A test that nobody compiles passes for ever."""
    for path in tree:
        if not path.endswith(".cpp"):
            continue
        folder, _, name = path.rpartition("/")
        listed = False
        while folder and not listed:
            build = tree.get(folder + "/meson.build", "")
            listed = f"'{name}'" in build or f"/{name}'" in build
            folder = folder.rpartition("/")[0]
        if not listed:
            yield f"{path}: not listed in a meson.build"


def every_file_has_a_place(tree):
    for path in tree:
        folder, _, rest = path.partition("/")
        name = path.rpartition("/")[2]
        kind = pathlib.PurePosixPath(name).suffix
        if not rest:
            if path not in TOP_LEVEL:
                yield f"{path}: not one of the files that may be in the top level"
        elif folder not in KINDS:
            yield f"{path}: not in one of the folders {', '.join(KINDS)}"
        elif name != "meson.build" and not {name, kind} & KINDS[folder]:
            yield f"{path}: the files in {folder} are meson.build, {', '.join(sorted(KINDS[folder]))}"


def files_say_their_licence(tree):
    for path, text in tree.items():
        name = path.rpartition("/")[2]
        if {name, pathlib.PurePosixPath(name).suffix} & NO_LICENCE_LINE:
            continue
        if SPDX not in "\n".join(text.split("\n", 2)[:2]):
            yield f"{path}: its first line (or the one after #!) must say {SPDX}"


def headers_have_a_guard(tree):
    for path, text in tree.items():
        if path.endswith(".hpp") and not re.search(r"^#pragma once$", text, re.MULTILINE):
            yield f"{path}: has no #pragma once"


RULES = [
    includes_point_down,
    no_component_includes_one_above_it,
    our_includes_are_written_from_the_root,
    own_header_comes_first,
    only_net_knows_sockets,
    core_is_pure,
    programs_use_public_headers_alone,
    public_headers_hide_what_runs_them,
    public_headers_are_installed,
    public_headers_say_the_language_level,
    sources_are_built,
    every_file_has_a_place,
    files_say_their_licence,
    headers_have_a_guard,
]

# rule -> trees that it must complain about, and trees that it must leave alone.
BAD = {
    includes_point_down: [
        {"lib/galena/base/pack.hpp": '#include "galena/core/log.hpp"'},
        {"lib/galena/core/log.hpp": '#include "galena/net/reactor.hpp"'},
        {"lib/galena/core/log.hpp": "  # include <galena/stage/node.hpp>"},
        {"lib/galena/core/log.hpp": '#include "galena/galena.hpp"'},
        {"lib/galena/net/udp.cpp": '#include "galena/core/log.hpp"'},
        {"lib/galena/names/table.cpp": '#include "galena/stage/node.hpp"'},
        {"lib/galena/util/text.hpp": ""},
        {"lib/galena/id.hpp": '#include "galena/node.hpp"'},
        {"lib/galena/node.hpp": '#include "galena/core/log.hpp"'},
        {"lib/galena/detail/handler.hpp": '#include "galena/base/pack.hpp"'},
        {"lib/galena/core/log.hpp": '#include "galena/node.hpp"'},
    ],
    no_component_includes_one_above_it: [
        {"lib/galena/core/log.hpp": '#include "galena/core/view.hpp"',
         "lib/galena/core/view.hpp": '#include "galena/core/log.hpp"'},
        {"lib/galena/core/log.hpp": "", "lib/galena/core/view.hpp": '#include "galena/core/log.hpp"',
         "lib/galena/core/log.cpp": '#include "galena/core/log.hpp"\n#include "galena/core/view.hpp"'},
        {"lib/galena/node.hpp": "", "lib/galena/stage/loop.hpp": '#include "galena/node.hpp"',
         "lib/galena/stage/node.cpp": '#include "galena/node.hpp"\n#include "galena/stage/loop.hpp"'},
    ],
    our_includes_are_written_from_the_root: [
        {"lib/galena/core/log.cpp": '#include "log.hpp"'},
        {"lib/galena/core/log.cpp": '#include "galena/core/../net/udp.hpp"'},
    ],
    own_header_comes_first: [
        {"lib/galena/core/log.hpp": "", "lib/galena/core/log.cpp": '#include <vector>\n#include "galena/core/log.hpp"'},
        {"lib/galena/core/log.hpp": "", "lib/galena/core/log.cpp": ""},
    ],
    only_net_knows_sockets: [
        {"lib/galena/stage/node.cpp": "#include <zmq.hpp>"},
        {"lib/galena/names/table.cpp": "#include <sys/socket.h>"},
        {"lib/galena/base/id.cpp": "#include <netinet/in.h>"},
        {"lib/galena/names/table.cpp": "#include <sys/epoll.h>"},
        {"apps/galena/main.cpp": "#include <zmq.h>"},
        {"apps/common/child.cpp": "#include <sys/socket.h>"},
        {"examples/hello.cpp": "#include <zmq.hpp>"},
    ],
    core_is_pure: [
        {"lib/galena/core/log.cpp": "#include <thread>"},
        {"lib/galena/core/log.cpp": "#include <mutex>"},
        {"lib/galena/core/log.cpp": "#include <iostream>"},
        {"lib/galena/core/log.cpp": "#include <random>"},
        {"lib/galena/core/log.cpp": "#include <sys/time.h>"},
        {"lib/galena/core/log.cpp": '#include "galena/logger.hpp"'},
        {"lib/galena/core/log.cpp": "const Time now = Clock::now();"},
        {"lib/galena/core/log.cpp": "auto now = std::chrono::steady_clock::now();"},
        {"lib/galena/core/log.cpp": "using Wall = std::chrono::system_clock;"},
        {"lib/galena/core/log.cpp": "const Id id = Id::random();"},
        {"lib/galena/core/log.cpp": "int fd = socket(AF_INET, SOCK_STREAM, 0);"},
    ],
    programs_use_public_headers_alone: [
        {"apps/galena/main.cpp": '#include "galena/stage/node.hpp"'},
        {"examples/hello.cpp": "#include <galena/base/pack.hpp>"},
    ],
    public_headers_hide_what_runs_them: [
        {"lib/galena/galena.hpp": '#include "galena/core/log.hpp"', "lib/galena/core/log.hpp": ""},
        {
            "lib/galena/galena.hpp": '#include "galena/node.hpp"',
            "lib/galena/node.hpp": '#include "galena/net/udp.hpp"',
            "lib/galena/net/udp.hpp": "",
        },
        {"lib/galena/galena.hpp": "#include <zmq.hpp>"},
        {"lib/galena/galena.hpp": "#include <fmt/format.h>"},
    ],
    public_headers_are_installed: [
        {"lib/galena/galena.hpp": "", "lib/meson.build": ""},
        {"lib/galena/core/log.hpp": "", "lib/meson.build": "'galena/core/log.hpp'"},
    ],
    public_headers_say_the_language_level: [
        {"lib/galena/galena.hpp": '#include "galena/node.hpp"', "lib/galena/node.hpp": "#include <string>"},
    ],
    sources_are_built: [
        {"test/core/log_test.cpp": "", "test/core/meson.build": "'catalog_test.cpp'"},
        {"examples/hello.cpp": ""},
    ],
    every_file_has_a_place: [
        {"run.orig": ""},
        {"notes.md": ""},
        {"tools/format.py": ""},
        {"lib/galena/core/log.cpp.orig": ""},
        {"lib/galena/core/README.md": ""},
        {"docs/plan.txt": ""},
        {".ci/deploy": ""},
    ],
    files_say_their_licence: [
        {"lib/galena/core/log.hpp": "#pragma once\n"},
        {"lib/galena/core/log.hpp": "\n\n// " + SPDX},
        {"run": "#!/usr/bin/env bash\n"},
    ],
    headers_have_a_guard: [
        {"lib/galena/core/log.hpp": "// " + SPDX},
        {"lib/galena/core/log.hpp": "// #pragma once"},
    ],
}
GOOD = {
    "lib/meson.build": "# " + SPDX + "\n'galena/export.hpp', 'galena/galena.hpp', 'galena/node.hpp', 'galena/id.hpp'",
    "lib/galena/export.hpp": "#pragma once",
    "lib/galena/galena.hpp": '#pragma once\n#include "galena/export.hpp"\n#include "galena/node.hpp"',
    "lib/galena/id.hpp": '#pragma once\n#include <string>\n#include "galena/export.hpp"',
    "lib/galena/core/log.hpp": "#pragma once\n#include <atomic>\n// no Clock::now here, no \"socket(\" either",
    "lib/galena/core/log.cpp": '#include "galena/core/log.hpp"\n\n#include "galena/id.hpp"',
    "lib/galena/core/meson.build": "'log.cpp',",
    "lib/galena/net/udp.hpp": '#pragma once\n#include <sys/socket.h>\n#include <zmq.hpp>\n#include "galena/id.hpp"',
    "lib/galena/node.hpp": '#pragma once\n#include "galena/export.hpp"\n#include "galena/id.hpp"',
    "lib/galena/stage/node.cpp": '#include "galena/node.hpp"\n#include "galena/net/udp.hpp"\n#include <thread>',
    "lib/galena/stage/meson.build": "'node.cpp',",
    "test/net/udp_test.cpp": "#include <zmq.hpp>\n#include <sys/socket.h>\n#include \"galena/net/udp.hpp\"",
    "test/net/meson.build": "'udp_test.cpp',",
    "apps/galena/main.cpp": "#include <galena/galena.hpp>\n#include \"options.hpp\"",
    "apps/bench/systems/raw.cpp": "#include <zmq.h>\n#include <netinet/in.h>\n#include \"galena/galena.hpp\"",
    "README.md": "# A title",
    "LICENSE": "Apache License",
    "run": "#!/usr/bin/env bash\n# " + SPDX,
    ".ci/run": "#!/usr/bin/env bash\n# " + SPDX,
    "docs/cli.md": "# A title",
    "apps/meson.build": "'galena/main.cpp', 'bench/systems/raw.cpp'",
}


def self_check():
    good = {path: text if SPDX in text else f"// {SPDX}\n{text}" for path, text in GOOD.items()}
    for rule in RULES:
        for tree in BAD[rule]:
            if not list(rule(tree)):
                yield f"self-check: {rule.__name__} finds nothing wrong with {tree}"
        for complaint in rule(good):
            yield f"self-check: {rule.__name__} complains about what is right: {complaint}"


def read_tree(root):
    """Every file of the project: not those of Git, of other tools' hidden folders, or of builds (see .gitignore)."""
    tree = {}
    for top in sorted(root.iterdir()):
        if top.is_dir() and (top.name.startswith("build") or (top.name.startswith(".") and top.name not in KINDS)):
            continue
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and "__pycache__" not in path.parts:
                tree[path.relative_to(root).as_posix()] = path.read_text(encoding="utf-8")
    return tree


def main():
    tree = read_tree(pathlib.Path(sys.argv[1]))
    complaints = list(self_check())
    if not any(path.startswith("lib/galena/base/") for path in tree):
        complaints.append(f"{sys.argv[1]}: found no sources there")
    for rule in RULES:
        complaints += rule(tree)
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


sys.exit(main())
