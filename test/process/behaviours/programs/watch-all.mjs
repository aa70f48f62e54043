/** Loaded before a program: has all of its connections watched. */
import { watchPeers } from 'tcp-keepalive';

watchPeers({ all: true, policy: '30:5:3', deadAfter: '45s', deadWithin: '3s', destroy: true });
