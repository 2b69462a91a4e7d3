// node node_host.js PORT FOLDER: answers each request with FOLDER's page, kept in memory, and /count
// with the number of requests so far.
'use strict';
const fs = require('fs');
const http = require('http');

const [port, folder] = process.argv.slice(2);
const page = fs.readFileSync(folder + '/index.html');
let served = 0;

const server = http.createServer((req, res) => {
  served++;
  const body = req.url === '/count' ? Buffer.from(String(served)) : page;
  res.writeHead(200, {'Content-Type': 'text/html', 'Content-Length': body.length});
  res.end(body);
});
server.keepAliveTimeout = 3600000;
server.listen(Number(port), '127.0.0.1', 1024);
