// Runs one driver in a process of its own, on the orders of the test: `node run.mjs NAME`.
const driver = await import(`./${process.argv[2]}.mjs`);

/** What a test and a table can show of an error. */
function describe(error) {
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0]);
  return { code: error?.code, message: String(error?.message ?? error) };
}

let client;
const orders = {
  open: ({ setting, port }) => {
    const report = (source, error) => process.send({ event: source, error: error && describe(error) });
    client = driver.open(port, driver.settings[setting], report);
  },
  use: () => client.use(),
  close: () => client.close(),
  // Sets options on the socket that the expression gives: whether it is the driver's socket shows on the wire.
  locate: async ({ expression, policy }) => {
    if (client.locate === undefined) throw new Error('the socket cannot be reached');
    const { setKeepAlive } = await import('tcp-keepalive');
    await client.locate((variables) => {
      const socketOf = new Function(...Object.keys(variables), `return ${expression}`);
      setKeepAlive(socketOf(...Object.values(variables)), policy);
    });
  },
};

// What a driver throws where no one can catch it is of interest too.
process.on('uncaughtException', (error) => process.send({ event: 'uncaughtException', error: describe(error) }));
process.on('message', async ({ id, order, ...details }) => {
  try {
    await orders[order](details);
    process.send({ id });
  } catch (error) {
    process.send({ id, error: describe(error) });
  }
});
process.on('disconnect', () => process.exit());
process.send({ event: 'ready', settings: Object.keys(driver.settings) });
