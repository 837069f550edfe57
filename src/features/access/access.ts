import { LRUCache } from 'lru-cache';
import { AppError } from '../../kernel/errors.ts';
import type { EventId, OrganizationId, SessionId, UserId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { SeatingServices } from '../seats/index.ts';
import { HIDDEN, type Hidden, PERMISSIONS, type Permission, type Role, type Rule } from './permissions.ts';

/** The subject of a permission. A role that needs a field which is absent does not pass. */
export interface Subject {
  /** The user who owns it: an order's buyer, a ticket's holder, or the user themselves. */
  readonly owner?: UserId;
  /** An organiser must own each of the following fields that is present. */
  readonly event?: EventId;
  readonly events?: readonly EventId[];
  readonly session?: SessionId;
  readonly organization?: OrganizationId;
  /** The session at which scanners pass. */
  readonly scannedAt?: SessionId;
}

/** The error for an order or ticket that does not exist, or that the caller may not know of: they look the same. */
export function notFound(what: Hidden): AppError {
  const { code, detail } = HIDDEN[what];
  return new AppError(code, detail);
}

type Ownership = Pick<
  SeatingServices,
  'ownsEvent' | 'ownsSession' | 'ownsOrganization' | 'ownsAllEvents' | 'isScanner'
>;

/** A question to the seating service. */
type Question = () => Promise<boolean>;

/** The roles in the order in which they are tried: the seating service is asked last. */
const ROLES = ['user', 'admin', 'owner', 'organiser', 'scanner'] as const satisfies readonly Role[];

/** How long a scanner passes without asking the seating service again. */
const SCANNER_MEMORY_MS = 30_000;
const MAX_SCANNERS = 10_000;

/** Decides who may do what, by the table of permissions and the seating service. */
export class Access {
  readonly #seating: Ownership;
  /** Callers with the same question at the same moment share one call. */
  readonly #asked = new Map<string, Promise<boolean>>();
  readonly #scanners = new LRUCache<string, true>({ max: MAX_SCANNERS, ttl: SCANNER_MEMORY_MS });

  constructor(seating: Ownership) {
    this.#seating = seating;
  }

  /**
   * Resolves with the first role that gives the user the permission for the subject. When the user has none, it throws
   * `forbidden`, or for an order or ticket that the user may not even read what `notFound` returns. Throws
   * `seating_unavailable` when only the seating service knows and cannot be reached.
   */
  async require(permission: Permission, who: Principal, subject: Subject = {}): Promise<Role> {
    const role = await this.roleFor(permission, who, subject);
    if (role !== undefined) return role;
    const { refusal, of }: Rule = PERMISSIONS[permission];
    if (of !== undefined && !(await this.#knows(of, permission, who, subject))) throw notFound(of);
    throw new AppError('forbidden', refusal);
  }

  async #knows(of: Hidden, refused: Permission, who: Principal, subject: Subject): Promise<boolean> {
    const { knows } = HIDDEN[of];
    return knows !== refused && (await this.roleFor(knows, who, subject)) !== undefined;
  }

  /** As `require`, but undefined for a user without a role. Throws `seating_unavailable`. */
  async roleFor(permission: Permission, who: Principal, subject: Subject = {}): Promise<Role | undefined> {
    const { roles }: { readonly roles: readonly Role[] } = PERMISSIONS[permission];
    for (const role of ROLES) {
      if (roles.includes(role) && (await this.#has(role, who, subject))) return role;
    }
    return undefined;
  }

  #has(role: Role, who: Principal, subject: Subject): boolean | Promise<boolean> {
    switch (role) {
      case 'user':
        return true;
      case 'admin':
        return who.isAdmin;
      case 'owner':
        return subject.owner === who.userId;
      case 'organiser':
        return this.#owns(who.userId, subject);
      case 'scanner':
        return subject.scannedAt !== undefined && this.#scans(subject.scannedAt, who.userId);
      default:
        return role satisfies never;
    }
  }

  async #owns(userId: UserId, { event, events, session, organization }: Subject): Promise<boolean> {
    const seating = this.#seating;
    const ask = (what: string, question: Question) => this.#ask(`${what} ${userId}`, question);
    const asked = [
      event && ask(`event ${event}`, () => seating.ownsEvent(event, userId)),
      events && ask(`events ${events.join()}`, () => seating.ownsAllEvents(events, userId)),
      session && ask(`session ${session}`, () => seating.ownsSession(session, userId)),
      organization && ask(`organization ${organization}`, () => seating.ownsOrganization(organization, userId)),
    ].filter((answer) => answer !== undefined);
    return asked.length > 0 && (await Promise.all(asked)).every(Boolean);
  }

  /** Remembers a yes for 30 seconds; after a no the seating service is asked each time. */
  async #scans(sessionId: SessionId, userId: UserId): Promise<boolean> {
    const key = `scanner ${sessionId} ${userId}`;
    if (this.#scanners.has(key)) return true;
    const isScanner = await this.#ask(key, () => this.#seating.isScanner(sessionId, userId));
    if (isScanner) this.#scanners.set(key, true);
    return isScanner;
  }

  #ask(key: string, question: Question): Promise<boolean> {
    const underWay = this.#asked.get(key);
    if (underWay) return underWay;
    const answer = question().finally(() => this.#asked.delete(key));
    this.#asked.set(key, answer);
    return answer;
  }
}
