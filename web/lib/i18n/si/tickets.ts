import type { tickets as en } from '../en/tickets.ts';
import type { Words } from '../messages.ts';

export const tickets: Words<typeof en> = {
  ticketsTitle: 'මගේ ටිකට්',
  ticketsSignInFirst: 'ඔබේ ටිකට් බැලීමට පිවිසෙන්න.',
  ticketsNone: 'ඔබට තවම ටිකට් නැත.',
  ticketsNext: 'ඉදිරියට එන',
  ticketsPast: 'පසුගිය',
  ticketsOpenOrders: 'ගෙවිය යුතු ඇණවුම්',
  showCode: 'කේතය පෙන්වන්න',
  codeOf: '{seat} ආසනයේ ටිකට් කේතය',
  ticketSeat: 'ආසනය {seat}',
  ticketUsed: '{time} දින භාවිත කරන ලදී',
  ticketRefunded: 'මෙම ඇණවුම අවලංගු කර, ගෙවූ මුදල ආපසු දී ඇත. එහි ටිකට් තවදුරටත් වලංගු නොවේ.',
  asPdf: 'ටිකට් PDF ලෙස',
  asCalendar: 'දින දර්ශනයට එක් කරන්න',
  downloadFailed: 'ගොනුව පූරණය කළ නොහැකි විය. නැවත උත්සාහ කරන්න.',
  brightnessHint: 'කේතය ස්කෑනරය ඉදිරියේ තබාගන්න. තිරය දැල්වී පවතී.',
  continuePaying: 'ඉදිරියට ගොස් ගෙවන්න',
};
