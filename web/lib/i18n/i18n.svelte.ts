import { en } from './en/index.ts';
import { format, type MessageKey, type Messages, pseudo, type Values } from './messages.ts';

/** Languages of the pages by BCP 47 tag, with the name that their readers know them by. `en-XB` shows right to left. */
export const LANGUAGES = { en: 'English', si: 'සිංහල', ta: 'தமிழ்' } as const;
export type Language = keyof typeof LANGUAGES | 'en-XB';

const CHOSEN = 'language';
const PSEUDO: Messages = Object.fromEntries(
  Object.entries<Messages[MessageKey]>(en).map(([key, message]) => [key, pseudo(message)]),
) as Messages;

const LOADERS: Readonly<Record<Language, () => Promise<Messages>>> = {
  en: async () => en,
  si: async () => (await import('./si/index.ts')).si,
  ta: async () => (await import('./ta/index.ts')).ta,
  'en-XB': async () => PSEUDO,
};

const state = $state<{ language: Language; messages: Messages }>({ language: 'en', messages: en });

/** The message in the page's language. */
export function t(key: MessageKey, values: Values = {}): string {
  return format(state.messages[key], values, state.language);
}

/** BCP 47 tag of the page's language, for `Intl`. */
export function language(): Language {
  return state.language;
}

/** Changes the page's language, and keeps the choice for the next visit. */
export async function speak(chosen: Language): Promise<void> {
  state.messages = await LOADERS[chosen]();
  state.language = chosen;
  document.documentElement.lang = chosen;
  document.documentElement.dir = chosen === 'en-XB' ? 'rtl' : 'ltr';
  localStorage.setItem(CHOSEN, chosen);
}

/** Speaks the language that the user chose before, else the first that they prefer and the pages have. */
export async function speakPreferred(preferred: readonly string[], address: URL): Promise<void> {
  const wanted = [address.searchParams.get('lang'), localStorage.getItem(CHOSEN), ...preferred];
  const known = wanted.map((tag) => toLanguage(tag)).find((found) => found !== undefined);
  await speak(known ?? 'en');
}

function toLanguage(tag: string | null): Language | undefined {
  if (tag === 'en-XB') return tag;
  const [base] = (tag ?? '').toLowerCase().split('-');
  return base !== undefined && base in LANGUAGES ? (base as Language) : undefined;
}
