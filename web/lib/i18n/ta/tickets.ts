import type { tickets as en } from '../en/tickets.ts';
import type { Words } from '../messages.ts';

export const tickets: Words<typeof en> = {
  ticketsTitle: 'எனது டிக்கெட்டுகள்',
  ticketsSignInFirst: 'உங்கள் டிக்கெட்டுகளைக் காண உள்நுழைக.',
  ticketsNone: 'உங்களிடம் இன்னும் டிக்கெட்டுகள் இல்லை.',
  ticketsNext: 'வரவிருப்பவை',
  ticketsPast: 'முடிந்தவை',
  ticketsOpenOrders: 'செலுத்த வேண்டிய ஆர்டர்கள்',
  showCode: 'குறியீட்டைக் காட்டுக',
  codeOf: 'இருக்கை {seat} டிக்கெட்டின் குறியீடு',
  ticketSeat: 'இருக்கை {seat}',
  ticketUsed: '{time} அன்று பயன்படுத்தப்பட்டது',
  ticketRefunded: 'இந்த ஆர்டர் ரத்து செய்யப்பட்டு, செலுத்தியது திருப்பித் தரப்பட்டது. அதன் டிக்கெட்டுகள் இனி செல்லாது.',
  asPdf: 'டிக்கெட்டுகள் PDF ஆக',
  asCalendar: 'நாட்காட்டியில் சேர்க்க',
  downloadFailed: 'கோப்பை ஏற்ற முடியவில்லை. மீண்டும் முயலவும்.',
  brightnessHint: 'குறியீட்டை ஸ்கேனர் முன் காட்டுக. திரை அணையாது.',
  continuePaying: 'தொடர்ந்து செலுத்துக',
};
