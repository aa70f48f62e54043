// Sets and takes back the kernel's defaults in a directory that stands for `/`, until it is killed.
import { setKernelDefaults, undoKernelDefaults } from '../../../dist/linux.js';

const [root, file] = process.argv.slice(2);
setKernelDefaults('600:30:5', { root, file });
process.stdout.write('running\n');
for (;;) {
  setKernelDefaults('700:20:4', { root, file });
  undoKernelDefaults({ root });
}
