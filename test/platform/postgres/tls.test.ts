import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { sessionSettings } from '../../../src/platform/postgres/connection.ts';
import { tlsOf } from '../../../src/platform/postgres/tls.ts';
import { atEnd } from '../../support/at-end.ts';

const PLAIN = 'plain';
let root: string;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-tls-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  root = join(folder, 'root.pem');
  await writeFile(root, 'an authority');
});

/** What is checked of the server in each way to connect, in order. */
function waysOf(query: string): string[] {
  return tlsOf(`postgres://u:p@db.example/tickets?${query}`).map((way) => {
    if (way === false) return PLAIN;
    if (way.rejectUnauthorized === false) return 'nothing';
    return `${way.ca === undefined ? 'well-known' : 'its'} authority${way.checkServerIdentity ? '' : ' and name'}`;
  });
}

describe('tls-as-libpq: the ways to connect to PostgreSQL', () => {
  test.each([
    ['', ['nothing', PLAIN]],
    ['sslmode=disable', [PLAIN]],
    ['sslmode=allow', [PLAIN, 'nothing']],
    ['sslmode=prefer', ['nothing', PLAIN]],
    ['sslmode=require', ['nothing']],
    ['sslmode=require&uselibpqcompat=true', ['nothing']],
    ['sslmode=no-verify', ['nothing']],
    ['sslmode=verify-full', ['well-known authority and name']],
    ['sslrootcert=system', ['well-known authority and name']],
    ['sslmode=verify-full&sslrootcert=system', ['well-known authority and name']],
    ['ssl=true', ['well-known authority and name']],
    ['ssl=0', [PLAIN]],
    ['sslmode=verify-full&host=/var/run/postgresql', [PLAIN]],
  ])('%s', (query, ways) => {
    expect(waysOf(query)).toEqual(ways);
  });

  test.each([
    ['allow', [PLAIN, 'its authority']],
    ['prefer', ['its authority', PLAIN]],
    ['require', ['its authority']],
    ['verify-ca', ['its authority']],
    ['verify-full', ['its authority and name']],
  ])('%s, with the file of its authority', (mode, ways) => {
    expect(waysOf(`sslmode=${mode}&sslrootcert=${root}`)).toEqual(ways);
  });

  test.each([
    ['sslmode=requires', 'sslmode must be one of disable,'],
    ['ssl=maybe', 'sslmode must be one of disable,'],
    ['sslmode=verify-ca', 'sslmode=verify-ca needs sslrootcert'],
    ['sslnegotiation=direct', 'sslnegotiation=direct needs sslmode=require'],
    ['sslmode=require&sslrootcert=system', 'sslrootcert=system needs sslmode=verify-full'],
    ['sslmode=verify-full&sslrootcert=/not/there', 'sslrootcert: /not/there cannot be read (ENOENT)'],
    ['sslmode=require&sslcert=/not/there', 'sslcert: /not/there cannot be read (ENOENT)'],
  ])('%s is refused with what to correct', (query, problem) => {
    expect(() => waysOf(query)).toThrow(problem);
  });

  test('`pg` sees none of these parameters, to which it gives other meanings', () => {
    const dsn = `postgres://u:p%20w@db.example:6432/tickets?sslmode=require&sslrootcert=${root}&application_name=x`;
    expect(sessionSettings(dsn, []).connectionString).toBe(
      'postgres://u:p%20w@db.example:6432/tickets?application_name=x',
    );
  });
});
