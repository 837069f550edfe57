import { LRUCache } from 'lru-cache';
import { AppError } from '../../kernel/errors.ts';
import type { EventId, OrganizationId, SessionId, UserId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { SeatingServices } from '../seats/index.ts';
import { PERMISSIONS, type Permission, type Role } from './permissions.ts';

/** What a permission is asked for. A role that needs a part which is absent does not pass. */
export interface Subject {
  /** The user it belongs to: an order's buyer, a ticket's holder, the user themselves. */
  readonly owner?: UserId;
  /** What an organiser must own: every part that is there. */
  readonly event?: EventId;
  readonly events?: readonly EventId[];
  readonly session?: SessionId;
  readonly organization?: OrganizationId;
  /** The session whose scanners pass. */
  readonly scannedAt?: SessionId;
}

type Ownership = Pick<
  SeatingServices,
  'ownsEvent' | 'ownsSession' | 'ownsOrganization' | 'ownsAllEvents' | 'isScanner'
>;

/** A question to the seating service. */
type Question = () => Promise<boolean>;

/** The roles in the order in which they are tried: the seating service is asked last. */
const ROLES = ['user', 'admin', 'owner', 'organiser', 'scanner'] as const satisfies readonly Role[];

/** How long a scanner passes without another question, so that the seating service hears of no second scan. */
const SCANNER_MEMORY_MS = 30_000;
const MAX_ANSWERS = 10_000;

/** Answers who may do what, from the table of permissions and the seating service. */
export class Access {
  readonly #seating: Ownership;
  /** Each question is asked once for all callers that wait for its answer. Only a yes outlives the call under way. */
  readonly #answers = new LRUCache<string, true, Question>({
    max: MAX_ANSWERS,
    ttl: SCANNER_MEMORY_MS,
    ignoreFetchAbort: true,
    fetchMethod: async (_question, _known, { context: ask }) => ((await ask()) ? true : undefined),
  });

  constructor(seating: Ownership) {
    this.#seating = seating;
  }

  /**
   * Resolves with the first role by which the user may do this to the subject. Throws `forbidden` when they have none, and
   * `seating_unavailable` when only the seating service could tell.
   */
  async require(permission: Permission, who: Principal, subject: Subject = {}): Promise<Role> {
    const role = await this.roleFor(permission, who, subject);
    if (role === undefined) throw new AppError('forbidden', PERMISSIONS[permission].refusal);
    return role;
  }

  /** The same where a user without a role is not an error: undefined. Throws `seating_unavailable`. */
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
    const ask = (what: string, question: Question) =>
      this.#answers.fetch(`${what} ${userId}`, { context: question, forceRefresh: true });
    const asked = [
      event && ask(`event ${event}`, () => seating.ownsEvent(event, userId)),
      events && ask(`events ${events.join()}`, () => seating.ownsAllEvents(events, userId)),
      session && ask(`session ${session}`, () => seating.ownsSession(session, userId)),
      organization &&
        ask(`organization ${organization}`, () => seating.ownsOrganization(organization, userId)),
    ].filter((answer) => answer !== undefined);
    return asked.length > 0 && (await Promise.all(asked)).every(Boolean);
  }

  /** Remembers a yes for a moment; a no is asked again each time. */
  async #scans(sessionId: SessionId, userId: UserId): Promise<boolean> {
    const question = () => this.#seating.isScanner(sessionId, userId);
    const answer = await this.#answers.fetch(`scanner ${sessionId} ${userId}`, { context: question });
    return answer ?? false;
  }
}
