# SPDX-License-Identifier: Apache-2.0
"""One trial of one row, in namespaces of its own: what chaos.py starts for each."""
import dataclasses
import json
import pathlib
import time
import traceback

import oracle
import rows
import scene as scenes


def play(row, directory, peer, program, timing, seed):
    """Returns what happened, as a dictionary."""
    began = time.monotonic()
    verdict = oracle.Verdict()
    problems = []
    recovery = None
    scene = None
    try:
        scene = scenes.Scene(directory, peer, program, timing, seed)
        row.play(scene)
        scene.tell("no more faults")
        recovery = scene.finish()
    except Exception as error:  # whatever it was, it goes into the table
        problems.append(str(error) or repr(error))
        (pathlib.Path(directory) / "traceback").write_text(traceback.format_exc())
    if scene is not None:
        scene.close()
        verdict = scene.judge()
        for note in verdict.notes + problems:
            scene.tell(note)
    if row.must_tell and not verdict.unknown_gaps and not verdict.lost_told:
        problems.append("nobody was told that something may be missing")
    if verdict.lost_told and not row.may_lose:
        problems.append(f"{verdict.lost_told} were lost (told)")
    if verdict.told_too_much and not row.may_tell_too_much:
        problems.append(f"gaps tell of {verdict.told_too_much} events that came, or are told of twice")
    if verdict.repeated_marked and not row.may_repeat:
        problems.append(f"{verdict.repeated_marked} were repeated (marked)")
    return dataclasses.asdict(verdict) | {"problems": problems, "recovery": recovery,
                                          "seconds": time.monotonic() - began}


def main(name, directory, peer, program, is_long, seed):
    timing = scenes.LONG if is_long else scenes.SHORT
    result = play(rows.ROWS[name], directory, peer, program, timing, seed)
    (pathlib.Path(directory) / "result.json").write_text(json.dumps(result, indent=1))
