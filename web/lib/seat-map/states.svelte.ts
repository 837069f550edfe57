import type { SeatStatus } from '../catalogue/catalogue.ts';
import type { Room } from './room.ts';

/** What a seat is to the user who looks at the map. */
export type SeatState = 'free' | 'chosen' | 'mine' | 'held' | 'sold' | 'reserved';

/** The state of each seat, as it changes. Painters and lists read it; `version` grows with each change. */
export class SeatStates {
  readonly #room: Room;
  readonly #byId: ReadonlyMap<string, number>;
  readonly #statuses: SeatStatus[];
  readonly #mine = new Set<number>();
  #isEditing = false;
  #chosen = $state.raw<readonly number[]>([]);
  #version = $state(0);

  constructor(room: Room) {
    this.#room = room;
    this.#byId = new Map(room.seats.map(({ id, at }) => [id, at]));
    this.#statuses = room.seats.map(({ status }) => status);
  }

  get version(): number {
    return this.#version;
  }

  /** The chosen seats, in the order in which they were chosen. */
  get chosen(): readonly number[] {
    return this.#chosen;
  }

  at(seatId: string): number | undefined {
    return this.#byId.get(seatId);
  }

  /** Readers of the page run again when a state changes. */
  of(at: number): SeatState {
    void this.#version;
    const isChosen = this.#chosen.includes(at);
    if (this.#mine.has(at)) return this.#isEditing ? (isChosen ? 'chosen' : 'free') : 'mine';
    switch (this.#statuses[at]) {
      case 'AVAILABLE':
        return isChosen ? 'chosen' : 'free';
      case 'LOCKED':
        return 'held';
      case 'BOOKED':
        return 'sold';
      default:
        return 'reserved';
    }
  }

  /** Chooses a free seat, or takes back a chosen one; false when it is neither. */
  toggle(at: number): boolean {
    const state = this.of(at);
    if (state === 'chosen') this.#chosen = this.#chosen.filter((chosen) => chosen !== at);
    else if (state === 'free') this.#chosen = [...this.#chosen, at];
    else return false;
    this.#version += 1;
    return true;
  }

  /** Replaces the choice; seats that are not free are left out. */
  choose(seats: readonly number[]): void {
    this.#chosen = [];
    this.#chosen = seats.filter((at) => this.of(at) === 'free');
    this.#version += 1;
  }

  /** Marks the seats that the user's own pending order holds, so that they look theirs and not taken. */
  own(seatIds: readonly string[]): void {
    this.#mine.clear();
    for (const id of seatIds) {
      const at = this.#byId.get(id);
      if (at !== undefined) this.#mine.add(at);
    }
    this.#chosen = this.#chosen.filter((at) => !this.#mine.has(at));
    this.#version += 1;
  }

  /** Begins a change of the user's own order: its seats are chosen, and may be taken back. */
  edit(seatIds: readonly string[]): void {
    this.own(seatIds);
    this.#isEditing = true;
    this.choose(seatIds.flatMap((id) => this.#byId.get(id) ?? []));
  }

  /** Takes what the event stream says of some seats; returns the chosen ones that somebody else took. */
  change(seatIds: readonly string[], status: SeatStatus): readonly number[] {
    const changed = seatIds.flatMap((id) => this.#byId.get(id) ?? []).filter((at) => this.#statuses[at] !== status);
    if (changed.length === 0) return [];
    for (const at of changed) this.#statuses[at] = status;
    const isTaken = (at: number) => changed.includes(at) && !this.#mine.has(at);
    const lost = status === 'AVAILABLE' ? [] : this.#chosen.filter(isTaken);
    if (lost.length > 0) this.#chosen = this.#chosen.filter((at) => !lost.includes(at));
    this.#version += 1;
    return lost;
  }

  /** Takes the statuses of a whole map that was read again, for example after the stream was away. */
  replace(room: Room): readonly number[] {
    const byStatus = Map.groupBy(room.seats, ({ status }) => status);
    return [...byStatus].flatMap(([status, seats]) =>
      this.change(
        seats.map(({ id }) => id),
        status,
      ),
    );
  }

  /** Free seats of a block. */
  free(seats: readonly number[]): number[] {
    return seats.filter((at) => this.of(at) === 'free');
  }

  label(at: number): string {
    return this.#room.seats[at]?.label ?? '';
  }
}
