import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type FormValue, parseForm, text, texts } from '../../../src/embedded/stripe/form.ts';

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

test('any flat fields survive a round trip', () => {
  const name = fc.stringMatching(/^[a-z_]{1,10}$/);
  fc.assert(
    fc.property(fc.dictionary(name, fc.string({ unit: 'grapheme' })), (fields) => {
      const form = parseForm(new URLSearchParams({ ...fields }).toString());
      for (const [field, value] of Object.entries(fields)) expect(text(form, field)).toBe(value.toWellFormed());
    }),
  );
});

/** How deep fields are nested; 0 for a text. */
const depthOf = (value: FormValue): number =>
  typeof value === 'string' ? 0 : 1 + Math.max(0, ...Object.values(value).map(depthOf));

/** All texts in a form, at any depth. */
const textsOf = (value: FormValue): string[] =>
  typeof value === 'string' ? [value] : Object.values(value).flatMap(textsOf);

test('any text is parsed to at most its own texts, at most five levels deep, and metadata keeps only texts', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('metadata[a]=x&', 'metadata[b][c]=y&', 'metadata', '[a]', '[]', '=', '&', '['),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const garbage = pieces.join('');
      const form = parseForm(garbage);
      expect(depthOf(form)).toBeLessThanOrEqual(5);
      const sent = new Set(new URLSearchParams(garbage).values());
      for (const found of textsOf(form)) expect(sent).toContain(found);
      const { metadata = {} } = form;
      const direct = typeof metadata === 'string' ? [] : Object.entries(metadata);
      expect(Object.entries(texts(form, 'metadata'))).toEqual(direct.filter(([, value]) => typeof value === 'string'));
    }),
  );
});

test('a field nested more than five levels deep is ignored', () => {
  const form = parseForm('a[b][c][d][e]=5&a[b][c][d][f][g]=6');
  expect(depthOf(form)).toBe(5);
  expect(textsOf(form)).toEqual(['5']);
});

test('at most 200 fields are parsed', () => {
  const form = parseForm(Array.from({ length: 500 }, (_, at) => `f${at}=x`).join('&'));
  expect(Object.keys(form)).toHaveLength(200);
});
