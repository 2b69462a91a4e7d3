"""A web application that asks databases and other servers: `upstream_server.py SOCKETS PORT URL`.

SOCKETS and PORT are a PostgreSQL server's, URL another web server's. /sqlite/N, /postgres/N and /curl/N
do something N times, and answer with what they were told.
"""

import http.server
import io
import json
import sqlite3
import sys

import psycopg2
import pycurl


def sqlite(n):
    """One connection, 3 statements; 1 + N + (N + 1) steps."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("create table t(i)")
    connection.executemany("insert into t values(?)", ((i,) for i in range(n)))
    rows = connection.execute("select i from t").fetchall()
    connection.close()
    return [row[0] for row in rows]


def postgres(n):
    """N statements and one that fails."""
    connection = psycopg2.connect(host=SOCKETS, port=PORT, user="postgres", dbname="postgres")
    connection.autocommit = True
    cursor = connection.cursor()
    rows = []
    for i in range(n):
        cursor.execute("select %s", (i,))
        rows.append(cursor.fetchone()[0])
    try:
        cursor.execute("select 1 / 0")
    except psycopg2.Error as error:
        rows.append(error.pgcode)
    connection.close()
    return rows


def curl(n):
    """N transfers."""
    lengths = []
    transfer = pycurl.Curl()
    transfer.setopt(pycurl.URL, URL)
    for _ in range(n):
        body = io.BytesIO()
        transfer.setopt(pycurl.WRITEDATA, body)
        transfer.perform()
        lengths.append(len(body.getvalue()))
    transfer.close()
    return lengths


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        _, name, n = self.path.split("/")
        answer = json.dumps({"sqlite": sqlite, "postgres": postgres, "curl": curl}[name](int(n))).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


SOCKETS, PORT, URL = sys.argv[1:]
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"Serving HTTP on 127.0.0.1 port {server.server_port}", flush=True)
try:
    server.serve_forever()
except KeyboardInterrupt:
    pass
