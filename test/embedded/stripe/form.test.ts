import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseForm, text, texts } from '../../../src/embedded/stripe/form.ts';

test.each([
  ['a=1&b=two+words', { a: '1', b: 'two words' }],
  ['metadata[order_id]=x&metadata[more]=y', { metadata: { order_id: 'x', more: 'y' } }],
  ['expand[]=a&expand[]=b', { expand: { 0: 'a', 1: 'b' } }],
  ['types[0]=card&types[1]=bank', { types: { 0: 'card', 1: 'bank' } }],
  ['a[b][c]=1&a[b][d]=2', { a: { b: { c: '1', d: '2' } } }],
  ['a=1&a=2', { a: '2' }],
  ['a=1&a[b]=2', { a: { b: '2' } }],
  ['', {}],
])('the form %s is parsed', (body, form) => {
  expect(JSON.parse(JSON.stringify(parseForm(body)))).toEqual(form);
});

test('no field reaches the prototype', () => {
  const form = parseForm('__proto__[polluted]=1&constructor[prototype][polluted]=1');
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  expect(text(form, 'toString')).toBeUndefined();
});

test('any flat fields survive a round trip, and any text is parsed', () => {
  const name = fc.stringMatching(/^[a-z_]{1,10}$/);
  fc.assert(
    fc.property(fc.dictionary(name, fc.string({ unit: 'grapheme' })), (fields) => {
      const form = parseForm(new URLSearchParams({ ...fields }).toString());
      for (const [field, value] of Object.entries(fields))
        expect(text(form, field)).toBe(value.toWellFormed());
    }),
  );
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      (rubbish) => texts(parseForm(rubbish), 'metadata') !== undefined,
    ),
  );
});
