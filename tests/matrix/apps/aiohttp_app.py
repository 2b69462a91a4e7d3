"""The matrix's program for aiohttp: aiohttp_app.py PORT."""

import asyncio
import sys

from aiohttp import web

SIZES = {"good": 612, "nodes": 612, "files": 612, "big": 3_000_000}


async def handle(request):
    first = request.path.split("/")[1]
    if first == "post":
        return web.Response(text=f"{len(await request.read())}\n")
    if first == "old":
        return web.Response(status=301, headers={"Location": "/"})
    if first == "broken":
        return web.Response(status=500)
    if first == "nap":
        await asyncio.sleep(0.02)
        return web.Response(text="slept\n")
    if first not in SIZES:
        return web.Response(status=404, text="none\n")
    if first == "nodes" and request.method == "GET" and request.version >= (1, 1):
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(6):
            await answer.write(b"x" * 102)
        await answer.write_eof()
        return answer
    return web.Response(body=b"x" * SIZES[first])


app = web.Application(client_max_size=1 << 24)
app.router.add_route("*", "/{path:.*}", handle)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None)
