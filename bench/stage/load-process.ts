/**
 * Load from autocannon, in its own process. Reads a `Plan` and the buyers' tokens as JSON and prints a `Counted` as JSON.
 */

import { randomUUID } from 'node:crypto';
import autocannon from 'autocannon';
import { MS_PER_SECOND } from '../../src/kernel/clock.ts';
import { printResult, readInput } from './child.ts';
import { type Counted, FRESH_SEAT, type Plan } from './load.ts';

const US_PER_SECOND = 1_000_000;
/** An open loop is split over many autocannon instances with staggered starts, because each sends its share of a second at once. */
const STAGGERED = 20;
const PAUSE_AFTER_SECONDS = 0.2;
const SAMPLE_MS = 100;
const ANSWER_TIMEOUT_S = 60;

const { plan, tokens } = await readInput<{ plan: Plan; tokens: string[] }>();
const bodies = plan.bodies ?? [''];
const { host } = new URL(plan.url);
let built = 0;

/** The next request as raw HTTP. */
function nextRequest(): string {
  const token = tokens[built % tokens.length];
  const path = plan.paths[built % plan.paths.length] ?? '/';
  const body = (bodies[built % bodies.length] ?? '').replaceAll(FRESH_SEAT, () => randomUUID());
  built += 1;
  const head = `${plan.method} ${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\n`;
  if (body === '') return `${head}\r\n`;
  return `${head}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

interface BareClient {
  getRequestBuffer(): Buffer | string;
  /** How late the current request was sent. */
  lateMs: number;
}

const isPaced = plan.loop === 'open';
const beganMs = performance.now();
const fromMs = plan.requests === undefined ? beganMs + plan.warmUpMs : beganMs;
const untilMs = plan.requests === undefined ? fromMs + plan.durationMs : Number.POSITIVE_INFINITY;
const isCounted = (nowMs: number) => nowMs >= fromMs && nowMs < untilMs;
const byStatus: Record<number, number[]> = {};
const answers: Record<number, number> = {};
let sent = 0;
let lastMs = fromMs;

function onAnswer(status: number, tookMs: number): void {
  lastMs = performance.now();
  answers[status] = (answers[status] ?? 0) + 1;
  if (!isCounted(lastMs)) return;
  byStatus[status] ??= [];
  byStatus[status].push(tookMs);
}

/** Runs these connections. In an open loop each sends once a second, starting after `delayMs`. */
function fire(connections: number, delayMs: number): Promise<void> {
  return new Promise((done, fail) => {
    const begin = () => {
      const gridMs = performance.now();
      // Building each request again would take a fifth of the measured time, so only ids are replaced in a text.
      const setupClient = (client: autocannon.Client) => {
        const bare = client as unknown as BareClient;
        bare.getRequestBuffer = () => {
          const nowMs = performance.now();
          if (isCounted(nowMs)) sent += 1;
          bare.lateMs = isPaced ? (nowMs - gridMs) % MS_PER_SECOND : 0;
          return nextRequest();
        };
      };
      const duration = (plan.warmUpMs + plan.durationMs) / MS_PER_SECOND + PAUSE_AFTER_SECONDS;
      const instance = autocannon(
        {
          url: plan.url,
          connections,
          ...(plan.requests === undefined ? { duration } : { amount: plan.requests }),
          sampleInt: SAMPLE_MS,
          timeout: ANSWER_TIMEOUT_S,
          ...(isPaced ? { overallRate: connections } : {}),
          setupClient,
        },
        (error) => (error ? fail(error) : done()),
      );
      instance.on('response', (client, status, _bytes, tookMs) =>
        onAnswer(status, tookMs + (client as unknown as BareClient).lateMs),
      );
      instance.on('reqError', () => onAnswer(0, 0));
    };
    setTimeout(begin, delayMs);
  });
}

const begun = process.cpuUsage();
if (!isPaced) await fire(plan.connections, 0);
else {
  // A connection whose answer takes less than a second is ready when its next request is due.
  const share = Math.ceil(plan.connections / STAGGERED);
  await Promise.all(Array.from({ length: STAGGERED }, (_, at) => fire(share, (at * MS_PER_SECOND) / STAGGERED)));
}
const cpu = process.cpuUsage(begun);
printResult({
  seconds: (plan.requests === undefined ? plan.durationMs : lastMs - fromMs) / MS_PER_SECOND,
  byStatus,
  sent,
  answers,
  loadSeconds: (cpu.user + cpu.system) / US_PER_SECOND,
} satisfies Counted);
