// A worker prints the message that its primary sends as soon as it is online, and the idle time of a connection.
const cluster = require('node:cluster');
const net = require('node:net');
const { getKeepAlive } = require('tcp-keepalive');

if (cluster.isPrimary) {
  cluster.on('online', (worker) => worker.send('early'));
  const worker = cluster.fork();
  worker.on('message', (seen) => {
    console.log(JSON.stringify(seen));
    process.exit();
  });
} else {
  process.on('message', (message) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const socket = net.connect(server.address().port, '127.0.0.1', () => {
        process.send({ message, idle: getKeepAlive(socket).idle });
      });
    });
  });
}
