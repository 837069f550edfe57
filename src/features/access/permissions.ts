import type {} from 'fastify';
import type { ErrorCode } from '../../kernel/errors.ts';

/**
 * A user's role for the subject of a permission. `owner` is an order's buyer, a ticket's holder or the user themselves;
 * `organiser` owns the event, session or organisation; `scanner` has that role for the session; `user` is any user who is
 * signed in.
 */
export type Role = 'admin' | 'owner' | 'organiser' | 'scanner' | 'user';

export interface Rule {
  readonly roles: readonly Role[];
  /** The message to a user without any of the roles. */
  readonly refusal: string;
  /** What the permission is about, if a user who may not read that may not learn that it exists. */
  readonly of?: Hidden;
}

/** Things whose ids are no secret to those who may read them, and to nobody else. */
export type Hidden = 'order' | 'ticket';

const NOT_YOUR_ORDER = 'This order is not yours.';
const NOT_YOUR_TICKET = 'This ticket is not yours.';
const NOT_YOUR_EVENT = 'This event is not yours.';
const NOT_YOUR_SESSION = 'This session is not yours.';
const NOT_A_SCANNER = 'You are not a scanner of this session.';
const FOR_ADMINISTRATORS = 'Only administrators can do this.';

/** Who may do what. A use case first requires its permission, and every route names one. */
export const PERMISSIONS = {
  'order.place': { roles: ['user'], refusal: 'Sign in to order.' },
  'order.read': { roles: ['admin', 'owner', 'organiser'], refusal: NOT_YOUR_ORDER, of: 'order' },
  'order.list': { roles: ['admin', 'owner'], refusal: 'These orders are not yours.' },
  'order.change': { roles: ['owner'], refusal: NOT_YOUR_ORDER, of: 'order' },
  'order.cancel': { roles: ['admin', 'owner'], refusal: NOT_YOUR_ORDER, of: 'order' },
  'order.pay': { roles: ['owner'], refusal: NOT_YOUR_ORDER, of: 'order' },
  'order.refund': {
    roles: ['admin', 'organiser'],
    refusal: 'Only the organiser of the event can refund its orders.',
    of: 'order',
  },
  'payment.repair': { roles: ['admin'], refusal: FOR_ADMINISTRATORS },
  'ticket.read': { roles: ['admin', 'owner', 'organiser', 'scanner'], refusal: NOT_YOUR_TICKET, of: 'ticket' },
  'ticket.print': { roles: ['admin', 'owner', 'organiser'], refusal: 'You may not print this ticket.', of: 'ticket' },
  'ticket.issue': { roles: ['admin', 'organiser'], refusal: NOT_YOUR_EVENT },
  'ticket.amend': { roles: ['admin', 'organiser'], refusal: NOT_YOUR_EVENT, of: 'ticket' },
  'ticket.void': { roles: ['admin', 'organiser'], refusal: NOT_YOUR_EVENT, of: 'ticket' },
  'ticket.check-in': { roles: ['scanner'], refusal: NOT_A_SCANNER },
  'ticket.undo-check-in': { roles: ['admin', 'organiser'], refusal: NOT_YOUR_EVENT, of: 'ticket' },
  'door.bundle': { roles: ['scanner'], refusal: NOT_A_SCANNER },
  'door.set-up': { roles: ['admin', 'organiser'], refusal: NOT_YOUR_SESSION },
  'door.conflicts': { roles: ['admin', 'organiser'], refusal: NOT_YOUR_SESSION },
  'analytics.event': { roles: ['admin', 'organiser'], refusal: NOT_YOUR_EVENT },
  'analytics.session': { roles: ['admin', 'organiser'], refusal: NOT_YOUR_SESSION },
  'analytics.organization': { roles: ['admin', 'organiser'], refusal: 'This organisation is not yours.' },
  'live.event': { roles: ['admin', 'organiser'], refusal: NOT_YOUR_EVENT },
  'live.organization': { roles: ['admin', 'organiser'], refusal: 'This organisation is not yours.' },
  'audit.event': { roles: ['admin', 'organiser'], refusal: NOT_YOUR_EVENT },
  'self.read': { roles: ['user'], refusal: 'Sign in.' },
} as const satisfies Record<string, Rule>;

export type Permission = keyof typeof PERMISSIONS;

/** The permission that lets a user know of a thing, and the refusal of everybody else, which is that of an unknown id. */
export const HIDDEN = {
  order: { knows: 'order.read', code: 'order_not_found', detail: 'There is no order with this id.' },
  ticket: { knows: 'ticket.read', code: 'ticket_not_found', detail: 'There is no ticket with this id.' },
} as const satisfies Record<Hidden, { knows: Permission; code: ErrorCode; detail: string }>;

/** The refusals that a route with this permission can give because of the caller. */
export function refusalsOf(permission: Permission): readonly ErrorCode[] {
  if (permission === 'self.read') return [];
  const { roles, of }: Rule = PERMISSIONS[permission];
  const isAsked = roles.includes('organiser') || roles.includes('scanner');
  return [
    // Every other permission is about stored rows.
    'database_unavailable',
    ...(of === undefined ? [] : [HIDDEN[of].code]),
    // Whether a user knows of a thing may be for the seating service to say.
    ...(isAsked || of !== undefined ? (['seating_unavailable'] as const) : []),
  ];
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route's use case requires of the caller. Every route names one, or is public. */
    readonly permission?: Permission;
  }
}
