import type { Router } from '../lib/router.svelte.ts';
import type { Service } from './service.ts';

export type PageName = 'events' | 'event' | 'session' | 'order' | 'tickets' | 'signedIn' | 'nothing';
export type BuyerRouter = Router<PageName>;

/** What each page gets. `params` are the ids of its address. */
export interface PageProps {
  readonly service: Service;
  readonly router: BuyerRouter;
  readonly params: Readonly<Record<string, string>>;
}
