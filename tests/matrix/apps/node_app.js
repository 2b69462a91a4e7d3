// The matrix's program for Node: node node_app.js PORT [http | https KEY CERTIFICATE | cluster WORKERS]
'use strict';
const cluster = require('cluster');
const fs = require('fs');
const http = require('http');
const https = require('https');

const [port, kind, first, second] = process.argv.slice(2);
const sizes = {good: 612, nodes: 612, files: 612, big: 3000000};

function plain(res, status, body, headers) {
  res.writeHead(status, {'Content-Length': Buffer.byteLength(body), ...headers});
  res.end(body);
}

function post(req, res) {
  let n = 0;
  req.on('data', (part) => { n += part.length; });
  req.on('end', () => plain(res, 200, n + '\n'));
}

// No length is said beforehand: it goes out in chunks.
function pieces(res) {
  res.writeHead(200);
  res.write('x'.repeat(300));
  setImmediate(() => res.end('x'.repeat(312)));
}

function handle(req, res) {
  const name = req.url.split('?')[0].split('/')[1];
  if (name === 'post') return post(req, res);
  req.resume();
  if (name === 'old') return plain(res, 301, '', {Location: '/'});
  if (name === 'broken') return plain(res, 500, 'broken\n');
  if (name === 'nap') return setTimeout(() => plain(res, 200, 'slept\n'), 21);
  if (name === 'nodes') return pieces(res);
  if (name in sizes) return plain(res, 200, 'x'.repeat(sizes[name]));
  return plain(res, 404, 'none\n');
}

function serve() {
  const server = kind === 'https' ?
    https.createServer({key: fs.readFileSync(first), cert: fs.readFileSync(second)}, handle) :
    http.createServer(handle);
  server.listen(Number(port), '127.0.0.1', 511);
}

function stop() {
  for (const worker of Object.values(cluster.workers || {})) worker.process.kill('SIGTERM');
  process.exit(0);
}

process.on('SIGTERM', stop);
if (kind === 'cluster' && cluster.isPrimary) {
  for (let i = 0; i < Number(first); i++) cluster.fork();
} else {
  serve();
}
