# SPDX-License-Identifier: Apache-2.0
"""A process that a trial starts, talks to, hurts and ends."""
import os
import queue
import resource
import signal
import subprocess
import threading
import time


class Process:
    def __init__(self, what, command, errors):
        self.what = what
        self.ended_on_purpose = False
        with open(errors, "ab") as file:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file)
        self.pid = self.process.pid
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.decode(errors="replace").rstrip("\n"))
        self.lines.put(None)

    def line(self, start, seconds=20):
        """The next line that starts with `start`."""
        end = time.monotonic() + seconds
        while True:
            try:
                line = self.lines.get(timeout=max(0.001, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{self.what}: no line '{start}...' within {seconds} s") from None
            if line is None:
                self.lines.put(None)
                raise AssertionError(f"{self.what}: ended with {self.process.wait()} before it said '{start}...'")
            if line.startswith(start):
                return line

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, what, start, seconds=20):
        self.say(what)
        return self.line(start, seconds)

    def alive(self):
        return self.process.poll() is None

    def kill(self):
        self.ended_on_purpose = True
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def end(self, seconds=30):
        """SIGTERM: it leaves in good order, and says so."""
        self.ended_on_purpose = True
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.what}: did not end within {seconds} s of SIGTERM") from None
        if code != 0:
            raise AssertionError(f"{self.what}: ended with {code} after SIGTERM")

    def limit_files(self, count):
        """No descriptor at or above `count` from now on; None: as many as it may have."""
        hard = resource.prlimit(self.pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (hard if count is None else count, hard))
