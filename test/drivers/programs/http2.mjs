import http2 from 'node:http2';
import { text } from 'node:stream/consumers';

export const settings = { default: {} };

export function open(port, options, report) {
  let session;
  const connect = () =>
    http2
      .connect(`http://127.0.0.1:${port}`, options)
      .on('error', (error) => report("session 'error'", error))
      .on('close', () => {
        session = undefined;
        report("session 'close'");
      });
  const use = async () => {
    session ??= connect();
    await text(session.request({ ':path': '/' }));
  };
  return { use, close: () => session?.destroy(), locate: (evaluate) => evaluate({ session }) };
}
