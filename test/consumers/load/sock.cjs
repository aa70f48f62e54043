const net = require('node:net');
const s = net.createServer().listen(0, () => { const c = net.connect(s.address().port, () => { const { getKeepAlive } = require('tcp-keepalive'); console.log(process.version, getKeepAlive(c)); c.destroy(); s.close(); }); });
