/** Is given sockets, and keeps them open until its parent disconnects. */
const kept = [];
process.on('message', (_, socket) => {
  kept.push(socket);
  process.send('kept');
});
process.on('disconnect', () => process.exit());
process.send('ready');
