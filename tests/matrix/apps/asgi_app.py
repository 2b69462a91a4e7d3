"""The matrix's program for ASGI servers."""

import asyncio

SIZES = {"good": 612, "nodes": 612, "files": 612, "big": 3_000_000}


async def read_all(receive):
    n, more = 0, True
    while more:
        message = await receive()
        n += len(message.get("body", b""))
        more = message.get("more_body", False)
    return n


async def application(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    first = scope["path"].split("/")[1]
    status, headers, body = 200, [], b"x" * SIZES.get(first, 5)
    if first == "post":
        body = b"%d\n" % await read_all(receive)
    elif first == "old":
        status, headers = 301, [(b"location", b"/")]
    elif first == "broken":
        status = 500
    elif first == "nap":
        await asyncio.sleep(0.02)
    elif first not in SIZES:
        status = 404
    if first != "nodes":  # that one goes out in chunks
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body[:300], "more_body": True})
    await send({"type": "http.response.body", "body": body[300:]})
