import { agents } from './agents.js';
import { connecting } from './connecting.js';
import { contexts } from './contexts.js';
import { keepAlive } from './keep-alive.js';
import type { Behaviours } from './observing.js';
import { processes } from './processes.js';
import { requests } from './requests.js';
import { secure } from './secure.js';
import { servers } from './servers.js';
import { sessions } from './sessions.js';
import { sockets } from './sockets.js';

/** All behaviours; their names are different from each other. */
export const behaviours: Behaviours = {
  ...keepAlive,
  ...sockets,
  ...connecting,
  ...servers,
  ...contexts,
  ...requests,
  ...agents,
  ...secure,
  ...sessions,
  ...processes,
};
