import { execFile } from 'node:child_process';
import { chown, cp, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findBinaries } from '../../src/embedded/postgres/binaries.ts';
import { startEmbeddedPostgres } from '../../src/embedded/postgres/postgres.ts';
import { runAs, serverAccount } from '../../src/embedded/postgres/server-account.ts';
import { migrateUp } from '../../src/platform/postgres/migrations.ts';
import { atEnd } from './at-end.ts';
import { freePorts } from './child-server.ts';
import { runOn } from './databases.ts';

/** Starts a cold copy of a migrated server as a standby without a primary, until it is promoted; stopped after the tests of the file. */
export async function startStandby() {
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-standby-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  const primary = await startEmbeddedPostgres(folder);
  await migrateUp({ dsn: primary.dsn, dir: 'migrations' });
  await primary.close();

  const cluster = join(folder, 'standby');
  await cp(join(folder, 'postgres'), cluster, { recursive: true, preserveTimestamps: true });
  await writeFile(join(cluster, 'standby.signal'), '');
  const { uid, gid } = await stat(join(folder, 'postgres'));
  const account = await serverAccount(folder);
  await promisify(execFile)('chown', ['-R', `${uid}:${gid}`, cluster]);
  await chown(folder, uid, gid);
  const [port = 0] = await freePorts(1);
  const { pg_ctl: pgCtl } = await findBinaries();
  const control = async (...args: string[]) => {
    const command = runAs(account, pgCtl, ['-D', cluster, '-w', ...args]);
    const { program, uid: asUid, gid: asGid } = command;
    await promisify(execFile)(program, [...command.args], {
      cwd: '/',
      ...(asUid === undefined ? {} : { uid: asUid }),
      ...(asGid === undefined ? {} : { gid: asGid }),
    });
  };
  // A standby needs at least as many connections as the server that it was copied from.
  const options = `-c max_connections=400 -c port=${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=`;
  await control('-l', join(folder, 'standby.log'), '-o', options, 'start');
  atEnd(() => control('-m', 'immediate', 'stop'));
  const url = new URL(primary.dsn);
  url.port = String(port);
  return { dsn: url.toString(), promote: () => runOn(url.toString(), 'SELECT pg_promote(true, 60)') };
}
