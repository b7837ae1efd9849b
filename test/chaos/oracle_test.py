#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each verdict of the oracle can come out, and none comes out by mistake."""
import unittest
import zlib

import oracle


def event(position, label="p", marked=0):
    text = f"{label} {position} xyz "
    return f"e {marked} {text}{zlib.crc32(text.encode()):08x}"


def judge(journal, accepted=10, offered=None, **others):
    accounts = {"p": oracle.Account(accepted, accepted if offered is None else offered)}
    accounts.update(others)
    return oracle.judge(accounts, journal)


def all_events():
    return ["b"] + [event(position) for position in range(10)]


class OracleTest(unittest.TestCase):
    def check(self, verdict, **expected):
        for name in ("lost_told", "lost_untold", "repeated_marked", "repeated_unmarked", "reordered", "phantom",
                     "told_too_much"):
            self.assertEqual(getattr(verdict, name), expected.get(name, 0), f"{name}: {verdict}")
        self.assertEqual(verdict.ok, expected.get("ok", 10))

    def test_all_that_came_once_and_in_order_is_ok(self):
        self.check(judge(all_events()))

    def test_one_removed_is_lost_and_untold(self):
        journal = all_events()
        del journal[4]
        verdict = judge(journal)
        self.check(verdict, ok=9, lost_untold=1)
        self.assertIn("p [3, 4) did not come", verdict.notes[0])

    def test_the_first_and_the_last_are_missed_too(self):
        self.check(judge(all_events()[2:]), ok=9, lost_untold=1)
        self.check(judge(all_events()[:-1]), ok=9, lost_untold=1)
        self.check(judge([]), ok=0, lost_untold=10)

    def test_one_that_a_gap_tells_of_is_told(self):
        for count in ("1", "unknown"):
            journal = all_events()
            journal[4] = f"g p {count} 3 4 lost"
            self.check(judge(journal), ok=9, lost_told=1)

    def test_a_gap_with_too_small_a_count_leaves_the_rest_untold(self):
        journal = all_events()
        journal[4:7] = ["g p 2 3 5 full"]
        self.check(judge(journal), ok=7, lost_told=2, lost_untold=1)

    def test_a_gap_with_too_large_a_count_is_noticed(self):
        journal = all_events()
        journal[4] = "g p 3 3 6 full"
        self.check(judge(journal), ok=9, lost_told=1, told_too_much=2)

    def test_a_gap_elsewhere_in_the_journal_tells_nothing(self):
        for place in (2, 8):
            journal = all_events()
            del journal[4]
            journal.insert(place, "g p unknown 3 4 lost")
            self.check(judge(journal), ok=9, lost_untold=1)

    def test_a_gap_of_another_source_tells_nothing(self):
        journal = all_events()
        journal[4] = "g other unknown 3 4 lost"
        accounts = {"p": oracle.Account(10, 10, "p")}
        self.check(oracle.judge(accounts, journal), ok=9, lost_untold=1)

    def test_a_gap_that_a_relay_was_told_of_counts(self):
        journal = all_events()
        del journal[4]
        accounts = {"p": oracle.Account(10, 10)}
        self.check(oracle.judge(accounts, journal, [["b", "g p unknown 0 0 lost"]]), ok=9, lost_told=1)

    def test_of_what_a_relay_handled_only_order_repetition_and_phantoms_count(self):
        journal = all_events()
        del journal[5]  # lost
        journal += [event(3), event(6, marked=1), event(99)]
        verdict = oracle.judge_order({"p": oracle.Account(10, 10)}, journal, "r")
        self.check(verdict, ok=0, repeated_unmarked=1, phantom=1)
        self.assertTrue(all(note.startswith("r: ") for note in verdict.notes), verdict.notes)
        self.check(oracle.judge_order({"p": oracle.Account(10, 10)}, [event(1), event(0)], "r"), ok=0, reordered=1)

    def test_one_doubled_without_a_mark_is_unmarked(self):
        journal = all_events()
        journal.insert(5, journal[4])
        verdict = judge(journal)
        self.check(verdict, repeated_unmarked=1)
        self.assertIn("line 6: p 3 came again, unmarked; first in line 5", verdict.notes)

    def test_a_repeat_that_is_marked_is_told_apart(self):
        journal = all_events() + ["", "b", event(8, marked=1), event(9, marked=1)]
        self.check(judge(journal), repeated_marked=2)

    def test_a_repeat_that_came_marked_first_is_unmarked_except_when_two_wrote_at_once(self):
        journal = all_events()
        journal[4:5] = [event(3, marked=1), event(3)]
        self.check(judge(journal), repeated_unmarked=1)
        accounts = {"p": oracle.Account(10, 10)}
        self.check(oracle.judge(accounts, journal, overlap=True), repeated_marked=1)

    def test_what_was_being_written_when_its_writer_was_killed_was_not_handled(self):
        journal = all_events()
        journal[9:10] = [journal[9][:-5], "b", event(8, marked=1)]
        self.check(judge(journal))
        del journal[11]
        self.check(judge(journal), ok=9, lost_untold=1)

    def test_a_mark_on_what_is_no_repeat_does_no_harm(self):
        journal = all_events()
        journal[4] = event(3, marked=1)
        self.check(judge(journal))

    def test_two_swapped_are_reordered(self):
        journal = all_events()
        journal[4], journal[5] = journal[5], journal[4]
        self.check(judge(journal), ok=9, reordered=1)

    def test_an_altered_one_is_a_phantom_and_what_it_was_is_lost(self):
        journal = all_events()
        journal[4] = journal[4].replace("xyz", "xyy")
        self.check(judge(journal), ok=9, phantom=1, lost_untold=1)

    def test_what_nobody_gave_is_a_phantom(self):
        self.check(judge(all_events() + [event(10)]), phantom=1)
        self.check(judge(all_events() + [event(0, "q")]), phantom=1)
        self.check(judge(all_events() + ["e 0 short"]), phantom=1)

    def test_what_was_offered_when_its_source_died_may_come_or_not(self):
        self.check(judge(all_events(), accepted=9, offered=10))
        self.check(judge(all_events()[:-1], accepted=9, offered=10), ok=9)

    def test_several_sources_share_what_a_gap_tells_of(self):
        journal = ["b", event(0), event(0, "q"), "g r 2 2 4 full", event(2), event(2, "q")]
        self.check(judge(journal, 3, q=oracle.Account(3, 3)), ok=4, lost_told=2)

    def test_verdicts_add_up(self):
        total = judge(all_events())
        total.add(judge(all_events()[:-1]))
        self.check(total, ok=19, lost_untold=1)
        self.assertEqual(total.events, 20)
        self.assertEqual(total.bad(), 1)


if __name__ == "__main__":
    unittest.main()
