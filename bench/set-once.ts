/** Sets the options once, between two marks, for strace to watch. Its argument is the name of the setting. */
import { writeSync } from 'node:fs';
import { loopbackPair } from 'tcp-keepalive/testing';
import { settings } from './set-contestants.js';

const setting = settings.find(({ name }) => name === process.argv[2]);
if (setting === undefined) throw new Error(`there is no setting '${process.argv[2]}'`);
const { client, close } = await loopbackPair();
setting.set(client, 0);
writeSync(1, 'begin\n');
setting.set(client, 1);
writeSync(1, 'end\n');
close();
