"""What a program under the shim tells of requests of its own, by stats_hero.h: a test a behaviour.

Names and figures are those of the original's tests, and of the table of what the original does.
"""

import collections
import os
import re
import shutil
import socket
import subprocess

from hostcase import HostCase, Keys, program, run, servers
from receiver import Receiver

ID = "req_id_123"
KIND = "test_hero.application.byRequestType.nodes.PUT"
UPSTREAM = "test_hero.upstreamRequests."

START = (
    ("test_hero.application.allRequests", 1, "m"),
    ("test_hero.test-host.allRequests", 1, "m"),
    (KIND, 1, "m"),
)


def end(time_ms, status=200, *upstreams):
    """The lines of an end: (key, value, type)."""
    return (
        (f"test_hero.application.byStatusCode.{status}", 1, "m"),
        (f"test_hero.test-host.byStatusCode.{status}", 1, "m"),
        ("test_hero.application.allRequests", time_ms, "h"),
        ("test_hero.test-host.allRequests", time_ms, "h"),
        (KIND, time_ms, "h"),
    ) + upstreams


# Of the timers that `api original` adds: rdbms.micro is 1,999 + 999 + 1,000 us, cut once.
UPSTREAMS = (
    (UPSTREAM + "authz", 100, "h"),
    (UPSTREAM + "rdbms", 1203, "h"),
    (UPSTREAM + "authz.nodes.read", 100, "h"),
    (UPSTREAM + "rdbms.micro", 3, "h"),
    (UPSTREAM + "rdbms.nodes.fetch", 1000, "h"),
    (UPSTREAM + "rdbms.nodes.put", 200, "h"),
    (KIND + ".upstreamRequests.authz", 100, "h"),
    (KIND + ".upstreamRequests.rdbms", 1203, "h"),
)


def frame(lines):
    """A datagram of SHP."""
    body = "".join(f"{key}:{value}|{kind}\n" for key, value, kind in lines)
    return f"1|{len(body)}\n{body}".encode()


def statsd(lines):
    kinds = {"m": "c", "h": "ms"}
    return "".join(f"{key}:{value}|{kinds[kind]}\n" for key, value, kind in lines).encode()


class ApiCase(HostCase):
    def api(self, scenario, told=0, **settings):
        """Runs a scenario of api.c; its diagnostics have `told` lines. Returns its output."""
        self.log = self.shim(LOG=os.path.join(servers.temporary_folder(), "log"), app="process", **settings)
        out = self.run_under(self.log, "api", scenario)
        self.receiver.barrier()
        self.assertEqual(len(self.diagnostics()), told, self.diagnostics())
        return out

    def diagnostics(self):
        try:
            with open(self.log.environment["STATS_HERO_LOG"], encoding="utf-8", errors="replace") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def logged(self):
        """The one line of the request log."""
        [line] = self.log.requests()
        return line

    def assert_datagrams(self, *expected):
        """These were received, byte for byte and in this order."""
        self.receiver.barrier()
        self.receiver.wait_until(lambda: self.receiver.datagrams >= len(expected))
        self.assertEqual(self.receiver.raw, list(expected))

    def counters(self):
        counters = dict(self.receiver.counters)
        self.assertEqual(self.receiver.refused, [])
        return counters

    def upstreams(self):
        """The timers below upstreamRequests, by what stands behind it."""
        return {key.split("upstreamRequests.")[1]: values for key, values in self.receiver.timers.items()
                if key.startswith(UPSTREAM)}


