import { describe, expect, test } from 'vitest';
import { en } from '../../web/lib/i18n/en/index.ts';
import { format, pseudo } from '../../web/lib/i18n/messages.ts';
import { si } from '../../web/lib/i18n/si/index.ts';
import { ta } from '../../web/lib/i18n/ta/index.ts';

type Message = (typeof si)[keyof typeof si];

/** The names that a message fills in, in every plural form. */
function placeholders(message: Message): string[][] {
  const forms = typeof message === 'string' ? [message] : Object.values(message);
  return forms.map((form) => [...form.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name).toSorted());
}

describe.each([
  ['Sinhala', si],
  ['Tamil', ta],
] as const)('the words in %s', (_name, words) => {
  test('are there for every message of English, and for no other', () => {
    expect(Object.keys(words).toSorted()).toEqual(Object.keys(en).toSorted());
  });

  test.each(Object.entries(en))('fill in the same values as English: %s', (key, english) => {
    const [wanted = []] = placeholders(english as Message);
    for (const found of placeholders(words[key as keyof typeof en])) expect(found).toEqual(wanted);
  });

  test('are translated: no message of more than one word is the same as in English', () => {
    const same = Object.entries(en).filter(([key, english]) => {
      const text = JSON.stringify(english);
      return text.includes(' ') && text === JSON.stringify(words[key as keyof typeof en]);
    });
    expect(same).toEqual([]);
  });
});

describe('a message', () => {
  test('takes the plural form of its count', () => {
    const seats = { one: '{count} seat', other: '{count} seats' };
    expect([1, 2, 0].map((count) => format(seats, { count }, 'en'))).toEqual(['1 seat', '2 seats', '0 seats']);
  });

  test('shows values as they are, also those that look like a placeholder or markup', () => {
    expect(format('Hello {name}', { name: '{count} <b>' }, 'en')).toBe('Hello {count} <b>');
  });

  test('shows numbers in the digits and groups of the language', () => {
    expect(format('{count}', { count: 12_500 }, 'en')).toBe('12,500');
  });

  test('keeps its placeholders in the pseudo-language, and is laid out from right to left', () => {
    expect(format(pseudo('Pay {amount}'), { amount: 'LKR 5' }, 'en-XB')).toBe('\u2067Páy LKR 5\u2069');
  });
});
