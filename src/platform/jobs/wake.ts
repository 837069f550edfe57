import { type Bell, createBell } from './poller.ts';

/** Background work that stored rows make due at once, by its name among the jobs. */
export const WAKEABLE = ['relay', 'webhooks', 'refunds', 'saleNumbering'] as const;

export type Wakeable = (typeof WAKEABLE)[number];

/** Wakes background work in this process; other processes find it at their next turn. */
export type Wake = (work: Wakeable) => void;

/** A bell for each work that can be woken. */
export function createBells(): Readonly<Record<Wakeable, Bell>> {
  return { relay: createBell(), webhooks: createBell(), refunds: createBell(), saleNumbering: createBell() };
}
