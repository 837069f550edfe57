import { type Bell, createBell } from './poller.ts';

/** Names of the jobs that become due at once when rows are stored. */
export const WAKEABLE = ['relay', 'webhooks', 'refunds', 'saleNumbering'] as const;

export type Wakeable = (typeof WAKEABLE)[number];

/** Wakes a job in this process; other processes find the work in their next turn. */
export type Wake = (work: Wakeable) => void;

/** A bell for each job that can be woken. */
export function createBells(): Readonly<Record<Wakeable, Bell>> {
  return { relay: createBell(), webhooks: createBell(), refunds: createBell(), saleNumbering: createBell() };
}
