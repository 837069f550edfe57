/**
 * Writes every good ticket with the text of its QR code under the first key of QR_SECRET_KEY, one JSON object a line,
 * for whoever prints and sends tickets: after a key was taken off the list, what was printed with it admits nobody.
 * `--session ID` names one session. Safe beside a live service. A code that the earlier service sold for a ticket admits
 * nobody once its new text is written. Keep what it writes as you keep tickets.
 */
import { parseArgs } from 'node:util';
import { createTicketSealer, reissueCodes } from '../src/features/tickets/index.ts';
import { as, type SessionId } from '../src/kernel/ids.ts';
import { openServiceDatabase, readScriptConfig } from './servers.ts';

const FAILED = 2;
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

function sessionAsked(): SessionId | undefined {
  const { values } = parseArgs({ options: { session: { type: 'string' } } });
  const session = values.session?.toLowerCase();
  if (session !== undefined && !UUID.test(session))
    throw new Error('--session: must be the id of a session.');
  return session === undefined ? undefined : as<SessionId>(session);
}

async function run(): Promise<void> {
  const session = sessionAsked();
  const config = readScriptConfig();
  if (!config.QR_SECRET_KEY) {
    throw new Error('QR_SECRET_KEY: must be set, as the service has it; its first key seals.');
  }
  const sealer = await createTicketSealer(config.QR_SECRET_KEY);
  const database = await openServiceDatabase(config);
  let tickets = 0;
  try {
    for await (const ticket of reissueCodes(database, sealer, session)) {
      console.log(JSON.stringify(ticket));
      tickets += 1;
    }
  } finally {
    await database.close();
  }
  console.error(
    `${tickets} tickets, sealed with key ${sealer.currentKeyId}. Codes that the earlier service sold for them admit nobody any more.`,
  );
}

try {
  await run();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = FAILED;
}
