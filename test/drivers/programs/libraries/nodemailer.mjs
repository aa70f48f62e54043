import { once } from 'node:events';
import net from 'node:net';
import nodemailer from 'nodemailer';

export const settings = { 'pool: true': { pool: true } };

const mail = { from: 'a@example.com', to: 'b@example.com', text: 'ping' };

export function open(port, options, report) {
  const address = { host: '127.0.0.1', port, ignoreTLS: true };
  const transport = nodemailer.createTransport({ ...address, maxConnections: 1, socketTimeout: 600_000, ...options });
  transport.on('error', (error) => report("transport 'error'", error));
  const locate = async (evaluate) => {
    const socket = net.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const getSocket = (_options, callback) => callback(null, { connection: socket });
    await nodemailer.createTransport({ ...address, pool: true, getSocket }).sendMail(mail);
    evaluate({ socket });
  };
  return { use: () => transport.sendMail(mail), close: () => transport.close(), locate };
}
