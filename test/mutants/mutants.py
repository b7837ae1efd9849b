#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plants faults into a copy of the sources, one at a time, and shows which test suite notices.

A fault is a file NAME.patch beside this one: a line `[SUITE...] what is wrong then`, and a unified diff. Its suites are
run in that order until one fails. The last line is `N caught, M survived`. The exit code is 0 if all were caught, 1 if
one survived or a patch cannot be used, 2 if a suite fails without any fault.
"""
import argparse
import fcntl
import filecmp
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = ROOT / "build-mutants"
COPY = WORK / "source"
BUILD = WORK / "build"
COPIED = ["lib", "apps", "test", "docs", "examples", "meson.build", "meson_options.txt", "PROTOCOL.md", "README.md", "LICENSE"]

PROGRAM = BUILD / "apps/galena"
# Suite: what is built for it, and what is run.
SUITES = {
    **{name: ([f"test/{name}_test"], [BUILD / f"test/{name}_test", "--abort-after=1", "--no-intro"])
       for name in ("base", "core", "names", "names_process", "net", "stage")},
    "program": (["test/program_test", "apps/galena"], [BUILD / "test/program_test", "--abort-after=1", "--no-intro"]),
    "stage_process": (["test/stage_process_test", "test/stage_peer", "test/mistakes"],
                      [BUILD / "test/stage_process_test", "--abort-after=1", "--no-intro"]),
    "sim": (["test/sim/sim_test"], [BUILD / "test/sim/sim_test", "--abort-after=1", "--no-intro"]),
    "protocol": (["test/docs/protocol_test"], [BUILD / "test/docs/protocol_test", "--abort-after=1", "--no-intro"]),
    **{name: (["apps/galena"], ["/usr/bin/python3", COPY / f"test/program/{name}_test.py"])
       for name in ("cli", "descriptors", "delivery")},
}
# A suite may take so many times as long as without a fault before it counts as hanging.
PATIENCE = 6
LEAST_SECONDS = 30
BASELINE_SECONDS = 600

FIRST_LINE = re.compile(r"\[([a-z_ ]+)\] (\S.*)")
HUNK = re.compile(r"@@ -(\d+)")


class Unusable(Exception):
    """A patch, or what it makes of the sources, cannot be tried."""


class Mutant:
    def __init__(self, path):
        self.path = path
        self.name = path.stem
        lines = path.read_text(encoding="utf-8").splitlines()
        match = FIRST_LINE.fullmatch(lines[0]) if lines else None
        if not match:
            raise Unusable(f"{self.where()}: the first line is not `[SUITE...] what is wrong then`")
        self.suites, self.claim = match[1].split(), match[2]
        unknown = [suite for suite in self.suites if suite not in SUITES]
        if unknown:
            raise Unusable(f"{self.where()}: there is no suite {unknown[0]} (there are {' '.join(SUITES)})")
        self.hunks = self._read_hunks(lines[1:])

    def where(self):
        return str(self.path.relative_to(ROOT))

    def _read_hunks(self, lines):
        """(file, text before, text after) of each hunk."""
        hunks, file, before, after = [], None, None, None
        for line in lines:
            if line.startswith("--- "):
                continue
            if line.startswith("+++ b/"):
                file = line[len("+++ b/"):]
            elif HUNK.match(line):
                before, after = [], []
                hunks.append((file, before, after))
            elif before is None or line[:1] not in (" ", "-", "+", ""):
                raise Unusable(f"{self.where()}: not a line of a unified diff: {line}")
            else:
                if line[:1] != "+":
                    before.append(line[1:] + "\n")
                if line[:1] != "-":
                    after.append(line[1:] + "\n")
        if not hunks or file is None:
            raise Unusable(f"{self.where()}: there is no diff in it")
        return [(file, "".join(before), "".join(after)) for file, before, after in hunks]

    def apply(self):
        """The new text of each file that it changes. A hunk is found by its text, wherever in the file that is."""
        texts = {}
        for file, before, after in self.hunks:
            if not (ROOT / file).is_file():
                raise Unusable(f"{self.where()} no longer applies: there is no {file} any more. Plant the same fault where "
                               "the code is now, or delete the patch if the fault cannot be made any more")
            text = texts.get(file) or (ROOT / file).read_text(encoding="utf-8")
            if text.count(before) != 1:
                found = "is not in" if before not in text else "is more than once in"
                raise Unusable(f"{self.where()} no longer applies: this {found} {file}:\n{before}"
                               "Plant the same fault in the code as it is now (edit the file, `git diff`, undo), or delete the "
                               "patch if the fault cannot be made any more")
            texts[file] = text.replace(before, after)
        return texts


def run(command, seconds=None, environment=None):
    """(exit code or None after that time, output). What it started ends with it."""
    with open(WORK / "output", "w+b") as output:
        process = subprocess.Popen([str(each) for each in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                   start_new_session=True, env=environment, cwd=WORK)
        code = None
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        output.seek(0)
        return code, output.read().decode("utf-8", "replace")


def synchronise():
    """Makes the copy like the checkout. What is alike keeps its time, so that it is not compiled again."""
    WORK.mkdir(exist_ok=True)
    wanted = set()
    for top in COPIED:
        paths = [ROOT / top] if (ROOT / top).is_file() else sorted((ROOT / top).rglob("*"))
        wanted |= {path.relative_to(ROOT) for path in paths if path.is_file() and "__pycache__" not in path.parts}
    for path in wanted:
        to = COPY / path
        if not to.is_file() or not filecmp.cmp(ROOT / path, to, shallow=False):
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, to)
    for path in [path for path in COPY.rglob("*") if path.is_file() and path.relative_to(COPY) not in wanted]:
        path.unlink()


def configure():
    if (BUILD / "build.ninja").is_file():
        return
    compiler = ["ccache"] if shutil.which("ccache") else []
    environment = dict(os.environ, CXX=" ".join(compiler + ["g++"]))
    code, output = run(["meson", "setup", BUILD, COPY, "--buildtype=debug", "-Doptimization=0", "-Dcpp_args=-g1",
                        "-Dexamples=disabled", "-Dbench=disabled"], environment=environment)
    if code != 0:
        sys.exit(f"{output}mutants: meson setup failed")


class Bench:
    """The copy, its build, and the suites as they are without a fault."""

    def __init__(self, changed):
        self._changed = changed  # files of the copy that differ from the checkout
        self._limits = {}

    def put(self, texts):
        """The copy is the checkout with these files instead. Each file is written once, and only if it must be."""
        for file in self._changed - set(texts):
            shutil.copy(ROOT / file, COPY / file)
        self._changed = set(texts)
        for file, text in texts.items():
            (COPY / file).write_text(text, encoding="utf-8")

    def build(self, suite):
        code, output = run(["ninja", "-C", BUILD, *SUITES[suite][0]])
        if code != 0:
            errors = [line for line in output.splitlines() if "error" in line or "undefined" in line]
            raise Unusable("it does not compile: " + (errors or output.splitlines()[-3:])[0])

    def run(self, suite, seconds, *filters):
        return run([*SUITES[suite][1], *filters], seconds, dict(os.environ, GALENA_PROGRAM=str(PROGRAM)))

    def notice(self, suite):
        """What notices the fault that is planted now, or None. A test case must fail again alone: one that fails because
        the machine is busy is left out, and the others are asked."""
        left_out = []
        for _ in range(3):
            code, output = self.run(suite, self._limits[suite], *left_out)
            if code is None:
                return f"by time limit ({self._limits[suite]:.0f} s), after {last_case(output)}"
            if code == 0:
                return None
            found = cases(output)
            if not found or not is_doctest(suite):
                return first_case(output)
            pattern = found[0].replace(",", "?")  # a comma would separate two patterns
            if self.run(suite, self._limits[suite], f"--test-case={pattern}")[0] != 0:
                return found[0]
            left_out.append(f"--test-case-exclude={pattern}")
        return None

    def measure(self, suites):
        """Runs the suites without a fault: one that fails then would catch everything."""
        for suite in suites:
            self.build(suite)
            start = time.monotonic()
            code, output = self.run(suite, BASELINE_SECONDS)
            if code != 0:
                print(output)
                print(f"mutants: suite {suite} fails without any fault: mend that first", file=sys.stderr)
                sys.exit(2)
            took = time.monotonic() - start
            self._limits[suite] = max(LEAST_SECONDS, PATIENCE * took)
            print(f"{suite:14} without a fault: passes in {took:.0f} s", flush=True)

    def catch(self, mutant):
        """(suite, test case) that notices it, or None."""
        for suite in mutant.suites:
            self.build(suite)
            by = self.notice(suite)
            if by is not None:
                return suite, by
        return None


def cases(output):
    """Claims of test cases that failed: those of doctest, and those of test/program/harness.py."""
    found = []
    for block in re.split(r"^={20,}$", output, flags=re.MULTILINE):
        case = re.search(r"^TEST CASE:\s+(.*)$", block, re.MULTILINE)
        if case and "ERROR: " in block:  # others say something that is no failure
            found.append(case[1])
    return found or re.findall(r"^FAILED +[\d.]+ s +(.*)$", output, re.MULTILINE)


def is_doctest(suite):
    return "--abort-after=1" in SUITES[suite][1]


def first_case(output):
    return (cases(output) or ["it ended with an error"])[0]


def last_case(output):
    return (cases(output) or ["nothing else was noticed"])[-1]


def load(names):
    known = {path.stem: path for path in sorted(HERE.glob("*.patch"))}
    for name in names:
        if name not in known:
            sys.exit(f"mutants: there is no fault '{name}'; `./run mutants --list` lists them")
    return [Mutant(known[name]) for name in (names or known)]


def worst():
    return (HERE / "worst.txt").read_text(encoding="utf-8").split()


def arguments():
    parser = argparse.ArgumentParser(prog="./run mutants", description=__doc__.split("\n", 1)[0], epilog="examples: ./run mutants --worst; "
                                     "./run mutants link-acknowledges-more-than-sent")
    parser.add_argument("names", nargs="*", metavar="NAME", help="faults to plant; all if there is none")
    parser.add_argument("--list", action="store_true", help="list the faults, with their suites")
    parser.add_argument("--worst", action="store_true", help="plant those that `./run check` plants: the hardest to notice")
    return parser.parse_args()


def main():
    chosen = arguments()
    try:
        mutants = load(worst() if chosen.worst else chosen.names)
        texts = {mutant.name: mutant.apply() for mutant in mutants}
    except Unusable as error:
        print(f"mutants: {error}", file=sys.stderr)
        return 1
    if chosen.list:
        for mutant in mutants:
            print(f"{mutant.name:40} [{' '.join(mutant.suites)}] {mutant.claim}")
        return 0
    os.nice(5)
    start = time.monotonic()
    WORK.mkdir(exist_ok=True)
    lock = open(WORK / "lock", "w")  # held until this process ends
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"mutants: another run works in {WORK}: wait until it has ended", file=sys.stderr)
        return 1
    synchronise()
    configure()
    bench = Bench(set())
    bench.measure(sorted({suite for mutant in mutants for suite in mutant.suites}, key=list(SUITES).index))
    # Faults of one file one after the other: then less is compiled again.
    mutants.sort(key=lambda mutant: (mutant.suites[0], sorted(texts[mutant.name]), mutant.name))
    caught, survived, unusable = 0, [], []
    try:
        for mutant in mutants:
            begin = time.monotonic()
            bench.put(texts[mutant.name])
            try:
                by = bench.catch(mutant)
            except Unusable as error:
                print(f"mutants: {mutant.where()}: {error}", file=sys.stderr)
                unusable.append(mutant.name)
                continue
            took = time.monotonic() - begin
            if by is None:
                survived.append(mutant)
                print(f"{mutant.name:40} {took:4.0f} s  SURVIVED {' '.join(mutant.suites)}: {mutant.claim}", flush=True)
            else:
                caught += 1
                print(f"{mutant.name:40} {took:4.0f} s  {by[0]}: {by[1]}", flush=True)
    finally:
        bench.put({})
    for mutant in survived:
        print(f"survived: {mutant.where()}: {mutant.claim}")
    print(f"{time.monotonic() - start:.0f} s in all")
    print(f"{caught} caught, {len(survived)} survived" + (f", {len(unusable)} not usable" if unusable else ""))
    return 1 if survived or unusable else 0


def interrupt(*_):
    raise KeyboardInterrupt


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("mutants: interrupted; the checkout was not changed", file=sys.stderr)
        sys.exit(130)
