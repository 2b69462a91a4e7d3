"""N requests give exactly N starts, N ends, the right statuses, labels and log lines.

The truth is the clients' own count where they stop at an exact number (ab, curl) and the server's own
access log everywhere; nginx's and Apache's lines are compared with ours request by request.
"""

import collections

from case import REPEAT, Receiver, Request, ShimCase, label_of, new_id, requests_of, servers

LONG_HEX = "0123456789abcdef0123"
UUID = "6e0ab2f2-7a3c-4f0e-9d3f-2f1b7f5c1a11"

# What curl asks for: path, options, method. The status is the server's business; a few are demanded
# per server below, so that the variety is really there.
ODD_REQUESTS = [
    ("/", (), "GET"),
    ("/?q=/nodes/1", (), "GET"),
    ("/missing", (), "GET"),
    ("/nodes/page.html", (), "GET"),
    ("/nodes/page.html?a=b#c", (), "GET"),
    ("//nodes/page.html", ("--path-as-is",), "GET"),
    ("/4711", (), "GET"),
    ("/" + UUID, (), "GET"),
    ("/" + LONG_HEX, (), "GET"),
    ("/a.b%7Cc:d|e@f", (), "GET"),
    ("/empty", (), "GET"),
    ("/old", (), "GET"),
    ("/files/page.html", ("-z", "FILE"), "GET"),
    ("/files/page.html", ("-r", "0-9"), "GET"),
    ("/files/page.html", ("-r", "0-1,5-6"), "GET"),
    ("/files/page.html", ("-r", "5000-"), "GET"),
    ("/files/page.html", ("-I",), "HEAD"),
    ("/missing", ("-I",), "HEAD"),
    ("/files/page.html", ("-0", "--no-alpn"), "GET"),  # curl trips over a server that answers its ALPN by 1.1
    ("/post", ("-d", "x=1"), "POST"),
    ("/post", ("-d", "@BIG"), "POST"),
    ("/post", ("-H", "Transfer-Encoding: chunked", "-d", "@BIG"), "POST"),
    ("/post", ("-H", "Expect: 100-continue", "--expect100-timeout", "20", "-d", "x=1"), "POST"),
    ("/files/page.html", ("-X", "DELETE"), "DELETE"),
    ("/files/page.html", ("-X", "PURGE"), "PURGE"),
    ("/files/page.html", ("-X", "OPTIONS"), "OPTIONS"),
    ("/big/file.bin", (), "GET"),
    ("/slow/file.txt", (), "GET"),
]


def odd_requests(server, big_bodies=True):
    """Sends them; returns the ids and what was asked and answered."""
    page = servers.site() + "/files/page.html"
    big = servers.site() + "/slow/file.txt"
    sent = {}
    for path, options, method in ODD_REQUESTS:
        if "@BIG" in options and not big_bodies:
            continue
        options = [{"FILE": page, "@BIG": "@" + big}.get(option, option) for option in options]
        request_id = new_id()
        status = servers.curl(server.url(path), "-H", "X-Request-Id: " + request_id, *options)
        sent[request_id] = Request(label_of(path), method, status)
    return sent


class ExactCase(ShimCase):
    def exact(self, start, per_load=1500, with_wrk=True, keepalive=True, statuses=(), log=None, big_bodies=True,
              **settings):
        """`log`: what the server's own log can be compared for: None, "status" or "duration"; `big_bodies`:
        False for a server that may close before it has read them; `settings` are Shim's."""
        for round_ in range(REPEAT):
            with self.subTest(round=round_), Receiver() as receiver:
                shim = servers.Shim(receiver, **settings)
                with start(shim) as server:
                    loads = self.load(server, per_load, with_wrk, keepalive)
                    odd = odd_requests(server, big_bodies)
                    steady = {}
                    for i in range(100):
                        request_id = f"steady-{round_}-{i}"
                        [status] = self.get(server, request_id=request_id)
                        steady[request_id] = Request("good", "GET", status)
                    minimum = sum(loads.values()) + len(odd) + len(steady)
                    self.wait_for_ends(receiver, minimum)
                    self.assertTrue(server.alive(), server.diagnostics())
                self.judge(receiver, shim, server.records(), loads, {**odd, **steady}, statuses, log)

    def load(self, server, n, with_wrk, keepalive):
        """Returns Request -> how many the client saw answered (wrk: a lower bound)."""
        loads = collections.Counter()
        loads[Request("ab", "GET", 200)] = servers.ab(server.url("/ab/page.html"), n)
        if keepalive:
            loads[Request("abk", "GET", 200)] = servers.ab(server.url("/abk/page.html"), n, keepalive=True)
        for kind, times in loads.items():
            self.assertEqual(times, n, kind)
        if with_wrk:
            loads[Request("wrk", "GET", 200)] = servers.wrk(server.url("/wrk/page.html"), prefix=new_id())
            self.assertGreater(loads[Request("wrk", "GET", 200)], 0)
        return loads

    def judge(self, receiver, shim, records, loads, by_id, statuses, log):
        expected = requests_of(records)
        # The server's log and the clients tell the same story, before ours is looked at.
        for kind, times in loads.items():
            if kind.label == "wrk":
                self.assertGreaterEqual(expected[kind], times)
                self.assertLess(expected[kind], times + 5, "wrk cuts off no more than its connections hold")
            else:
                self.assertEqual(expected[kind], times, kind)
        answered = {request.status for request in by_id.values()}
        self.assertLessEqual(set(statuses), answered, "the odd requests are not odd enough")

        # Requests that wrk cut off may have ended either way.
        lines = shim.requests()
        cut_off = [line for line in lines if line["outcome"] == "aborted" and line["label"] == "wrk"]
        self.assertLessEqual(len(cut_off), 8)
        for line in cut_off:
            expected[Request("wrk", "GET", 200)] -= 1
            expected[Request("wrk", "GET", line["status"])] += 1
        self.assert_exact(receiver, shim, expected, ("done", "aborted") if cut_off else ("done",))

        ours = {line["request_id"]: line for line in lines}
        self.assertEqual(set(by_id) - set(ours), set(), "not in the request log")
        for request_id, request in by_id.items():
            line = ours[request_id]
            self.assertEqual(Request(line["label"], line["action"], line["status"]), request)
        if log:
            self.compare(records, ours, log == "duration")

    def compare(self, records, ours, true_clock):
        """Line by line with the access log, for every request that brought an id: status and method,
        and the duration if the server's clock is true."""
        own = {record.id: record for record in records if record.id != "-"}
        self.assertEqual(len(own), sum(record.id != "-" for record in records))
        self.assertEqual(set(own) - set(ours), set(), "in the access log only")
        apart = []
        for request_id, record in own.items():
            line = ours[request_id]
            if line["outcome"] != "done":
                continue
            self.assertEqual((line["status"], line["action"]), (record.status, record.method), request_id)
            difference = abs(line["req_time_us"] / 1e6 - record.seconds)
            if difference > 0.001 + 0.02 * record.seconds:
                apart.append((round(difference, 6), record))
        if true_clock:
            # Those apart were preempted between the server's look at the clock and ours: on a machine
            # with nothing else to do none or a few in ten thousand.
            print(f"{len(apart)} of {len(own)} durations apart", end=" ", flush=True)
            self.assertLessEqual(len(apart), len(own) // 20, apart[:20])
            for difference, record in apart:
                self.assertLess(difference, 0.05 + 0.02 * record.seconds, record)
