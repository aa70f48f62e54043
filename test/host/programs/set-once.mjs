// Sets the kernel's defaults once, in a directory that stands for `/`, and prints what became of it as JSON.
import { setKernelDefaults } from '../../../dist/linux.js';

const [root, policy, file] = process.argv.slice(2);
try {
  const { applied, after } = setKernelDefaults(policy, file === undefined ? { root } : { root, file });
  console.log(JSON.stringify({ applied, after }));
} catch (error) {
  console.log(JSON.stringify({ name: error.name, code: error.code, syscall: error.syscall, message: error.message }));
}
