import { Type } from 'typebox';

const file = (mediaType: string, description: string, example: string) => ({
  description,
  content: { [mediaType]: { schema: Type.Unsafe<unknown>(Type.String({ examples: [example] })) } },
});

export const PDF = 'application/pdf';
export const CALENDAR = 'text/calendar; charset=utf-8';

export const pdfAnswer = file(PDF, 'One A4 page for each ticket, black on white', '%PDF-1.3 ...');
export const calendarAnswer = file('text/calendar', 'RFC 5545, times in UTC', 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\n...');
