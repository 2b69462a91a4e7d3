"""What every server of the matrix is sent: the same mix, less what it does not take."""

import concurrent.futures
import itertools

from client import Ask, Connection

CONNECTIONS = 4
ROUNDS = 36
BODY = b"GET /never HTTP/1.1\r\nHost: no request, a body\r\n\r\n"
NAP_SECONDS = 0.02  # what the programs in apps/ sleep at /nap

# What a server may be without, by the names that rows give.
FEATURES = {"alive", "post", "chunked", "pipeline", "nap", "http10"}


def one_round(number, takes):
    """The batches of one round: each goes out at once on one connection."""
    page = Ask(target="/good/page.html")
    single = [
        page,
        Ask(target="/nodes/page.html?a=/b"),
        Ask("HEAD", "/good/page.html"),
        Ask(target="/missing"),
        Ask(target="/old"),
        Ask("HEAD", "/missing"),
        Ask(target="/broken"),
        Ask(target=f"/{4711 + number}/x"),
        Ask(target="/files/page.html", close=True),
        page,
    ]
    if "http10" in takes:
        single.append(Ask(target="/files/page.html", version="1.0"))
    if "post" in takes:
        single += [Ask("POST", "/post/short", BODY), Ask("POST", "/post/long", BODY * 2000), Ask("POST", "/post/none")]
    if "chunked" in takes:
        single.append(Ask("POST", "/post/pieces", BODY * 3, chunked=True))
    if "nap" in takes and number % 4 == 0:
        single.append(Ask(target="/nap"))
    if "alive" not in takes:
        single = [ask._replace(close=True) for ask in single]
    batches = [[ask] for ask in single]
    if number == 0:
        batches.append([Ask(target="/big/file.bin", close=True)])
    if "pipeline" in takes:
        batches.append([page, Ask(target="/missing"), Ask("HEAD", "/good/page.html"), page, Ask(target="/old"), page])
    return batches


def plan(takes, rounds=ROUNDS):
    """All batches, one list for each connection."""
    hands = [[] for _ in range(CONNECTIONS)]
    batches = itertools.chain.from_iterable(one_round(number, takes) for number in range(rounds))
    for hand, batch in zip(itertools.cycle(hands), batches):
        hand.append(batch)
    return hands


def play(port, hand, tls):
    connection = Connection(port, tls)
    try:
        return [answer for batch in hand for answer in connection.exchange(batch)]
    finally:
        connection.close()


def run(port, takes, rounds=ROUNDS, tls=False):
    """Sends everything, a thread for each connection; all answers."""
    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
        parts = list(pool.map(lambda hand: play(port, hand, tls), plan(takes, rounds)))
    return [answer for part in parts for answer in part]
