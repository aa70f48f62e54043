// Gives up every privilege, then tries to set the kernel's defaults, and prints what became of it as JSON.
import { kernelDefaults, setKernelDefaults, sysctlSources } from '../../../dist/linux.js';

const [root, file] = process.argv.slice(2);
const options = file === undefined ? { root } : { root, file };
const nobody = 65_534;
process.setgroups([]);
process.setgid(nobody);
process.setuid(nobody);
console.log(
  JSON.stringify({
    defaults: kernelDefaults({ root }),
    sources: sysctlSources({ root }).sources.length,
    dryRun: setKernelDefaults('600:30:5', { ...options, dryRun: true }),
    change: setKernelDefaults('600:30:5', options),
  }),
);
