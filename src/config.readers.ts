import { isIP } from 'node:net';

/** Turns the text of a variable into its value, or undefined when the text is not allowed. */
export type Reader<Value> = (text: string) => Value | undefined;

/** A description of the allowed values, and the reader that enforces it. */
export type Kind<Value> = readonly [string, Reader<Value>];

const MAX_PORT = 65_535;

export function text(min: number, max: number, pattern?: RegExp, allowed?: string): Kind<string> {
  const words = allowed ?? `text of ${min} to ${max} characters`;
  return [
    words,
    (given) => (given.length >= min && given.length <= max && (pattern?.test(given) ?? true) ? given : undefined),
  ];
}

/** A name without blanks, as Kafka requires for clients and groups. */
export function nameText(): Kind<string> {
  return text(1, 249, /^\S+$/, 'text of 1 to 249 characters without blanks');
}

/** The name of a topic that is short enough for the suffix `ending`. */
export function topicName(ending = ''): Kind<string> {
  const max = 249 - ending.length;
  return text(1, max, /^(?!\.{1,2}$)[\w.-]+$/, `1 to ${max} letters, digits, dots, hyphens and underscores`);
}

/** An IP address, or a network by its first address and the length of its prefix. */
export function network(): Kind<string> {
  const isNetwork = (given: string) => {
    const [address = '', prefix, ...more] = given.split('/');
    const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
    const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
    return bits > 0 && isPrefix && more.length === 0;
  };
  return ['an IP address or a network such as 10.0.0.0/8', (given) => (isNetwork(given) ? given : undefined)];
}

/** The address of a server, kept as text; an IPv6 address is in brackets. */
export function hostPort(): Kind<string> {
  return text(3, 255, /^([^\s:/,]+|\[[\da-f:]+\]):\d{1,5}$/i, 'host:port');
}

export function wholeNumber(min: number, max: number): Kind<number> {
  return [
    `a whole number from ${min} to ${max}`,
    (given) => (/^\d+$/.test(given) ? within(Number(given), min, max) : undefined),
  ];
}

export function decimal(min: number, max: number): Kind<number> {
  return [
    `a number from ${min} to ${max}`,
    (given) => (/^\d+(\.\d+)?$/.test(given) ? within(Number(given), min, max) : undefined),
  ];
}

export function switchValue(): Kind<boolean> {
  const values = new Map([
    ['true', true],
    ['false', false],
  ]);
  return ['true or false', (given) => values.get(given.toLowerCase())];
}

export function choice<Option extends string>(...options: readonly Option[]): Kind<Option> {
  return [`one of ${options.join(', ')}`, (given) => options.find((option) => option === given.toLowerCase())];
}

/** Names of a closed list, with commas; `true` means all of them, and `false` none. */
export function namesOf<Name extends string>(names: readonly Name[]): Kind<readonly Name[]> {
  const [, readList] = asList(choice(...names));
  const ofSwitch = new Map<string, readonly Name[]>([
    ['true', names],
    ['false', []],
  ]);
  return [
    `names of ${names.join(', ')}, with commas; true for all of them; or false`,
    (given) => ofSwitch.get(given.toLowerCase()) ?? readList(given),
  ];
}

export function asList<Value>([words, read]: Kind<Value>): Kind<readonly Value[]> {
  return [
    `${words}, or several with commas`,
    (given) => {
      const values = given.split(',').map((part) => read(part.trim()));
      return values.every((value) => value !== undefined) ? values : undefined;
    },
  ];
}

/** An absolute address; a slash at its end is removed. */
export function url(options: { optional?: true; protocols?: readonly string[] } = {}): Kind<string> {
  const protocols = options.protocols ?? ['http:', 'https:'];
  return [
    `an address that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
    (given) => {
      if (given === '' && options.optional) return '';
      return URL.canParse(given) && protocols.includes(new URL(given).protocol) ? given.replace(/\/+$/, '') : undefined;
    },
  ];
}

/** Origins of web pages, exactly as in the `Origin` header of a browser; an empty text means none. */
export function origins(): Kind<readonly string[]> {
  const isOrigin = (given: string) =>
    /^https?:[^*]+$/.test(given) && URL.canParse(given) && new URL(given).origin === given;
  return [
    'origins such as https://tickets.example.com or http://localhost:8090, with commas between them: lower case, no path, no slash at the end, no port that is the default, no *; or empty for none',
    (given) => {
      const found = given === '' ? [] : given.split(',').map((part) => part.trim());
      return found.every(isOrigin) ? [...new Set(found)] : undefined;
    },
  ];
}

/** `host:port`; an IPv6 address is in brackets. */
export function hostAndPort(): Kind<{ readonly host: string; readonly port: number }> {
  const [, readPort] = wholeNumber(1, MAX_PORT);
  return [
    'host:port',
    (given) => {
      const [, bracketed, host = bracketed, port = ''] = /^(?:\[([\da-f:.]+)\]|([\w.-]+)):(\d+)$/i.exec(given) ?? [];
      const number = readPort(port);
      return host === undefined || number === undefined ? undefined : { host, port: number };
    },
  ];
}

/** A name of the IANA time zone database, in its official spelling. */
export function timeZone(): Kind<string> {
  const named = (given: string) => {
    try {
      return new Intl.DateTimeFormat('en', { timeZone: given }).resolvedOptions().timeZone;
    } catch {
      return undefined;
    }
  };
  return ['a name of the IANA time zone database, such as Asia/Colombo', named];
}

/** Base64 of exactly `bytes` bytes, kept as text. */
export function base64(bytes: number): Kind<string> {
  const isKey = (given: string) =>
    /^[A-Za-z0-9+/]+={0,2}$/.test(given) && Buffer.from(given, 'base64').length === bytes;
  return [`base64 of ${bytes} bytes`, (given) => (isKey(given) ? given : undefined)];
}

function within(value: number, min: number, max: number): number | undefined {
  return value >= min && value <= max ? value : undefined;
}
