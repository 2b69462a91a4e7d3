"""A server by asyncio, whose TLS goes through memory BIOs: `tls_asyncio.py RECORDS CERTIFICATE KEY`.
Each request that was answered is a line "ID STATUS METHOD PATH" in RECORDS. /wait is answered when
the client has gone. Stops on SIGTERM."""

import asyncio
import signal
import ssl
import sys

STATUSES = {"/missing": 404, "/old": 301, "/empty": 204, "/broken": 500}
CHUNK = b"1000\r\n" + b"x" * 4096 + b"\r\n"


async def read_head(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    return *head[0].split(" "), headers


async def read_body(reader, writer, headers):
    if "expect" in headers:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if "transfer-encoding" in headers:
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    else:
        await reader.readexactly(int(headers.get("content-length", 0)))


async def answer(writer, method, path, version):
    status = STATUSES.get(path, 200 if method in ("GET", "HEAD", "POST") else 405)
    writer.write(b"HTTP/1.1 %d Status\r\n" % status)
    if path.startswith("/big/") and version == "HTTP/1.1":
        writer.write(b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(1000):
            writer.write(CHUNK)
            await writer.drain()
        writer.write(b"0\r\n\r\n")
    elif status == 204:
        writer.write(b"\r\n")
    else:
        writer.write(b"Content-Length: 5\r\n\r\n" + (b"" if method == "HEAD" else b"hello"))
    await writer.drain()
    return status


async def serve(reader, writer):
    try:
        while True:
            method, path, version, headers = await read_head(reader)
            await read_body(reader, writer, headers)
            if path == "/wait":
                await reader.read()
                break
            status = await answer(writer, method, path, version)
            print(headers.get("x-request-id", "-"), status, method, path, file=records, flush=True)
            if version == "HTTP/1.0":
                break
    except (asyncio.IncompleteReadError, OSError):
        pass
    writer.close()


async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*sys.argv[2:])
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    print("listening", server.sockets[0].getsockname()[1], flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()


with open(sys.argv[1], "w", encoding="ascii") as records:
    asyncio.run(main())
