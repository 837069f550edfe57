import type { common as en } from '../en/common.ts';
import type { Words } from '../messages.ts';

export const common: Words<typeof en> = {
  brand: 'ටිකට්',
  skipToContent: 'අන්තර්ගතයට යන්න',
  navEvents: 'උත්සව',
  navTickets: 'මගේ ටිකට්',
  signIn: 'පිවිසෙන්න',
  signOut: 'ඉවත් වන්න',
  languageLabel: 'භාෂාව',
  loading: 'පූරණය වෙමින්…',
  tryAgain: 'නැවත උත්සාහ කරන්න',
  close: 'වසන්න',
  from: '{price} සිට',
  notFoundTitle: 'මෙම ලිපිනයේ පිටුවක් නැත',
  notFoundText: 'සබැඳිය පැරණි විය හැක, නැතහොත් එහි කොටසක් අඩුයි.',
  toEvents: 'සියලු උත්සව බලන්න',
  errorTitle: 'යමක් ක්‍රියා නොකළේය',
  errorNoAnswer: 'පිළිතුරක් ලැබුණේ නැත. ඔබගේ සම්බන්ධතාව පරීක්ෂා කර නැවත උත්සාහ කරන්න.',
  errorUnavailable: 'සේවාව මේ මොහොතේ නොමැත. ටික වේලාවකින් නැවත උත්සාහ කරන්න.',
  errorUnavailableIn: {
    one: 'දැන් බොහෝ දෙනෙක් ඇණවුම් කරති. තත්පර {count}කින් නැවත උත්සාහ කරන්න.',
    other: 'දැන් බොහෝ දෙනෙක් ඇණවුම් කරති. තත්පර {count}කින් නැවත උත්සාහ කරන්න.',
  },
  errorSignedOut: 'ඔබගේ පිවිසුම කල් ඉකුත් වී ඇත. නැවත පිවිසෙන්න; ඔබගේ ආසන රඳවා ඇත.',
  errorForbidden: 'මෙය වෙනත් ගිණුමකට අයත් වේ. ඇණවුම් කළ ගිණුමෙන් පිවිසෙන්න.',
  errorNotFound: 'අපට එය සොයාගත නොහැක. එය වෙනත් ගිණුමකට අයත් විය හැක.',
};
