import { UnsupportedError } from '../native/index.js';
import { ConfigurationError } from '../policy/index.js';
import { applyConfiguration } from './apply-to-process.js';
import { readConfiguration } from './configuration.js';

/** Ends the program, or goes on without a policy where that is asked for: never unprotected unawares. */
function refuse(error: unknown): void {
  if (!(error instanceof ConfigurationError || error instanceof UnsupportedError)) throw error;
  if (process.env['TCP_KEEPALIVE_ON_ERROR'] === 'warn') {
    process.emitWarning(`no keepalive policy is in force: ${error.message}`, 'KeepAliveWarning');
    return;
  }
  process.stderr.write(`tcp-keepalive: ${error.message}\n`);
  process.exit(1);
}

try {
  const configuration = readConfiguration(process.env, process.cwd());
  if (configuration !== undefined) {
    applyConfiguration(configuration.policy, configuration.options, configuration.sourceOf);
  }
} catch (error) {
  refuse(error);
}
