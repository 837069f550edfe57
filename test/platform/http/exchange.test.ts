import { createServer, type ServerResponse } from 'node:http';
import { Agent } from 'undici';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { exchange } from '../../../src/platform/http/exchange.ts';
import { close, listen, until } from '../../support/servers.ts';

let url: string;
let seen: string[];
let answer: (response: ServerResponse) => unknown;
const http = new Agent({ connections: 1 });
const server = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk;
  seen.push(`${request.method} ${request.url} ${body}`);
  answer(response);
});

beforeAll(async () => {
  url = await listen(server);
});

afterAll(async () => {
  await http.close();
  await close(server);
});

beforeEach(() => {
  seen = [];
});

const ask = (path: string, signal: AbortSignal) =>
  exchange(http, { origin: url, method: 'POST', path, body: 'asked' }, signal);
const forEver = () => new AbortController().signal;

test('an answer that arrives in pieces is read whole, also where a piece ends within a letter', async () => {
  const text = Buffer.from('ගීත සංදර්ශනය');
  answer = (response) => {
    response.writeHead(409);
    response.write(text.subarray(0, 4));
    setImmediate(() => response.end(text.subarray(4)));
  };
  expect(await ask('/pieces', forEver())).toEqual({ status: 409, text: text.toString() });
  expect(seen).toEqual(['POST /pieces asked']);
});

test('the byte order mark is not part of an answer', async () => {
  answer = (response) => response.end('\uFEFF{}');
  expect(await ask('/marked', forEver())).toEqual({ status: 200, text: '{}' });
});

test('an answer that breaks off is not accepted', async () => {
  answer = (response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('only this', () => response.destroy());
  };
  await expect(ask('/broken', forEver())).rejects.toThrow();
});

test('a request that is abandoned while it waits for a connection is never sent', async () => {
  const first = Promise.withResolvers<ServerResponse>();
  answer = first.resolve;
  const answered = ask('/first', forEver());
  const response = await first.promise;
  const giveUp = new AbortController();
  const waiting = ask('/second', giveUp.signal);
  giveUp.abort(new Error('too late'));
  await expect(waiting).rejects.toThrow('too late');
  answer = (other) => other.end();
  response.end('at last');
  expect(await answered).toEqual({ status: 200, text: 'at last' });
  expect(await ask('/third', forEver())).toEqual({ status: 200, text: '' });
  expect(seen).toEqual(['POST /first asked', 'POST /third asked']);
});

test('a request that is abandoned while it is answered is cut off, and another request gets its place', async () => {
  const begun = Promise.withResolvers<ServerResponse>();
  answer = (response) => {
    response.writeHead(200).write('begun');
    begun.resolve(response);
  };
  const giveUp = new AbortController();
  const cut = ask('/cut', giveUp.signal);
  const response = await begun.promise;
  giveUp.abort(new Error('too late'));
  await expect(cut).rejects.toThrow('too late');
  await until('the connection is closed', () => response.destroyed);
  answer = (other) => other.end('well');
  expect(await ask('/next', forEver())).toEqual({ status: 200, text: 'well' });
});

test('a request is not sent when its signal is already aborted', async () => {
  await expect(ask('/never', AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
  expect(seen).toEqual([]);
});
