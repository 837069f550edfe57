import type { Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { toRfc3339 } from '../../kernel/clock.ts';
import { AppError, type Errors } from '../../kernel/errors.ts';
import { as, type SessionId } from '../../kernel/ids.ts';
import { readInstant } from '../../kernel/iso-date.ts';
import type { ScanRequest } from './check-in.ts';
import type { Conflict } from './conflicts.store.ts';
import type { Bundle } from './make-bundle.ts';
import { toError } from './refusal.ts';
import { type Admission, isConflict } from './scan.ts';
import {
  type BatchResponseSchema,
  type BundleSchema,
  type CheckInRequestSchema,
  type ConflictsSchema,
  OfflineScanSchema,
} from './schemas.ts';
import type { BatchAnswer, OfflineScan } from './take-batch.ts';

/** A scan of a batch that does not match the schema. */
export interface BadScan {
  readonly nonce: string;
  readonly error: AppError;
}

const offlineScan = Compile(OfflineScanSchema);

/** Parses one scan of a batch. */
export function toOfflineScan(given: unknown): OfflineScan | BadScan {
  if (!offlineScan.Check(given)) {
    const [problem] = offlineScan.Errors(given);
    const field = `scan${problem?.instancePath ?? ''}`;
    const { nonce } = typeof given === 'object' && given !== null ? (given as { nonce?: unknown }) : {};
    return {
      nonce: typeof nonce === 'string' ? nonce : '',
      error: new AppError('invalid_request', `${field}: ${problem?.message ?? 'is not valid'}`),
    };
  }
  const claimedAt = readInstant(given.scanned_at);
  if (claimedAt === undefined) {
    const error = new AppError('invalid_request', 'scan/scanned_at: is not a time such as 2026-12-18T19:00:00Z');
    return { nonce: given.nonce, error };
  }
  return { ...toScanRequest(given), nonce: given.nonce, claimedAt };
}

/** A scan as a device sends it, online or in a batch. */
export function toScanRequest(given: Static<typeof CheckInRequestSchema>): ScanRequest {
  return {
    qrText: given.encrypted_qr,
    door: given.session_id === undefined ? undefined : as<SessionId>(given.session_id.toLowerCase()),
    direction: given.direction ?? 'entry',
    gate: given.gate,
    deviceId: given.device_id,
    nonce: given.nonce,
  };
}

type Result = Static<typeof BatchResponseSchema>['results'][number];

/** One result for each scan, in the same order. `answers` belong to the valid scans only. */
export function toAnswers(
  scans: readonly (OfflineScan | BadScan)[],
  answers: readonly BatchAnswer[],
  errors: Errors,
): Result[] {
  let next = 0;
  return scans.map((scan) => {
    if ('error' in scan) return refused(scan.nonce, scan.error, errors);
    const answer = answers[next];
    next += 1;
    if (!answer) throw new Error('a scan has no answer');
    return answer.outcome === 'failed'
      ? refused(scan.nonce, answer.error, errors)
      : decided(scan.nonce, answer, errors);
  });
}

function decided(
  nonce: string,
  { scan, verdict }: Extract<BatchAnswer, { outcome: 'decided' }>,
  errors: Errors,
): Result {
  if (verdict.outcome === 'refused') {
    const { first } = verdict;
    return {
      ...refused(nonce, toError(verdict), errors),
      outcome: isConflict(verdict) ? 'conflict' : 'refused',
      ticket_id: scan.ticketId,
      ...(first ? { first: toWireAdmission(first) } : {}),
    };
  }
  const { ticketId, seatLabel, tierName } = verdict.ticket;
  return { nonce, outcome: verdict.outcome, ticket_id: ticketId, seat: seatLabel, tier: tierName };
}

function refused(nonce: string, { code, message }: AppError, errors: Errors): Result {
  const { retry, doorWord: refusal } = errors[code];
  return { nonce, outcome: 'refused', code, ...(refusal === undefined ? {} : { refusal }), detail: message, retry };
}

/** Number of refused scans by code. */
export function countRefusals(results: readonly Result[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { code } of results) if (code !== undefined) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}

function toWireAdmission({ at, gate, deviceId }: Admission) {
  return { at: toRfc3339(at), gate: gate ?? '', device_id: deviceId ?? '' };
}

/** A bundle as JSON text. Its list of tickets is JSON text already. */
export function toWireBundle(sessionId: SessionId, bundle: Bundle): string {
  const { times, tickets } = bundle;
  const head: Omit<Static<typeof BundleSchema>, 'tickets'> = {
    session_id: sessionId,
    version: bundle.version,
    is_complete: bundle.isComplete,
    keys: bundle.keys.map((key) => ({ key_id: key.keyId, public_key: key.publicKey, sealing_key: key.sealingKey })),
    starts_at: times ? toRfc3339(times.startsAt) : '',
    ends_at: times?.endsAt === undefined ? '' : toRfc3339(times.endsAt),
    allows_reentry: bundle.allowsReentry,
  };
  return `${JSON.stringify(head).slice(0, -1)},"tickets":${tickets}}`;
}

export function toWireConflict(found: Conflict): Static<typeof ConflictsSchema>[number] {
  return {
    scan_id: found.scanId,
    ticket_id: found.ticketId,
    seat: found.seatLabel,
    tier: found.tierName,
    direction: found.direction,
    code: found.code,
    scanned_at: toRfc3339(found.at),
    received_at: toRfc3339(found.receivedAt),
    scanned_by: found.by,
    gate: found.gate ?? '',
    device_id: found.deviceId ?? '',
    nonce: found.nonce,
    first: found.first ? toWireAdmission(found.first) : null,
  };
}
