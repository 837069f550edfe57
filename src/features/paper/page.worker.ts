import { parentPort } from 'node:worker_threads';
import { drawTicketPages, type TicketPage } from './page.ts';

/** The thread that draws: pages come in, one PDF after another goes out, or why there is none. */
export type Drawn = { readonly pdf: Uint8Array } | { readonly failure: string };

parentPort?.on('message', async (pages: readonly TicketPage[]) => {
  parentPort?.postMessage(await draw(pages));
});

async function draw(pages: readonly TicketPage[]): Promise<Drawn> {
  try {
    return { pdf: await drawTicketPages(pages) };
  } catch (error) {
    return { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
