/**
 * Writes every valid ticket with the text of its QR code under the first key of QR_SECRET_KEY, one JSON object per line, for
 * printing and sending: codes under a key that was removed from the list do not admit any more. `--session ID` selects one
 * session. The script can run while the service is running. A code that the earlier service sold for a ticket is refused
 * once its new text is written. Protect the output as you protect tickets.
 */
import { parseArgs } from 'node:util';
import { createTicketSealer, reissueCodes } from '../src/features/tickets/index.ts';
import { as, type SessionId, toUuid } from '../src/kernel/ids.ts';
import { openServiceDatabase, readScriptConfig } from './servers.ts';

const FAILED = 2;

function selectedSession(): SessionId | undefined {
  const { values } = parseArgs({ options: { session: { type: 'string' } } });
  if (values.session === undefined) return undefined;
  const session = toUuid(values.session);
  if (session === undefined) throw new Error('--session: must be the id of a session.');
  return as<SessionId>(session);
}

async function run(): Promise<void> {
  const session = selectedSession();
  const config = readScriptConfig();
  if (!config.QR_SECRET_KEY) {
    throw new Error('QR_SECRET_KEY: must be set to the value of the service; its first key seals.');
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
    `${tickets} tickets, sealed with key ${sealer.currentKeyId}. Codes that the earlier service sold for them are refused from now on.`,
  );
}

try {
  await run();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = FAILED;
}
