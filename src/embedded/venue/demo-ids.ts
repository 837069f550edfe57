import { createHash } from 'node:crypto';
import { as } from '../../kernel/ids.ts';

/** A UUID that depends on the name only. */
export function demoId<Id extends string>(name: string): Id {
  const hex = createHash('sha256').update(`ms-ticketing demo ${name}`).digest('hex');
  // Version and variant bits of RFC 9562 section 5.8: a custom UUID.
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return as<Id>(
    [
      hex.slice(0, 8),
      hex.slice(8, 12),
      `8${hex.slice(13, 16)}`,
      `${variant}${hex.slice(17, 20)}`,
      hex.slice(20, 32),
    ].join('-'),
  );
}
