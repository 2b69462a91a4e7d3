"""Hooked calls that outlive the request they began in, or whose place another call had before."""

import collections

from hostcase import HostCase, Keys, Request

ROUNDS = 10


class Outlive(HostCase):
    def timers(self, scenario, hooks, timers):
        """Returns how often there was which request with which timers."""
        shim = self.shim(HOOKS=hooks, TIMERS=timers)
        self.run_under(shim, "outlive", scenario)
        self.receiver.barrier()
        self.assert_clean(self.receiver)
        self.assertEqual(len(self.receiver.timers[Keys().all]), len(shim.requests()))
        return collections.Counter(
            (Request(line["label"], line["action"], line["status"]), line["outcome"],
             tuple(sorted((name, timer["count"]) for name, timer in line["timers"].items())))
            for line in shim.requests()
        )

    def test_a_timer_in_the_place_of_a_request(self):
        labels = [f"timed_{i}" for i in range(1, 11)]
        self.assertEqual(self.timers("after_a_request", "whole", ";".join(labels)), {
            (Request("whole", "call", 200), "done", ()): ROUNDS,
            (Request("many", "GET", 200), "done", tuple(sorted((label, 1) for label in labels))): ROUNDS,
        })

    def test_a_timer_that_outlives_its_request(self):
        """It counts for that request, till its end, and for no other one."""
        self.assertEqual(self.timers("outlives", None, "ending=outer.ending;whole=inner.whole"), {
            (Request("first", "GET", 200), "done", (("outer.ending", 1),)): ROUNDS,
        })

    def test_a_timer_that_outlives_its_request_into_another(self):
        self.assertEqual(self.timers("outlives_into_another", None, "changing=outer.changing;whole=inner.whole"), {
            (Request("first", "GET", 200), "done", (("outer.changing", 1),)): ROUNDS,
            (Request("second", "GET", 200), "done", (("inner.whole", 2),)): ROUNDS,
        })
