// Opens something and goes on, or not, as far as that holds it.
import net from 'node:net';

const here = '127.0.0.1';
const cases = {
  nothing: () => console.log('nothing is open'),
  server: () => {
    const server = net.createServer().listen(0, here, () => console.log('listening'));
    setTimeout(() => server.unref(), 50);
  },
  socket: () => {
    const server = net.createServer().listen(0, here, () => {
      const client = net.connect(server.address().port, here);
      client.once('connect', () => {
        client.setKeepAlive(true, 1000);
        console.log('connected');
        client.unref();
        server.unref();
      });
    });
    server.once('connection', (socket) => socket.unref());
  },
  closed: () => {
    const server = net
      .createServer((socket) => socket.end('bye').resume())
      .listen(0, here, () => {
        net
          .connect(server.address().port, here)
          .once('close', () => server.close(() => console.log('closed')))
          .resume();
      });
  },
  error: () => {
    net.connect({ port: 1, host: here, lookup: () => {} });
    net.connect({ path: '/no/such/socket' });
  },
};

process.on('exit', (code) => console.log(`exit ${code}`));
cases[process.argv[2]]();
