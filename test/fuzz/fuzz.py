#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the fuzz targets, two at a time, and prints a line for each: how many inputs it ran, how many edges of the code
they reached, and what was found.

Each starts from the stored inputs (test/fuzz/corpus), the examples of PROTOCOL.md, and what earlier runs found.
Exit code 1 if an input broke a claim, crashed, leaked or took too long: then it says where the input lies.
"""
import argparse
import concurrent.futures
import hashlib
import os
import pathlib
import re
import signal
import subprocess
import sys

SOURCES = pathlib.Path(__file__).resolve().parent
ROOT = SOURCES.parents[1]
HEADER = "# SPDX-License-Identifier: Apache-2.0\n# An input a line, in hexadecimal: `./run fuzz --store` writes this file.\n"
MOST_STORED = 50
LONGEST_STORED = 400  # bytes of one input
LONGEST_INPUT = 4096  # bytes

# Which examples of PROTOCOL.md a target begins with, by their first bytes; and what stands in front of each.
ANY = ""
EXAMPLES = {
    "announcement": ("97ac67616c656e61", None),
    "batch": (ANY, None),
    "client": (ANY, bytes([0, 2, 2, 1, 3])),
    "entry": (ANY, None),
    "inlet": (ANY, bytes([1, 0, 39, 7, 1, 0, 2, 5, 0, 1, 6])),
    "message": (ANY, None),
    "names_message": ("92a", None),
    "object": (ANY, None),
    "outlet": (ANY, bytes([1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0])),
    "pack": (ANY, None),
    "positions": (None, None),
    "report": ("92a67265706f7274", None),
    "service": (ANY, bytes([0, 4])),
    "text": (None, None),
}
# And what is no frame.
TEXTS = {
    "positions": [
        b"\x01\x00\x01\x01\x00\x30" + b"name\t77777777777777777777777777777777 5 1 0 0 0000000000000000 1\n",
        b"\x00\x00\x44" + b"77777777777777777777777777777777 5 1 8 1 00000000deadbeef 1764000000",
    ],
    "text": [
        b"\x00\x00\x12" + b"ticks:cpu/*,a\\x00b",
        b"\x00\x00\x09" + b"a/*=b\\*c*",
        b"\x01\x00\x08" + b"a\tb\\\n\x00\xff\xc3",
        b"\x02\x00\x05cpu/0\x00\x0217\x00\x00\x00",
        b"\x02\x00\x05cpu/0\x00\x06\x81\xa4free\x03\x01\x01\x01",
        b"\x03\x00\x3c" + b'{"topic":"cpu/0","message":{"free":3},"encoding":"msgpack"}\x00\x02\x00',
        b"\x04\x01\n\x00\x06" + b"a\nbc\nd",
    ],
}


def examples():
    """The bytes of each example of PROTOCOL.md."""
    for block in re.findall(r"^```\n(.*?)^```", (ROOT / "PROTOCOL.md").read_text(encoding="utf-8"), re.S | re.M):
        if re.fullmatch(r"[0-9a-f \n]+", block):
            yield bytes.fromhex(block)


def stored(target):
    path = SOURCES / "corpus" / f"{target}.hex"
    if not path.exists():
        return []
    return [bytes.fromhex(line) for line in path.read_text().splitlines() if not line.startswith("#")]


def write_inputs(folder, inputs):
    folder.mkdir(parents=True, exist_ok=True)
    for data in inputs:
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)


def seeds(target):
    start, before = EXAMPLES[target]
    for frame in examples() if start is not None else []:
        if frame.hex().startswith(start):
            yield frame if before is None else before + len(frame).to_bytes(2, "big") + frame
    yield from TEXTS.get(target, [])


class Target:
    def __init__(self, name, build):
        self.name = name
        self.program = build / "test/fuzz" / f"{name}_fuzz"
        self.seeds = build / "fuzz" / name / "seeds"
        self.corpus = build / "fuzz" / name / "corpus"
        self.found = build / "fuzz" / name / "found"
        self.found.mkdir(parents=True, exist_ok=True)
        self.corpus.mkdir(parents=True, exist_ok=True)
        write_inputs(self.seeds, [*seeds(name), *stored(name)])
        self.process = None

    def command(self, *arguments):
        return [
            str(self.program),
            f"-max_len={LONGEST_INPUT}",
            "-timeout=20",
            "-rss_limit_mb=2048",
            *map(str, arguments),
        ]

    def run(self, seconds):
        """The line about this target, and whether nothing was found."""
        command = self.command(
            f"-max_total_time={seconds}", f"-artifact_prefix={self.found}/", "-print_final_stats=1", self.corpus, self.seeds
        )
        memory = pathlib.Path("/dev/shm")  # for targets that write files, many a second
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True,
            env={**os.environ, **({"TMPDIR": str(memory)} if os.access(memory, os.W_OK) else {})},
        )
        said = self.process.communicate()[1]
        edges = re.findall(r"cov: (\d+)", said) or ["0"]
        runs = re.findall(r"stat::number_of_executed_units: (\d+)", said) or re.findall(r"^#(\d+)", said, re.M) or ["0"]
        line = f"{self.name:15}{int(runs[-1]):>12,} inputs{edges[-1]:>8} edges   "
        if self.process.returncode == 0:
            return line + "fine", True
        path = re.findall(r"Test unit written to (\S+)", said)
        why = re.findall(r"^(claim does not hold: .*|.*assertion failed: .*|.*runtime error: .*|.*ERROR: .*)$", said, re.M)
        line += why[0] if why else f"ended with {self.process.returncode}"
        if path:
            line += f"\n  the input: {path[-1]}\n  again:     {self.program} {path[-1]}"
        else:
            line += "\n" + "\n".join(said.splitlines()[-20:])
        return line, False

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)

    def store(self):
        """Keeps a few of the inputs, which together reach every edge that any of them reaches, as far as they go."""
        merged = self.corpus.with_name("merged")
        merged.mkdir(exist_ok=True)
        for path in merged.iterdir():
            path.unlink()
        command = self.command("-merge=1", "-use_counters=0", merged, self.corpus, self.seeds)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        inputs = sorted((path.read_bytes() for path in merged.iterdir()), key=lambda data: (len(data), data))
        kept = [data for data in inputs if 0 < len(data) <= LONGEST_STORED]
        # The longest reach most.
        kept = kept[-MOST_STORED:]
        path = SOURCES / "corpus" / f"{self.name}.hex"
        path.parent.mkdir(exist_ok=True)
        path.write_text(HEADER + "".join(data.hex() + "\n" for data in kept))
        return f"{self.name:15}{len(inputs):>6} inputs reach all edges, {len(kept)} stored in {path.relative_to(ROOT)}"


def main():
    parser = argparse.ArgumentParser(
        prog="./run fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("target", nargs="?", choices=["all", *EXAMPLES], default="all", metavar="TARGET",
                        help="one of " + ", ".join(EXAMPLES) + "; default: all of them")
    parser.add_argument("seconds", nargs="?", type=int, default=10, metavar="SECONDS", help="for each target; default: 10")
    parser.add_argument("--store", action="store_true",
                        help=f"instead of running, store up to {MOST_STORED} short inputs of those found by earlier runs")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build-fuzz", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.seconds < 1:
        parser.error("SECONDS is 1 at least")
    names = list(EXAMPLES) if options.target == "all" else [options.target]
    targets = [Target(name, options.build) for name in names]
    if options.store:
        for target in targets:
            print(target.store(), flush=True)
        return 0

    good = True
    pool = concurrent.futures.ThreadPoolExecutor(max_workers=2)
    try:
        waiting = [pool.submit(target.run, options.seconds) for target in targets]
        for each in concurrent.futures.as_completed(waiting):
            line, fine = each.result()
            good = good and fine
            print(line, flush=True)
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
        for target in targets:
            target.stop()
        print("interrupted", file=sys.stderr)
        return 130
    return 0 if good else 1


sys.exit(main())
