const PREFIX = 'choice ';

/** Keeps the chosen seats of a session while the user signs in; they end with the tab. */
export function keepChoice(sessionId: string, seatIds: readonly string[]): void {
  if (seatIds.length === 0) sessionStorage.removeItem(PREFIX + sessionId);
  else sessionStorage.setItem(PREFIX + sessionId, JSON.stringify(seatIds));
}

/** The seats that were chosen before, which may be taken by now. */
export function keptChoice(sessionId: string): readonly string[] {
  try {
    const kept = JSON.parse(sessionStorage.getItem(PREFIX + sessionId) ?? '[]');
    return Array.isArray(kept) ? kept.filter((id) => typeof id === 'string') : [];
  } catch {
    return [];
  }
}