class Frames(ApiCase):
    """What is sent of a request."""

    def datagrams(self, spell, upstreams, scenario, **settings):
        """The start, then the end, byte for byte."""
        self.api(scenario, **settings)
        time_ms = self.logged()["req_time_us"] // 1000
        self.assert_datagrams(spell(START), spell(end(time_ms, 200, *upstreams)))

    def test_frames_byte_for_byte(self):
        self.datagrams(frame, UPSTREAMS, "original")

    def test_protocol_example(self):
        """The start of the original's description, to the last byte."""
        self.assertEqual(frame(START), b"1|124\n"
                         b"test_hero.application.allRequests:1|m\n"
                         b"test_hero.test-host.allRequests:1|m\n"
                         b"test_hero.application.byRequestType.nodes.PUT:1|m\n")
        self.assertEqual(len(frame(end(109, 200, *UPSTREAMS))), len("1|638\n") + 638)

    def test_statsd_compatible_output_is_emitted_over_udp(self):
        self.receiver = Receiver("statsd")
        self.addCleanup(self.receiver.close)
        self.datagrams(statsd, UPSTREAMS, "original", PROTOCOL="statsd")

    def test_dogstatsd(self):
        self.receiver = Receiver("statsd")
        self.addCleanup(self.receiver.close)
        self.datagrams(statsd, UPSTREAMS, "original", PROTOCOL="dogstatsd")

    def test_microseconds(self):
        self.api("original", TIME_UNIT="us")
        self.assertEqual(self.upstreams()["rdbms.micro"], [3998])
        self.assertEqual(self.upstreams()["rdbms"], [1203998])
        self.assertEqual(self.receiver.timers[KIND], [self.logged()["req_time_us"]])

    def test_request_log(self):
        self.api("original")
        line = self.logged()
        self.assertEqual({key: line[key] for key in ("request_id", "app", "host", "label", "action", "status",
                                                     "outcome")},
                         {"request_id": ID, "app": "test_hero", "host": "test-host", "label": "nodes",
                          "action": "PUT", "status": 200, "outcome": "done"})
        self.assertEqual(line["timers"], {
            "rdbms.nodes.fetch": {"time_us": 1_000_000, "count": 2},
            "rdbms.nodes.put": {"time_us": 200_000, "count": 1},
            "authz.nodes.read": {"time_us": 100_000, "count": 1},
            "no-such-prefix.who": {"time_us": 77_000, "count": 1},
            "rdbms.micro": {"time_us": 3_998, "count": 3},
        })

    def test_aggregated(self):
        """Counters are summed over that time; timers stand for themselves."""
        self.api("original", AGGREGATE_MS=60_000)
        self.assertEqual(self.counters(), {key: value for key, value, kind in START + end(0) if kind == "m"})
        self.assertEqual(self.upstreams(), {key[len(UPSTREAM):]: [value] for key, value, _ in UPSTREAMS
                                            if key.startswith(UPSTREAM)})

    def test_no_timers(self):
        """The end has its first five lines only."""
        self.datagrams(frame, (), "no_timers")

    def test_no_prefix_matches(self):
        self.datagrams(frame, (), "no_match")
        self.assertEqual(list(self.logged()["timers"]), ["no-such-prefix.who"])

    def test_timer_of_zero_is_sent(self):
        self.api("timer_of_zero")
        self.assertEqual(self.upstreams(), {"rdbms": [0], "rdbms.zero": [0]})

    def test_first_prefix_takes_the_label(self):
        """A plain string prefix, in the order in which they were given."""
        self.api("first_prefix")
        self.assertEqual(self.upstreams(), {"rdb": [1], "rdbms.x": [1], "authz.nodes": [2], "authz.nodes.read": [2]})

    def test_no_prefixes(self):
        self.api("no_prefixes")
        self.assertEqual(self.upstreams(), {})

    def test_report_twice(self):
        """Each report sends an end of its own; later timers count into the next."""
        self.api("report_twice")
        self.assertEqual(self.counters(), {
            **{key: 1 for key, _, _ in START},
            **{f"test_hero.{who}.byStatusCode.{status}": 1 for who in ("application", "test-host")
               for status in (200, 500)}})
        self.assertEqual(self.upstreams(), {"rdbms": [1, 3], "rdbms.x": [1, 3]})
        self.assertEqual([(line["status"], line["timers"]["rdbms.x"]) for line in self.log.requests()],
                         [(200, {"time_us": 1000, "count": 1}), (500, {"time_us": 3000, "count": 2})])

    def test_stop_before_report_sends_nothing(self):
        self.api("stop_before_report")
        self.assert_datagrams(frame(START))
        self.assertEqual(self.log.requests(), [])

    def test_any_status(self):
        self.api("statuses")
        wanted = (0, -5, 999, 2**31 - 1, -2**31)
        self.assertEqual({key.rsplit(".", 1)[1] for key in self.counters() if "byStatusCode" in key},
                         set(map(str, wanted)))
        self.assertEqual([line["status"] for line in self.log.requests()], list(wanted))

    def test_illegal_characters_forge_nothing(self):
        """In the application and in timers a dot makes a level; nothing else is taken for anything."""
        self.api("forged")
        clean = "a_1_m_b.application.byRequestType.l_m_1_m_x.PUT_h_"
        self.assertEqual(self.counters(), {
            "a_1_m_b.application.allRequests": 1, "a_1_m_b.test-host.allRequests": 1, clean: 1,
            "a_1_m_b.application.byStatusCode.200": 1, "a_1_m_b.test-host.byStatusCode.200": 1})
        self.assertEqual(set(self.receiver.timers), {
            "a_1_m_b.application.allRequests", "a_1_m_b.test-host.allRequests", clean,
            "a_1_m_b.upstreamRequests.rdbms", "a_1_m_b.upstreamRequests.rdbms.a_1_m_b__",
            clean + ".upstreamRequests.rdbms"})

    def test_empty_names(self):
        self.api("empty_names")
        self.assertIn("_.application.byRequestType._._", self.counters())
        self.assertEqual(list(self.logged()["timers"]), ["_"])

    def test_long_names_are_cut(self):
        self.api("long_names")
        name = "x" * 64
        self.assertIn(f"app.application.byRequestType.{name}.{name}", self.counters())
        self.assertEqual(self.logged()["timers"], {"rdbms." + "x" * 58: {"time_us": 3000, "count": 2}})

    def test_two_applications(self):
        self.api("two_apps")
        for app in ("first", "second.part"):
            self.assertEqual(self.counters()[Keys(app).all], 1)
        self.assertEqual([line["app"] for line in self.log.requests()], ["first", "second.part"])


