import { readQrCode } from '../../scripts/qr-reader.ts';
import { earlierPicture, earlierText } from '../support/earlier-codes.ts';
import type { Flow } from './flows.ts';
import { sell } from './steps.ts';
import { orderFor, type World } from './world.ts';

const DOOR = '/api/order/ticket/checkin';
const SCANNER = { as: 'scanner', keyed: true } as const;
const ORGANISER = { as: 'organiser', keyed: true } as const;

/** The QR texts of a sold order, and its tickets. */
async function soldTickets(world: World, seats: number) {
  const { orderId } = await sell(world, seats);
  const { body } = await world.request(200, 'GET', `/api/order/${orderId}/tickets`, { as: 'buyer' });
  return Promise.all(
    body.map(async ({ ticket_id: ticketId, qr_code: picture }: Record<string, string>) => ({
      ticketId,
      qrText: await readQrCode(Buffer.from(picture ?? '', 'base64')),
    })),
  );
}

/** What happens at the door besides a plain check-in. */
export const DOOR_FLOWS: Readonly<Record<string, Flow>> = {
  async 'a ticket holder enters, leaves and returns, and the check-in is undone'(world) {
    const [{ ticketId, qrText }] = await soldTickets(world, 1);
    const scan = (status: number, nonce: string, direction: string, keyed = true) =>
      world.request(status, 'POST', DOOR, {
        ...SCANNER,
        keyed,
        again: true,
        body: { encrypted_qr: qrText, nonce, direction },
      });
    const path = `/api/order/scan/sessions/${orderFor([]).session_id}/door`;
    await world.request(200, 'PUT', path, { ...ORGANISER, body: { allows_reentry: true } });
    await scan(200, 'nonce-came', 'entry', false);
    await scan(409, 'nonce-again', 'entry');
    await scan(200, 'nonce-left', 'exit', false);
    await scan(200, 'nonce-returned', 'entry');
    await scan(200, 'nonce-left-too', 'exit');
    await scan(200, 'nonce-stayed', 'entry');
    await world.request(200, 'DELETE', `/api/order/ticket/${ticketId}/checkin`, ORGANISER);
    const [{ scans } = {}] = await world.sql<{ scans: number }>('SELECT count(*)::int AS scans FROM scans');
    if (scans !== 7) throw new Error(`${scans} scans were stored`);
  },

  async 'a buyer writes their session into a calendar'(world) {
    const { orderId } = await sell(world, 1);
    const { text } = await world.request(200, 'GET', `/api/order/${orderId}/tickets.ics`, { as: 'buyer' });
    if (!text.includes('SEQUENCE:1')) throw new Error('the calendar file has another revision');
  },

  async 'a code of the earlier service is read, and its holder enters'(world) {
    const { orderId } = await sell(world, 1);
    const [ticket] = await world.sql<{ ticket_id: string; seat_id: string }>(
      'SELECT ticket_id, seat_id FROM tickets WHERE order_id = $1',
      [orderId],
    );
    const ticketId = ticket?.ticket_id ?? '';
    const text = earlierText({ ticketId, orderId, seatId: ticket?.seat_id ?? '', seatLabel: 'A12' });
    await world.sql('UPDATE tickets SET qr_code = $2 WHERE ticket_id = $1', [ticketId, await earlierPicture(text)]);
    await world.sql('INSERT INTO earlier_codes (ticket_id) VALUES ($1)', [ticketId]);
    await world.until('it is read', async () => {
      const [code] = await world.sql<{ state: string }>('SELECT state FROM earlier_codes');
      return code?.state === 'good';
    });
    await world.request(200, 'POST', DOOR, { ...SCANNER, body: { encrypted_qr: `${text}\r\n` } });
  },

  async 'a batch of scans is sent until it is answered'(world) {
    const [one, other] = await soldTickets(world, 2);
    const at = (ticket: { qrText: string }, nonce: string) => ({
      encrypted_qr: ticket.qrText,
      nonce,
      scanned_at: new Date().toISOString(),
    });
    const body = { scans: [at(one, 'nonce-one'), at(other, 'nonce-other'), at(one, 'nonce-copy')] };
    const answer = await world.request(200, 'POST', '/api/order/scan/batch', { as: 'scanner', again: true, body });
    const outcomes = answer.body.results.map(({ outcome }: { outcome: string }) => outcome);
    if (outcomes.join() !== 'admitted,admitted,conflict') throw new Error(`the batch was answered ${outcomes}`);
  },
};
