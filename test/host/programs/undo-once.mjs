// Undoes the last change of the kernel's defaults, in a directory that stands for `/`, and prints what became of it as JSON.
import { undoKernelDefaults } from '../../../dist/linux.js';

const [root] = process.argv.slice(2);
try {
  const { applied, after } = undoKernelDefaults({ root });
  console.log(JSON.stringify({ applied, after }));
} catch (error) {
  console.log(JSON.stringify({ name: error.name, code: error.code, syscall: error.syscall, message: error.message }));
}