class Starting(ApiCase):
    """What a start wants. Nothing is sent of a request that could not be started."""

    def silent(self, scenario):
        self.api(scenario)
        self.assert_silent()
        self.assertEqual(self.log.requests(), [])

    def test_missing_my_app(self):
        self.silent("missing_my_app")

    def test_missing_request_label(self):
        self.silent("missing_request_label")

    def test_missing_request_action(self):
        self.silent("missing_request_action")

    def test_missing_request_id(self):
        self.silent("missing_request_id")

    def test_missing_upstream_prefixes(self):
        self.silent("missing_upstream_prefixes")

    def test_empty_id(self):
        self.silent("id_empty")

    def test_id_of_129_bytes(self):
        self.api("id_too_long")
        self.assert_datagrams(frame(START))

    def test_id_of_128_bytes_of_any_kind(self):
        """It can be looked up by all of its bytes, and stands in the log as good JSON."""
        self.api("id_of_any_bytes")
        first, second = self.log.requests()
        self.assertEqual(first["request_id"], "".join(map(chr, range(128))))
        self.assertEqual((first["status"], second["status"]), (200, 201))

    def test_long_application_and_prefixes(self):
        self.api("names_too_long")

    def test_too_many_applications(self):
        self.api("too_many_scopes")
        self.assertEqual(sum(self.counters()[Keys(f"app{i}").all] for i in range(255)), 255)
        self.assertNotIn("app255", {key.split(".")[0] for key in self.counters()})

    def test_same_id_started_twice(self):
        """The newer one is found, then the older one again; nothing is left."""
        self.api("same_id_twice")
        self.assertEqual([(line["label"], line["status"], list(line["timers"])) for line in self.log.requests()],
                         [("newer", 201, ["rdbms.newer"]), ("older", 200, ["rdbms.older"])])

    def test_no_such_parent(self):
        self.api("no_such_parent")
        self.assertEqual(self.counters(), {key: value for key, value, kind in START + end(0) if kind == "m"})


