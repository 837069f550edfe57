import { spawnSync } from 'node:child_process';

/** Reads a calendar on its standard input and prints how many times libical finds a rule of RFC 5545 or 5546 broken. */
const CHECK = `
import ctypes, sys
ical = ctypes.CDLL('libical.so.3')
ical.icalparser_parse_string.restype = ctypes.c_void_p
ical.icalrestriction_check.argtypes = [ctypes.c_void_p]
ical.icalcomponent_count_errors.argtypes = [ctypes.c_void_p]
calendar = ical.icalparser_parse_string(ctypes.c_char_p(sys.stdin.buffer.read()))
is_valid = ical.icalrestriction_check(calendar)
print(ical.icalcomponent_count_errors(calendar) + (0 if is_valid else 1))
`;

/** Whether this machine has libical, the library of several calendar programs, and Python to call it. */
export const HAS_LIBICAL = run('import ctypes; ctypes.CDLL("libical.so.3")', '').status === 0;

/** The number of faults that libical finds in a calendar file. */
export function faultsByLibical(calendar: string): number {
  const { status, stdout, stderr } = run(CHECK, calendar);
  if (status !== 0) throw new Error(`libical could not read the calendar: ${stderr}`);
  return Number(stdout);
}

function run(code: string, input: string) {
  return spawnSync('python3', ['-c', code], { input, encoding: 'utf8' });
}
