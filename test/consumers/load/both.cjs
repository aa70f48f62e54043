const net = require('node:net');
const { once } = require('node:events');
const api = require('tcp-keepalive');
(async () => {
  const esm = await import('tcp-keepalive');
  const linux = require('tcp-keepalive/linux');
  const t = require('tcp-keepalive/testing');
  const pair = await t.loopbackPair({ family: 4 });
  api.setKeepAlive(pair.server, '30:5:3');
  console.log(process.version, esm.getKeepAlive(pair.server), esm.setKeepAlive === api.setKeepAlive, typeof linux.listConnections, api.KeepAliveError===linux.KeepAliveError);
  pair.close();
})();