class Keeping(ApiCase):
    """What a request keeps, and gives back."""

    def test_functions_give_not_found_or_nothing_for_a_bad_request_id(self):
        self.api("unknown_id")
        self.assert_silent()

    def test_read_alog_retrieves_a_log_message(self):
        self.api("read_alog")

    def test_alog_is_bounded(self):
        self.api("alog_is_full")

    def snapshots(self):
        found = collections.defaultdict(dict)
        for name, label, time_us, count in re.findall(r"(\S+) (\S+) (\d+) (\d+)\n", self.api("snapshot")):
            self.assertNotIn(label, found[name])
            found[name][label] = int(time_us), int(count)
        return found

    calls = {"rdbms.nodes.fetch": 10, "rdbms.nodes.put": 1, "authz.nodes.read": 1,
             "no-such-prefix.who.what.where": 1}

    def test_snapshot_returns_the_right_set_of_keys(self):
        found = self.snapshots()
        self.assertEqual(set(found["agg"]), {"req_time", "rdbms", "authz"})
        self.assertEqual(set(found["no_agg"]), {"req_time", *self.calls})
        self.assertEqual(set(found["all"]), {"req_time", "rdbms", "authz", *self.calls})

    def test_snapshot_returns_the_right_call_counts(self):
        found = self.snapshots()["all"]
        self.assertEqual({label: count for label, (_, count) in found.items()},
                         {"req_time": 0, "rdbms": 11, "authz": 1, **self.calls})
        self.assertEqual(found["rdbms.nodes.put"][0], 200_000)
        self.assertIn(found["rdbms"][0] - 1_100_000, range(100_000))  # with the one that was timed
        self.assertEqual(found["rdbms"][0], found["rdbms.nodes.fetch"][0] + 200_000)

    def test_snapshot_gives_running_req_time(self):
        self.api("req_time_runs")

    def test_snapshot_after_report_metrics_always_returns_same_req_time(self):
        out = self.api("req_time_frozen")
        self.assertEqual(out, f"req_time {self.logged()['req_time_us']}\n")

    def test_monitor_keeps_track_of_workers(self):
        self.api("counts_workers")

    def test_negative_times_and_other_units(self):
        self.api("bad_times")
        self.assertEqual(self.logged()["timers"], {})

    def test_times_past_all_bounds(self):
        self.api("endless_times")
        self.assertEqual(self.logged()["timers"]["rdbms.x"]["count"], 3)
        self.assertEqual(self.upstreams()["rdbms.x"], [(2**63 - 1) // 1000])

    def test_a_label_used_both_as_timer_and_as_log(self):
        """The first use stays, and the request ends well."""
        self.api("timer_and_log")
        self.assertEqual(self.logged()["timers"], {"rdbms.x": {"time_us": 3000, "count": 2}})

    def test_more_timers_than_there_may_be(self):
        self.api("many_timers", MAX_LABELS=1000)
        timers = self.logged()["timers"]
        self.assertEqual((len(timers), timers["other"]), (255, {"time_us": 46_000, "count": 46}))
        self.assertEqual(sum(map(len, self.upstreams().values())), 1 + 254)

    def test_more_labels_than_a_process_keeps(self):
        self.api("many_labels", MAX_LABELS=5)
        self.assertEqual({label: timer["count"] for label, timer in self.logged()["timers"].items()},
                         {**{f"rdbms.n{i}": 1 for i in range(5)}, "other": 5})

    def test_errno_stays(self):
        self.api("errno_stays")


class Owners(ApiCase):
    """A request whose owner ends is DOWN: one line told, counted, and no end."""

    def down(self, scenario, n=1, **settings):
        out = self.api(scenario, told=n, **settings)
        for line in self.diagnostics():
            self.assertIn(ID, line)
        self.assertEqual(self.counters(), {**{key: 1 for key, _, _ in START}, "process.stats_hero.down": 1})
        self.assertEqual(self.receiver.timers, {})
        self.assertEqual((self.logged()["request_id"], self.logged()["outcome"], self.logged()["status"]),
                         (ID, "down", 0))
        return out

    def test_should_cleanup_when_parent_dies(self):
        self.down("parent_returns")
        self.assertEqual(self.logged()["timers"], {"rdbms.x": {"time_us": 5000, "count": 1}})

    def test_parent_dies_by_pthread_exit(self):
        self.down("parent_exits")

    def test_parent_dies_by_cancellation(self):
        self.down("parent_is_cancelled")

    def test_parent_dies_by_the_raw_system_call(self):
        self.down("parent_exits_raw")

    def test_first_thread_ends(self):
        self.down("first_thread_exits")

    def test_first_thread_ends_by_the_raw_system_call(self):
        self.down("first_thread_exits_raw")

    def test_told_on_standard_error_when_the_first_thread_has_ended(self):
        """That one's table of fds is gone then; the process's is not."""
        shim = self.shim()
        done = run([program("api"), "told_without_first_thread"],
                   dict(servers.plain_environment(), **shim.environment))
        self.assertRegex(done.stderr, rf"\Astats-hero\[\d+\]: warn: [^\n]*{ID}[^\n]*\n\Z")

    def test_parent_dies_after_report(self):
        """It has been reported, and its log line is there; that it was never stopped is told."""
        self.api("parent_dies_after_report", told=1)
        self.assertEqual((self.counters()["process.stats_hero.down"],
                          self.counters()["test_hero.application.byStatusCode.200"]), (1, 1))
        self.assertEqual(self.logged()["outcome"], "done")

    def test_intermediate_parent_does_not_take_down_worker(self):
        self.down("intermediate_parent_dies")

    def test_parent_given_at_start_is_watched(self):
        self.down("parent_given")

    def test_a_stranger_is_watched(self):
        self.down("stranger_dies")

    def test_registered_thread_is_watched(self):
        self.down("registered_thread_dies")

    def test_taken_back_before_the_parent_dies(self):
        self.api("taken_back")
        self.assertEqual(self.logged()["outcome"], "done")

    def test_clean_worker_data(self):
        """As if each was stopped: nothing is reported, nothing is down."""
        self.api("clean_worker_data")
        self.assertEqual(self.counters(), {key: 3 for key, _, _ in START})
        self.assertEqual(self.log.requests(), [])

    def test_parent_of_a_thousand(self):
        self.api("parent_of_a_thousand", told=1000)
        self.assertEqual(self.counters()["process.stats_hero.down"], 1000)
        self.assertEqual(collections.Counter(line["outcome"] for line in self.log.requests()),
                         {"down": 1000, "done": 1})


class Sending(ApiCase):
    """Payloads of the program's own."""

    def test_header_is_added(self):
        self.api("send_lines")
        self.assert_datagrams(b"1|17\na.b:1|m\nc.d:20|h\n", b"1|8\ne.f:3|m\n", b"1|8\ng.h:4|m\n")

    def test_no_header_in_statsd(self):
        self.receiver = Receiver("statsd")
        self.addCleanup(self.receiver.close)
        self.api("send_lines", PROTOCOL="statsd")
        self.assert_datagrams(b"a.b:1|m\nc.d:20|h\n", b"e.f:3|m\n", b"g.h:4|m\n")

    def test_split_over_datagrams(self):
        """Between lines; none is over its size, none is lost."""
        self.receiver = Receiver(most_bytes=512)
        self.addCleanup(self.receiver.close)
        self.api("send_split", DATAGRAM_BYTES=512)
        self.assertEqual(self.counters(), {f"line.{i}": i for i in range(1000)})
        self.assertEqual(self.receiver.datagrams, 1 + sum(map(len, (f"line.{i}:{i}|m\n" for i in range(1000)))) // 506)

    def test_line_over_a_datagram(self):
        self.api("send_long_line")
        self.assertEqual(self.counters(), {"a.b": 1, "c.d": 2, "process.stats_hero.send_errors": 2})

    def test_unix_socket_that_is_missing(self):
        path = os.path.join(servers.temporary_folder(), "socket")
        self.assertEqual(self.api("send_result", ESTATSD_HOST="unix:" + path), "2 2\n")

    def test_unix_socket(self):
        path = os.path.join(servers.temporary_folder(), "socket")
        self.receiver = Receiver(path=path)
        self.addCleanup(self.receiver.close)
        self.api("send_lines", ESTATSD_PORT=None)
        self.assert_datagrams(b"1|17\na.b:1|m\nc.d:20|h\n", b"1|8\ne.f:3|m\n", b"1|8\ng.h:4|m\n")

    def test_host_that_has_no_address(self):
        self.assertEqual(self.api("send_result", ESTATSD_HOST="no-such-host.invalid"), "113 113\n")

    def test_nobody_listens(self):
        """Is no error to the caller."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
            gone.bind(("127.0.0.1", 0))
            port = gone.getsockname()[1]
        self.assertEqual(self.api("send_result", ESTATSD_PORT=port), "0 0\n")

    def test_spread_over_the_pool(self):
        """A socket for each sender: each named one, and all of them in turn, by their source ports."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
            sink.bind(("127.0.0.1", 0))
            sink.settimeout(10)
            self.api("send_by_each", UDP_SOCKET_POOL_SIZE=4, ESTATSD_PORT=sink.getsockname()[1])
            came = [sink.recvfrom(2048) for _ in range(8)]
        self.assertEqual([datagram for datagram, _ in came], [b"1|8\na.b:1|m\n"] * 4 + [b"1|8\nc.d:1|m\n"] * 4)
        named, in_turn = [[port for _, (_, port) in part] for part in (came[:4], came[4:])]
        self.assertEqual(len(set(named)), 4)
        self.assertEqual(set(in_turn), set(named))

    def test_many_threads(self):
        self.api("send_from_threads")
        self.assertEqual((self.counters(), self.receiver.datagrams), ({"a.b": 800}, 800))


class Life(ApiCase):
    """Fork, signals, the end of a process, many threads."""

    def test_forked_child(self):
        """It has none of its parent's requests, and its own are its own."""
        self.api("forked_child")
        self.assertEqual(collections.Counter((line["label"], line["status"], *line["timers"])
                                             for line in self.log.requests()),
                         {("child", 201, "rdbms.y"): 1, ("nodes", 200, "rdbms.x"): 1})
        self.assertEqual(self.counters()["from.child"], 1)
        self.assertEqual(self.receiver.timer_count(KIND), 1)

    def test_forked_amid_calls(self):
        slow = int(self.api("forked_amid_calls"))
        reported = self.receiver.timer_count("test_hero.application.byRequestType.child.PUT")
        self.assertIn(reported, range(50 - slow, 51))
        self.assertGreater(reported, 25)
        self.assertNotIn("process.stats_hero.down", self.counters())

    def test_signal_handler_that_interrupts_a_call(self):
        """Is refused, or served; what was taken is counted, what was refused is not."""
        self.api("called_by_handler")
        self.assertGreater(self.logged()["timers"]["rdbms.loop"]["count"], 0)

    def ended_in_flight(self, **settings):
        """How long five processes took to end, the fastest and the slowest, in microseconds."""
        return [int(us) for us in self.api("ends_in_flight", **settings).split()]

    def test_in_flight_at_exit(self):
        """They are down; one that had been reported has its line."""
        fastest, _ = self.ended_in_flight()
        self.assertLess(fastest, 50_000)
        self.assertEqual(self.counters()["process.stats_hero.down"], 50)
        self.assertEqual(self.receiver.timer_count(KIND), 5)
        self.assertEqual(collections.Counter((line["request_id"], line["outcome"]) for line in self.log.requests()),
                         {("flight-0", "done"): 5, **{(f"flight-{i}", "down"): 5 for i in range(1, 10)}})

    def test_end_waits_for_no_receiver(self):
        """One that takes nothing is waited for 50 ms at most."""
        path = os.path.join(servers.temporary_folder(), "socket")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stuck, \
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler:
            stuck.bind(path)
            filler.connect(path)
            filler.setblocking(False)
            with self.assertRaises(BlockingIOError):
                for _ in range(100_000):
                    filler.send(b"x")
            fastest, _ = self.ended_in_flight(ESTATSD_HOST="unix:" + path)
        self.assertLess(fastest, 60_000)

    def test_short_threads_leave_nothing(self):
        """100,000 of them, a request each."""
        growth_kib = int(self.api("short_threads"))
        self.assertLess(growth_kib, 1024)
        self.assertNotIn("process.stats_hero.down", self.counters())


class Seen(ApiCase):
    """Requests that the shim saw on a connection, by their X-Request-Id."""

    def test_timers_join_its_end(self):
        self.api("seen_by_shim")
        first, second = self.log.requests()
        self.assertEqual((first["request_id"], first["label"], first["status"], first["outcome"]),
                         (ID, "nodes", 200, "done"))
        self.assertEqual(list(first["timers"]), ["rdbms.nodes.read", "rdbms.nodes.put"])
        self.assertEqual(first["timers"]["rdbms.nodes.put"], {"time_us": 200_000, "count": 1})
        self.assertEqual(second["timers"], {})
        timers = {key: values for key, values in self.receiver.timers.items() if "upstream" in key}
        self.assertEqual({key: values[0] // 200 for key, values in timers.items()}, {
            "process.upstreamRequests.rdbms": 1,
            "process.upstreamRequests.rdbms.nodes.put": 1,
            "process.upstreamRequests.rdbms.nodes.read": 0,
            "process.application.byRequestType.nodes.GET.upstreamRequests.rdbms": 1})
        self.assertEqual(self.counters()["process.application.byStatusCode.200"], 2)
        self.assertNotIn("process.application.byStatusCode.500", self.counters())

    def test_configured_prefixes(self):
        self.api("seen_by_shim", UPSTREAM_PREFIXES="rdbms.nodes.p,authz")
        self.assertEqual({key for key in self.receiver.timers if key.startswith("process.upstream")},
                         {"process.upstreamRequests.rdbms.nodes.p", "process.upstreamRequests.rdbms.nodes.put"})

    def test_cleaned_it_is_still_reported(self):
        self.api("seen_and_cleaned")
        self.assertEqual((self.logged()["status"], self.logged()["outcome"]), (200, "done"))
        self.assertEqual(self.counters()["process.application.byStatusCode.200"], 1)


class Without(ApiCase):
    """A program that was built with the header goes on where the shim is not."""

    def plain(self, *argv):
        done = run([*argv], servers.plain_environment())
        self.assertEqual(done.stderr, "")
        return done.stdout

    def test_without_the_shim(self):
        """Every call returns -ENOSYS or 0, and the timed expression still runs."""
        self.plain(program("api"), "no_address")

    def test_disabled(self):
        self.api("without_shim", DISABLE=1)
        self.assert_silent()

    def test_excluded(self):
        self.api("without_shim", EXCLUDE="api")
        self.assert_silent()

    def test_example_without_the_shim(self):
        self.assertEqual(self.plain(program("hero")), "0 under way\n0 under way\n")


class Builds(ApiCase):
    """The header under other compilers and flags, and what is made of it."""

    folder = os.path.join(servers.ROOT, "tests", "host")
    warnings = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wpedantic", "-Werror",
                "-I" + os.path.join(servers.ROOT, "shim"), "-pthread"]

    @staticmethod
    def text(*path):
        with open(os.path.join(*path), encoding="utf-8") as file:
            return file.read()

    def build(self, compiler, source, *flags):
        if not shutil.which(compiler):
            self.skipTest(f"there is no {compiler}")
        made = os.path.join(servers.temporary_folder(), "made")
        done = subprocess.run([compiler, *flags, *self.warnings, "-o", made, os.path.join(self.folder, source)],
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return made

    def position_dependent(self, compiler):
        """The linker of a program at fixed addresses must leave the functions to the loader, too."""
        made = self.build(compiler, "hero.c", "-no-pie", "-fno-pie", "-O2")
        shim = self.shim(app="process")
        out = run([made], dict(servers.plain_environment(), **shim.environment)).stdout
        self.assertIn("order-1: ordered tea\n", out)
        self.assertEqual([line["status"] for line in shim.requests()], [201, 404, 201])
        self.assertEqual(run([made], servers.plain_environment()).stdout, "0 under way\n0 under way\n")

    def test_no_pie(self):
        self.position_dependent("gcc")

    def test_no_pie_clang(self):
        self.position_dependent("clang")

    def test_readme(self):
        """Its program compiles without a warning, and is reported."""
        [source] = re.findall(r"```c\n(.*?)```", self.text(servers.ROOT, "README.md"), re.S)
        path = os.path.join(servers.temporary_folder(), "order.c")
        with open(path, "w", encoding="utf-8") as file:
            file.write(source)
        made = self.build("gcc", path)
        shim = self.shim()
        run([made], dict(servers.plain_environment(), **shim.environment))
        [line] = shim.requests()
        self.assertEqual((line["app"], line["label"], line["action"], line["status"], line["outcome"],
                          list(line["timers"])),
                         ("shop", "orders", "POST", 201, "done", ["rdbms.stock.read"]))

    def test_manual_page(self):
        """It has every function, every error and the whole example, and formats without a warning."""
        header = self.text(servers.ROOT, "shim", "stats_hero.h")
        path = os.path.join(servers.BUILD, "man", "stats_hero.3")
        page = self.text(path).replace("\\-", "-").replace("\\e", "\\")
        functions = re.findall(r"^STATS_HERO_API .*?(stats_hero_\w+)\(", header, re.M)
        self.assertEqual(len(functions), 14)
        headings = " ".join(re.findall(r"^\.SS (.*)", page, re.M))
        self.assertEqual(sorted(re.findall(r"(\w+)\(\)", headings)),
                         sorted(functions + ["STATS_HERO_TIME", "stats_hero_entry_ms"]))
        for word in functions + re.findall(r"-E[A-Z]{3,}", header) + re.findall(r"^struct \w+|^enum \w+", header, re.M):
            self.assertIn(word, page)
        self.assertIn(self.text(self.folder, "hero.c").partition("#include")[2], page)
        if not shutil.which("man"):
            self.skipTest("there is no man")
        done = subprocess.run(["man", "--warnings", "-l", path], capture_output=True, text=True, timeout=60,
                              env={**os.environ, "LC_ALL": "C.UTF-8"}, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def cpp(self, compiler):
        for standard in ("c++11", "c++20"):
            made = self.build(compiler, "hero_cpp.cc", "-std=" + standard, "-O2")
            self.cpp_runs(made)

    def cpp_runs(self, made):
        """An exception that passes STATS_HERO_TIME records nothing and passes on."""
        plain = run([made], servers.plain_environment()).stdout
        self.assertEqual(plain, "shim 0, exception: out of stock\n")
        shim = self.shim()
        out = run([made], dict(servers.plain_environment(), **shim.environment)).stdout
        self.assertEqual(out, "shim 1, exception: out of stock\n")
        [line] = shim.requests()
        self.assertEqual(sorted(line["timers"]), ["rdbms.inner", "rdbms.outer"])

    def test_cpp(self):
        self.cpp_runs(program("hero_cpp"))

    def test_cpp_by_gcc(self):
        self.cpp("g++")

    def test_cpp_by_clang(self):
        self.cpp("clang++")


class Example(ApiCase):
    """hero.c, which the manual page shows, and what the README shows."""

    def test_it_does_what_it_says(self):
        shim = self.shim(LOG_LEVEL="off")
        out = self.run_under(shim, "hero")
        for line in ("order-1: ordered tea\n", "order-2: ordered coffee\n", "1 under way\n0 under way\n"):
            self.assertIn(line, out)
        self.assertRegex(out, r"order-1: mail +3 ms, 1 calls\n")
        self.assertGreaterEqual(int(re.search(r"order-1: rdbms +(\d+) ms, 2 calls\n", out)[1]), 3)
        self.assertEqual([(line["request_id"], line["action"], line["status"], line["outcome"])
                          for line in shim.requests()],
                         [("order-1", "POST", 201, "done"), ("order-2", "POST", 404, "done"),
                          ("order-3", "PUT", 201, "done")])
        self.receiver.barrier()
        self.assertEqual(self.counters()["shop.application.allRequests"], 4)
        self.assertEqual(self.counters()["shop.orders.waiting"], 2)
        self.assertNotIn("shop.stats_hero.down", self.counters())
