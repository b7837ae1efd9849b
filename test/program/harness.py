# SPDX-License-Identifier: Apache-2.0
"""Runs `galena` as a user does: real processes, told apart by a domain of their own for each case.

Everything waits for something to happen; the deadlines are only there so that a failure ends.
"""
import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import threading
import time
import traceback
import uuid

PROGRAM = os.environ.get("GALENA_PROGRAM", "")
DEADLINE = float(os.environ.get("GALENA_TEST_DEADLINE", "40"))
AT_A_TIME = 6

CASES = []


def case(claim):
    """The function shows that the claim holds. It gets a World."""

    def add(function):
        CASES.append((claim, function))
        return function

    return add


def until(is_so):
    """Asks until it is so: of what nobody tells."""
    end = time.monotonic() + DEADLINE
    while not is_so():
        assert time.monotonic() < end, "it never was"
        time.sleep(0.02)  # between two looks


class Stream:
    """What a process has written so far; others can wait for more of it."""

    def __init__(self, file):
        self._file = file
        self._changed = threading.Condition()
        self._bytes = bytearray()
        self.ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while piece := os.read(self._file.fileno(), 1 << 16):
            with self._changed:
                self._bytes += piece
                self._changed.notify_all()
        with self._changed:
            self.ended = True
            self._changed.notify_all()

    def bytes(self):
        with self._changed:
            return bytes(self._bytes)

    def text(self):
        return self.bytes().decode(errors="replace")

    def until(self, pattern, what):
        """The match of a regular expression in what was written, as soon as there is one."""
        end = time.monotonic() + DEADLINE
        compiled = re.compile(pattern.encode() if isinstance(pattern, str) else pattern, re.MULTILINE)
        with self._changed:
            while not (match := compiled.search(self._bytes)):
                left = end - time.monotonic()
                assert not self.ended, f"{what} ended without {pattern!r}: {bytes(self._bytes)[-2000:]!r}"
                assert left > 0, f"{what} did not write {pattern!r}: {bytes(self._bytes)[-2000:]!r}"
                self._changed.wait(left)
            return match

    def until_end(self, what):
        self._thread.join(DEADLINE)
        assert self.ended, f"{what} does not end; it wrote {self.bytes()[-2000:]!r}"
        return self.bytes()


class Process:
    def __init__(self, arguments, env, read_output=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=None):
        self.what = "galena " + " ".join(arguments)
        self._popen = subprocess.Popen(
            [PROGRAM, *arguments], stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, env=env,
            bufsize=0, preexec_fn=preexec_fn)
        self.pid = self._popen.pid
        self.stdin = self._popen.stdin
        self.stdout = self._popen.stdout  # for cases that read it themselves
        self.out = Stream(self._popen.stdout) if read_output and self._popen.stdout else None
        self.err = Stream(self._popen.stderr)

    def says(self, pattern):
        return self.err.until(pattern, self.what)

    def prints(self, pattern):
        return self.out.until(pattern, self.what)

    def write(self, data):
        """Gives it input. A process that has ended does not take any."""
        view = memoryview(data if isinstance(data, bytes) else data.encode())
        try:
            while view:
                view = view[os.write(self._popen.stdin.fileno(), view):]
        except (BrokenPipeError, ValueError):  # it has ended, or its case has
            pass

    def close(self):
        if self._popen.stdin and not self._popen.stdin.closed:
            self._popen.stdin.close()

    def feed(self, data):
        self.write(data)
        self.close()

    def feed_aside(self, data):
        """The same by a thread of its own, for more than a pipe holds."""
        thread = threading.Thread(target=self.feed, args=(data,), daemon=True)
        thread.start()
        return thread

    def signal(self, number):
        os.kill(self.pid, number)

    def exit_code(self):
        try:
            code = self._popen.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.what} still runs; it said {self.err.text()[-2000:]!r}") from None
        self.err.until_end(self.what)
        if self.out is not None:
            self.out.until_end(self.what)
        return code

    def ends_with(self, code):
        """Returns what it printed."""
        got = self.exit_code()
        assert code is None or got == code, f"{self.what}: exit code {got} instead of {code}; it said {self.err.text()[-2000:]!r}"
        return self.out.bytes() if self.out is not None else b""

    def end(self):
        if self._popen.poll() is None:
            self._popen.kill()
            self._popen.wait()
        self.close()


class World:
    """The processes of one case, in a domain of their own."""

    def __init__(self):
        self.domain = "test-" + uuid.uuid4().hex
        self.processes = []

    def environment(self, **extra):
        env = {key: value for key, value in os.environ.items() if not key.startswith("GALENA_")}
        env["GALENA_DOMAIN"] = self.domain
        env.update(extra)
        return env

    def start(self, *arguments, env=None, **options):
        process = Process([str(argument) for argument in arguments], self.environment(**(env or {})), **options)
        self.processes.append(process)
        return process

    def run(self, *arguments, code=0, stdin=b"", env=None):
        """To its end: what it printed and what it said."""
        process = self.start(*arguments, env=env)
        process.feed(stdin)
        out = process.ends_with(code)
        return out.decode(errors="replace"), process.err.text()

    def sub(self, *arguments, **options):
        """A `sub` that has been heard of by the name service: a producer that starts now knows that it is waiting."""
        process = self.start("sub", "-v", *arguments, **options)
        process.says("searching|connected")
        return process

    def end(self):
        for process in self.processes:
            process.end()


def run_case(claim, function):
    world = World()
    start = time.monotonic()
    try:
        function(world)
        return claim, None, time.monotonic() - start
    except Exception:  # whatever it is, the other cases go on
        said = "".join(
            f"\n  {p.what}: {p.err.text()[-1000:]!r}" for p in world.processes)
        return claim, traceback.format_exc() + said, time.monotonic() - start
    finally:
        world.end()


def main():
    wanted = sys.argv[1:]
    chosen = [(claim, function) for claim, function in CASES if not wanted or any(word in claim for word in wanted)]
    assert PROGRAM, "GALENA_PROGRAM says where the program is"
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        for run in concurrent.futures.as_completed([pool.submit(run_case, *each) for each in chosen]):
            claim, failure, seconds = run.result()
            failed += failure is not None
            print(f"{'FAILED' if failure else 'passed'} {seconds:5.1f} s  {claim}", flush=True)
            if failure:
                print(failure, flush=True)
    # As doctest does, for count_tests.py.
    passed = len(chosen) - failed
    print(f"[doctest] test cases: {len(chosen):6} | {passed} passed | {failed} failed | 0 skipped")
    sys.exit(1 if failed or not chosen else 0)
