import { chmod, mkdir, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join, relative, resolve } from 'node:path';
import { OWNER_FILE, OWNER_FOLDER } from './kept-file.ts';

/** Unix socket paths are limited to 104 bytes on macOS and 108 on Linux; a longer one is used relative to the working directory. */
const MAX_SOCKET_PATH_BYTES = 100;

/** A claim on a data folder. It ends with `release`, or with the process, also after a crash. */
export interface DataDirClaim {
  release(): Promise<void>;
}

/** Another running process uses the folder. */
export class DataDirInUse extends Error {
  constructor(path: string) {
    super(`${path} is in use by another running service. Stop that one, or give this one its own DATA_DIR.`);
    this.name = 'DataDirInUse';
  }
}

/**
 * Claims the data folder for this process, and creates it when it is missing. The claim is a listening socket, because the
 * system closes it when the process is killed. Throws `DataDirInUse`.
 */
export async function claimDataDir(dataDir: string): Promise<DataDirClaim> {
  const path = resolve(dataDir);
  await mkdir(path, { recursive: true, mode: OWNER_FOLDER });
  const socket = shortest(join(path, 'in-use.sock'));
  const server = (await listen(socket)) ?? (await takeOver(socket));
  if (!server) throw new DataDirInUse(path);
  await chmod(socket, OWNER_FILE);
  server.unref();
  return { release: () => new Promise((done) => server.close(() => done())) };
}

async function takeOver(socket: string): Promise<Server | undefined> {
  if (await answers(socket)) return undefined;
  await rm(socket, { force: true });
  return listen(socket);
}

/** Listens on the socket; undefined when the path exists already. */
function listen(socket: string): Promise<Server | undefined> {
  return new Promise((done, fail) => {
    const server = createServer((connection) => connection.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') done(undefined);
      else fail(error);
    });
    server.listen(socket, () => done(server));
  });
}

function answers(socket: string): Promise<boolean> {
  return new Promise((done) => {
    const connection = connect(socket);
    connection.once('connect', () => {
      connection.destroy();
      done(true);
    });
    connection.once('error', () => done(false));
  });
}

function shortest(path: string): string {
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES) return path;
  return relative(process.cwd(), path);
}
