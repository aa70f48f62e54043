import { expect, it, vi } from 'vitest';
import { setConnections } from '../../src/host/change/set.js';
import { listConnections } from '../../src/host/list/list.js';
import { parseSelection } from '../../src/host/selection/selection.js';
import { getKeepAlive, setKeepAlive } from '../../src/index.js';
import { loopbackPair } from '../../src/testing/index.js';

const asker = vi.hoisted(() => ({ meanwhile: (): void => {} }));
vi.mock('../../src/native/pause.js', () => ({ pause: () => asker.meanwhile() }));

it('sets an idle time again that somebody restored who had read the one before', async () => {
  using pair = await loopbackPair();
  setKeepAlive(pair.server, '30:5:9');
  asker.meanwhile = () => {
    asker.meanwhile = () => {};
    setKeepAlive(pair.server, { idle: '30s' });
  };
  const selection = parseSelection({ pid: `${process.pid}`, port: `local:${pair.server.localPort}` });
  const { changed } = setConnections({ selection, optionSource: 'descriptor-copies' }, '60:5:9');
  expect(changed).toMatchObject([{ before: { idle: 30_000 }, after: { idle: 60_000 } }]);
  expect(getKeepAlive(pair.server)).toMatchObject({ idle: 60_000 });
});

it('leaves an idle time that somebody has set meanwhile', async () => {
  using pair = await loopbackPair();
  setKeepAlive(pair.server, '30:5:9');
  asker.meanwhile = () => void setKeepAlive(pair.server, { idle: '77s' });
  const selection = parseSelection({ pid: `${process.pid}`, port: `local:${pair.server.localPort}` });
  setConnections({ selection, optionSource: 'descriptor-copies' }, '60:5:9');
  expect(getKeepAlive(pair.server)).toMatchObject({ idle: 77_000 });
});

it('reads what was there before between the overrides of two askers', async () => {
  using pair = await loopbackPair();
  const port = `local:${pair.server.localPort}`;
  const query = {
    selection: parseSelection({ pid: `${process.pid}`, port }),
    optionSource: 'descriptor-copies',
  } as const;
  const askTwice = () => {
    setKeepAlive(pair.server, '1:5:9');
    asker.meanwhile = () => {
      asker.meanwhile = () => {
        asker.meanwhile = () => {};
        setKeepAlive(pair.server, '30:5:9');
      };
    };
  };
  askTwice();
  expect(listConnections(query).rows).toMatchObject([{ keepAlive: { idle: 30_000 } }]);
  askTwice();
  expect(setConnections(query, '60:5:9').changed).toMatchObject([{ before: { idle: 30_000 } }]);
});
