import type { RunningTotals, SalesScope } from './scope.ts';
import type { CloseReason } from './stream.ts';

/**
 * The frames of a stream: https://html.spec.whatwg.org/multipage/server-sent-events.html. The id of each is the position
 * up to which its reader has seen everything. A client that reconnects sends the latest id in `Last-Event-ID`.
 */
type EventName = 'connected' | 'checkout' | 'stats' | 'gap' | 'closed';

/** How long a browser waits before it reconnects. */
const RETRY_MS = 2_000;
const ID_NAME = { event: 'eventID', organization: 'organizationID' } as const;

function frame(event: EventName, json: string, position: number): string {
  return `event: ${event}\ndata: ${json}\nid: ${position}\n\n`;
}

function idOf({ kind, id }: SalesScope) {
  return { [ID_NAME[kind]]: id };
}

/** The first frame (contract section 1). */
export function connectedFrame(scope: SalesScope, position: number): string {
  const json = JSON.stringify({ status: 'connected', ...idOf(scope) });
  return `event: connected\ndata: ${json}\nid: ${position}\nretry: ${RETRY_MS}\n\n`;
}

/** An order completed; `order` is its JSON text, which has no line breaks. */
export function checkoutFrame(order: string, position: number): string {
  return frame('checkout', order, position);
}

export function statsFrame(scope: SalesScope, { orders, tickets, revenue }: RunningTotals, position: number): string {
  return frame('stats', JSON.stringify({ ...idOf(scope), orders, tickets, revenue }), position);
}

/** Events after the client's last one have been removed, so it must load the orders again. */
export function gapFrame(position: number): string {
  return frame('gap', JSON.stringify({ status: 'gap' }), position);
}

export function closedFrame(reason: CloseReason, position: number): string {
  return frame('closed', JSON.stringify({ status: 'closed', reason }), position);
}

/** Keeps proxies from closing an idle connection. It has no data, so browsers raise no event, but they keep its id. */
export function heartbeatFrame(position: number): string {
  return `: still here\nid: ${position}\n\n`;
}
