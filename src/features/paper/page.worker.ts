import { parentPort } from 'node:worker_threads';
import { OpenPdf, type TicketPage } from './page.ts';

/** The next page of a PDF, which the first page opens and the last one ends. */
export interface DrawPage {
  readonly pdf: number;
  readonly at: number;
  readonly page: TicketPage;
  readonly isLast: boolean;
}

/** `lost`: this thread does not have the pages before, because it was started since. */
export type Drawn =
  | { readonly outcome: 'drawn' | 'lost' }
  | { readonly outcome: 'done'; readonly pdf: Uint8Array }
  | { readonly outcome: 'failed'; readonly reason: string };

const open = new Map<number, OpenPdf>();

parentPort?.on('message', async (asked: DrawPage | { readonly abandoned: number }) => {
  if ('abandoned' in asked) open.delete(asked.abandoned);
  else parentPort?.postMessage(await draw(asked));
});

async function draw({ pdf, at, page, isLast }: DrawPage): Promise<Drawn> {
  try {
    const document = at === 0 ? new OpenPdf() : open.get(pdf);
    if (!document) return { outcome: 'lost' };
    open.set(pdf, document);
    document.draw(page);
    if (!isLast) return { outcome: 'drawn' };
    open.delete(pdf);
    return { outcome: 'done', pdf: await document.end() };
  } catch (error) {
    open.delete(pdf);
    return { outcome: 'failed', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
