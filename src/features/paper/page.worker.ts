import { parentPort } from 'node:worker_threads';
import { drawTicketPages, type TicketPage } from './page.ts';

/** The answer of the drawing thread to a list of pages: the PDF or the reason of its failure. */
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
