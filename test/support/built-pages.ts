import { OpenPdf, type TicketPage } from '../../src/features/paper/page.ts';

export const PAGE_QR_TEXT = 'A1B2'.repeat(50);

/** A ticket's page whose names are all this text. */
export function builtPage(title: string, changes: Partial<TicketPage> = {}): TicketPage {
  const names = { title, places: [title, title], tier: title };
  return { ...names, time: 'now', seat: 'A1', ticketId: 't', orderId: 'o', qrText: PAGE_QR_TEXT, ...changes };
}

/** A PDF of these pages, drawn in this thread. */
export function drawPages(pages: readonly TicketPage[]): Promise<Buffer> {
  const pdf = new OpenPdf();
  for (const page of pages) pdf.draw(page);
  return pdf.end();
}
