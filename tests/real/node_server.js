// A Node http server, or https with a certificate and a key in argv[3] and argv[4], with a handler for each shape that a response can have. Listens on a free port,
// says "listening PORT" on stdout, and on SIGTERM ends, having written each response that it began to
// the file in argv[2], as "id status method seconds url".
'use strict';
const fs = require('fs');
const http = require('http');
const https = require('https');
const crypto = require('crypto');

const records = [];
const sockets = new Set();
const big = Buffer.alloc(4 << 20, 'The quick brown fox jumps over the lazy dog.\n');

function plain(res, status, body) {
  res.writeHead(status, {'Content-Type': 'text/plain', 'Content-Length': Buffer.byteLength(body)});
  res.end(body);
}

function chunked(res) {
  res.writeHead(200, {'Content-Type': 'text/plain'});
  let n = 0;
  (function more() {
    if (n === 20) return res.end('end\n');
    n++;
    res.write('piece ' + n + '\n' + 'x'.repeat(n * 37) + '\n');
    setImmediate(more);
  })();
}

// Echoes the body with its length known beforehand.
function echo(req, res) {
  const parts = [];
  req.on('data', (part) => parts.push(part));
  req.on('end', () => plain(res, 201, Buffer.concat(parts)));
}

function slow(res) {
  res.writeHead(200, {'Content-Length': 10});
  res.write('first');
  setTimeout(() => res.end(' last'), 120);
}

const routes = {
  '': (req, res) => plain(res, 200, 'root\n'),
  missing: (req, res) => plain(res, 404, 'nothing here\n'),
  broken: (req, res) => plain(res, 500, 'broken\n'),
  empty: (req, res) => { res.writeHead(204); res.end(); },
  same: (req, res) => { res.writeHead(304, {ETag: '"1"'}); res.end(); },
  old: (req, res) => { res.writeHead(301, {Location: '/'}); res.end(); },
  chunked: (req, res) => chunked(res),
  echo,
  big: (req, res) => { res.writeHead(200, {'Content-Length': big.length}); res.end(big); },
  slow: (req, res) => slow(res),
  never: () => {},
  // Answers a client that is gone already.
  late: (req, res) => req.socket.once('close', () => res.end('late\n')),
  hangup: (req) => req.socket.destroy(),
  // Says it will send ten bytes, sends five, and closes.
  short: (req, res) => {
    res.writeHead(200, {'Content-Length': 10});
    res.write('12345', () => req.socket.destroy());
  },
  // A body that lasts until the connection is closed.
  close: (req, res) => {
    res.useChunkedEncodingByDefault = false;
    res.shouldKeepAlive = false;
    res.writeHead(200, {Connection: 'close'});
    res.write('until ');
    res.end('close\n');
  },
  hints: (req, res) => {
    res.writeContinue();
    plain(res, 200, 'after an interim response\n');
  },
};

const [certificate, key] = process.argv.slice(3);
const handle = (req, res) => {
  const start = process.hrtime();
  let done = false;
  const record = () => {
    if (done) return;
    done = true;
    const took = process.hrtime(start);
    records.push([req.headers['x-request-id'] || '-', res.statusCode, req.method,
      (took[0] + took[1] / 1e9).toFixed(6), req.url].join(' '));
  };
  res.on('finish', record);
  res.on('close', record);
  const first = req.url.split('?')[0].split('/')[1];
  (routes[first] || ((req, res) => plain(res, 200, 'ok\n')))(req, res);
  if (routes[first] !== echo) req.resume();
};
const server = certificate === undefined ? http.createServer(handle) :
  https.createServer({cert: fs.readFileSync(certificate), key: fs.readFileSync(key)}, handle);

// A websocket handshake, after which every byte comes back as it went.
server.on('upgrade', (req, socket, head) => {
  const accept = crypto.createHash('sha1')
    .update(req.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    'Sec-WebSocket-Accept: ' + accept + '\r\n\r\n');
  records.push([req.headers['x-request-id'] || '-', 101, req.method, '0', req.url].join(' '));
  if (head.length) socket.write(head);
  socket.on('error', () => {});
  socket.pipe(socket);
});

server.on('connection', (socket) => {
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket));
});

process.on('SIGTERM', () => {
  server.close(() => {
    fs.writeFileSync(process.argv[2], records.map((line) => line + '\n').join(''));
    process.exit(0);
  });
  for (const socket of sockets) socket.destroy();
});

server.keepAliveTimeout = 30000;
server.listen(0, '127.0.0.1', 511, () => {
  fs.writeSync(1, 'listening ' + server.address().port + '\n');
});
