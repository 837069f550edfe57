import type { en } from './en/index.ts';

export type MessageKey = keyof typeof en;
/** The words of one language. A message that depends on a number has a form for each plural category of its language. */
export type Messages = Words<typeof en>;
/** The same words in another language. */
export type Words<English> = Readonly<Record<keyof English, string | Plural>>;
export type Plural = Readonly<{ other: string } & Partial<Record<Intl.LDMLPluralRule, string>>>;
export type Values = Readonly<Record<string, string | number>>;

/** The message with its values filled in; `count` chooses the plural form. */
export function format(message: string | Plural, values: Values, language: string): string {
  return choose(message, values, language).replaceAll(/\{(\w+)\}/g, (placeholder, name: string) => {
    const value = values[name];
    if (value === undefined) return placeholder;
    return typeof value === 'number' ? new Intl.NumberFormat(language).format(value) : value;
  });
}

function choose(message: string | Plural, { count }: Values, language: string): string {
  if (typeof message === 'string') return message;
  const category = new Intl.PluralRules(language).select(Number(count));
  return message[category] ?? message.other;
}

const ACCENTS: Readonly<Record<string, string>> = {
  a: 'á',
  e: 'é',
  i: 'í',
  o: 'ó',
  u: 'ú',
  A: 'Á',
  E: 'É',
  I: 'Í',
  O: 'Ó',
  U: 'Ú',
};

/** English that is visibly not English, to be laid out from right to left: it shows words that no message file has. */
export function pseudo(message: string | Plural): string | Plural {
  if (typeof message !== 'string')
    return Object.fromEntries(Object.entries(message).map(([rule, text]) => [rule, pseudoText(text)])) as Plural;
  return pseudoText(message);
}

/** Right-to-left embedding, as a page in Hebrew or Arabic would have it. */
function pseudoText(text: string): string {
  const accented = text.replaceAll(/\{\w+\}|[aeiouAEIOU]/g, (part) => ACCENTS[part] ?? part);
  return `\u2067${accented}\u2069`;
}
