#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real processes over TCP under real faults, and an account of every event: a table of fault x outcome."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import oracle  # noqa: E402
import rows  # noqa: E402
import trial  # noqa: E402

SKIPPED = 77
EXAMPLES = """\
examples:
  ./run chaos                          each row once, with short timers
  ./run chaos --trials 100 --long      what a night is for
  ./run chaos --row reset --trials 20
  ./run chaos --row reset --seed 123   the choices of an earlier run
"""


def unshare_flags():
    """A network, mounts and process ids of our own: whatever a trial leaves behind goes with it."""
    return ["-nmpf", "--kill-child"] if os.geteuid() == 0 else ["-Urnmpf", "--kill-child"]


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    built = HERE.parent.parent / "build"
    parser.add_argument("--peer", default=built / "test/chaos/chaos_peer", help="the program chaos_peer")
    parser.add_argument("--program", default=built / "apps/galena", help="the program galena")
    parser.add_argument("--trials", type=int, default=1, metavar="N", help="of each row (1)")
    parser.add_argument("--seed", type=int, help="repeats the choices of an earlier run")
    parser.add_argument("--row", action="append", metavar="NAME", help="only this one; several times for several")
    parser.add_argument("--list", action="store_true", help="say which rows there are")
    parser.add_argument("--jobs", type=int, default=6, metavar="N", help="trials at a time (6)")
    parser.add_argument("--long", action="store_true",
                        help="liveness 2 s and faults of 1 to 60 s, instead of 200 ms and 0.1 to 2 s")
    parser.add_argument("--keep", action="store_true", help="keep the logs of trials that went well, too")
    parser.add_argument("--inside", nargs=2, metavar=("ROW", "DIRECTORY"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.peer, options.program = (pathlib.Path(one).resolve() for one in (options.peer, options.program))
    return options


class Run:
    """All the trials that were asked for, several at a time."""

    def __init__(self, options, seed):
        self.options = options
        self.seed = seed
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="galena-chaos-"))
        self.results = {}  # row -> results
        self.lock = threading.Lock()
        self.done = 0
        self.processes = set()

    def trial(self, name, number):
        """In a process of its own, which enters namespaces of its own."""
        directory = self.directory / f"{name}-{number}"
        directory.mkdir()
        command = ["unshare", *unshare_flags(), sys.executable, __file__, "--inside", name, str(directory), "--peer",
                   str(self.options.peer), "--program", str(self.options.program), "--seed", str(self.seed),
                   "--trials", str(number)] + (["--long"] if self.options.long else [])
        with open(directory / "output", "w") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
            self.processes.add(process)
            code = process.wait()
            self.processes.discard(process)
        try:
            result = json.loads((directory / "result.json").read_text())
        except FileNotFoundError:
            result = {"problems": [f"the trial ended with {code}: {(directory / 'output').read_text()[-300:]}"]}
        verdict = verdict_of(result)
        result["directory"] = str(directory)
        result["number"] = number
        result["failed"] = bool(result["problems"]) or verdict.bad() > 0
        if not result["failed"] and not self.options.keep:
            shutil.rmtree(directory)
        with self.lock:
            self.results.setdefault(name, []).append(result)
            self.done += 1
        return name, result

    def progress(self, total, name, result):
        if sys.stderr.isatty():
            print(f"\r{self.done}/{total} {name:24}", end="", file=sys.stderr, flush=True)
        if result["failed"]:
            why = "; ".join(result["problems"] + result.get("notes", []))
            print(f"FAILED: {name}, trial {result['number']}: {why}\n        logs: {result['directory']}", flush=True)

    def all(self, names):
        jobs = [(name, number) for number in range(1, self.options.trials + 1) for name in names]
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            futures = [pool.submit(self.trial, *job) for job in jobs]
            try:
                for future in concurrent.futures.as_completed(futures):
                    self.progress(len(jobs), *future.result())
            except KeyboardInterrupt:
                for future in futures:
                    future.cancel()
                for process in list(self.processes):
                    process.send_signal(signal.SIGTERM)
                raise
        if sys.stderr.isatty():
            print("\r" + " " * 60 + "\r", end="", file=sys.stderr)


def verdict_of(result):
    fields = {key: result[key] for key in oracle.Verdict.__dataclass_fields__ if key in result}
    return oracle.Verdict(**fields)


COLUMNS = ["row", "trials", "events", "ok", "lost told", "lost UNTOLD", "repeats marked", "UNMARKED", "reordered",
           "phantom", "verdict"]


def table(names, results):
    lines = [COLUMNS]
    for name in names:
        of_row = results.get(name, [])
        total = oracle.Verdict()
        for result in of_row:
            total.add(verdict_of(result))
        failed = sum(result["failed"] for result in of_row)
        lines.append([name, len(of_row), total.events, total.ok, total.lost_told, total.lost_untold,
                      total.repeated_marked, total.repeated_unmarked, total.reordered, total.phantom,
                      f"{failed} of {len(of_row)} BAD" if failed else "fine"])
    widths = [max(len(str(line[i])) for line in lines) for i in range(len(COLUMNS))]
    for line in lines:
        cells = [str(cell).ljust(width) if i in (0, len(widths) - 1) else str(cell).rjust(width)
                 for i, (cell, width) in enumerate(zip(line, widths))]
        print("  ".join(cells).rstrip())


def main():
    options = arguments()
    if options.inside:
        name, directory = options.inside
        trial.main(name, directory, str(options.peer), str(options.program), options.long,
                   f"{options.seed}/{name}/{options.trials}")
        return 0
    names = options.row or list(rows.ROWS)
    if options.list:
        for name in names:
            print(f"{name:24} {rows.ROWS[name].text}")
        return 0
    for name in names:
        if name not in rows.ROWS:
            print(f"chaos: there is no row '{name}'; --list lists them", file=sys.stderr)
            return 2
    probe = subprocess.run(["unshare", *unshare_flags(), "mount", "-t", "tmpfs", "tmpfs", "/run"], capture_output=True)
    if probe.returncode != 0:
        print(f"skipped: no namespaces here: {probe.stderr.decode().strip()}")
        return SKIPPED
    seed = options.seed if options.seed is not None else secrets.randbelow(1 << 32)
    print(f"seed {seed}", flush=True)
    began = time.monotonic()
    run = Run(options, seed)
    run.all(names)
    table(names, run.results)
    failed = [result for of_row in run.results.values() for result in of_row if result["failed"]]
    print(f"{len(failed)} of {run.done} trials bad, {time.monotonic() - began:.0f} s, seed {seed}")
    if failed or options.keep:
        print(f"logs: {run.directory}")
    else:
        shutil.rmtree(run.directory)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
