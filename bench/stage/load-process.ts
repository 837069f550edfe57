/**
 * Load by autocannon, in a process of its own. Takes a `Plan` and the buyers' tokens as JSON on its input; prints a
 * `Counted` as JSON.
 */
import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import autocannon from 'autocannon';
import type { Counted, Plan } from './load.ts';

const MS_PER_SECOND = 1_000;
/** Open loops are many of autocannon's own, begun one after another, because each sends its second's share at once. */
const STAGGERED = 20;
const PAUSE_AFTER_SECONDS = 0.2;

const { plan, tokens } = JSON.parse(await text(process.stdin)) as { plan: Plan; tokens: string[] };
const bodies = plan.bodies ?? [''];
const { host } = new URL(plan.url);
let sent = 0;

/** The next request as it goes over the wire. */
function nextRequest(): string {
  const token = tokens[sent % tokens.length];
  const path = plan.paths[sent % plan.paths.length] ?? '/';
  const body = (bodies[sent % bodies.length] ?? '').replaceAll('SEAT', () => randomUUID());
  sent += 1;
  const head = `${plan.method} ${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\n`;
  if (body === '') return `${head}\r\n`;
  return `${head}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

interface BareClient {
  getRequestBuffer(): Buffer | string;
}

function fire(
  connections: number,
  rate: number | undefined,
  delayMs: number,
  onAnswer: OnAnswer,
): Promise<void> {
  return new Promise((done, fail) => {
    const begin = () => {
      const instance = autocannon(
        {
          url: plan.url,
          connections,
          duration: (plan.warmUpMs + plan.durationMs) / MS_PER_SECOND + PAUSE_AFTER_SECONDS,
          sampleInt: 100,
          timeout: 60,
          ...(rate === undefined ? {} : { overallRate: rate }),
          // A request built anew for each would be a fifth of what is measured; ours is a text with other ids.
          setupClient: (client) =>
            Object.assign(client as unknown as BareClient, { getRequestBuffer: nextRequest }),
        },
        (error) => (error ? fail(error) : done()),
      );
      instance.on('response', (_client, status, _bytes, tookMs) => onAnswer(status, tookMs));
      instance.on('reqError', () => onAnswer(0, 0));
    };
    setTimeout(begin, delayMs);
  });
}

type OnAnswer = (status: number, tookMs: number) => void;

const byStatus: Record<number, number[]> = {};
const from = performance.now() + plan.warmUpMs;
const until = from + plan.durationMs;
const onAnswer: OnAnswer = (status, tookMs) => {
  const now = performance.now();
  if (now < from || now >= until) return;
  byStatus[status] ??= [];
  byStatus[status].push(tookMs);
};
const begun = process.cpuUsage();
if (plan.loop === 'closed') await fire(plan.connections, undefined, 0, onAnswer);
else {
  // A connection is asked for one request a second, so one that waits less than that holds none back.
  const share = Math.ceil(plan.connections / STAGGERED);
  const shares = Array.from({ length: STAGGERED }, (_, at) =>
    fire(share, share, (at * MS_PER_SECOND) / STAGGERED, onAnswer),
  );
  await Promise.all(shares);
}
const cpu = process.cpuUsage(begun);
const counted: Counted = {
  seconds: plan.durationMs / MS_PER_SECOND,
  byStatus,
  loadSeconds: (cpu.user + cpu.system) / 1e6,
};
// A pipe takes its time; what it has not taken would be lost with the process.
process.stdout.write(JSON.stringify(counted), () => process.exit(0));
