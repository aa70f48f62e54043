import koffi from 'koffi';

// PostgreSQL's own client library, which opens its sockets itself, on threads of its own: what pg-native uses.
const library = koffi.load('libpq.so.5');
const connect = library.func('void *PQconnectdb(const char *)');
const status = library.func('int PQstatus(void *)');
const execute = library.func('void *PQexec(void *, const char *)');
const resultStatus = library.func('int PQresultStatus(void *)');
const clear = library.func('void PQclear(void *)');
const errorMessage = library.func('const char *PQerrorMessage(void *)');
const finish = library.func('void PQfinish(void *)');

const [CONNECTION_OK, PGRES_TUPLES_OK] = [0, 2];

export const settings = {
  default: { query: 'SELECT 1', parameters: '' },
  'keepalives_idle=10': { query: 'SELECT 1', parameters: 'keepalives_idle=10' },
  'keepalives=0': { query: 'SELECT 1', parameters: 'keepalives=0' },
  'a long query': { query: 'SELECT pg_sleep(60)', parameters: '' },
};

const inThread = (call, ...args) =>
  new Promise((resolve, reject) => {
    call.async(...args, (error, result) => (error ? reject(error) : resolve(result)));
  });

export function open(port, { query, parameters }) {
  const opening = inThread(
    connect,
    `host=127.0.0.1 port=${port} user=postgres sslmode=disable gssencmode=disable ${parameters}`,
  );
  return {
    async use() {
      const connection = await opening;
      if (status(connection) !== CONNECTION_OK) throw new Error(errorMessage(connection));
      const result = await inThread(execute, connection, query);
      const isDone = resultStatus(result) === PGRES_TUPLES_OK;
      clear(result);
      if (!isDone) throw new Error(errorMessage(connection));
    },
    close: async () => finish(await opening),
  };
}
