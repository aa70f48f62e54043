// Serves the socket, or the server, that its parent sends.
process.on('message', (kind, handle) => {
  if (kind === 'server') {
    handle.once('connection', (socket) => {
      handle.close();
      socket.setKeepAlive(true, 1000).end('from the child');
      process.disconnect();
    });
    process.send('ready');
  } else {
    handle.setKeepAlive(true, 1000);
    handle.pipe(handle);
    handle.resume();
    handle.once('close', () => process.disconnect());
  }
});
