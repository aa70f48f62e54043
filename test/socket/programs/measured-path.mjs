import { applyToProcess, measurePath } from '../../../src/index.js';

// Every connection of this program has probes, except those of the measurement.
applyToProcess('1:1:3');
const result = await measurePath({ host: '127.0.0.1', port: Number(process.argv[2]), min: '1s', max: '3s' });
console.log(JSON.stringify(result));
