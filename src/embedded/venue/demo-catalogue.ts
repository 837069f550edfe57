import { type Instant, MS_PER_DAY, MS_PER_HOUR } from '../../kernel/clock.ts';
import type { DiscountId, EventId, OrganizationId, SeatId, SessionId, TierId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import { demoId } from './demo-ids.ts';
import { ARENA, CATEGORIES, HALL, PLAYHOUSE, type Place } from './demo-places.ts';
import type { Block, Catalogue, Seat, Session, SessionStatus, Tier, VenueDiscount, VenueEvent } from './venue.model.ts';

/**
 * The demo venue. Its ids and seats are always the same, and its dates are relative to the day of `now`, so that it is always
 * on sale. Prices have decimals if the currency has them.
 */
export function demoCatalogue(now: Instant, currency: Currency): Catalogue {
  const today = Math.floor(now / MS_PER_DAY) * MS_PER_DAY;
  const organizationId = demoId<OrganizationId>('organization');
  const cents = 10 ** currency.exponent === currency.chargeStep ? 0 : 0.5;
  const base = { organizationId, today, cents, currency: currency.code.toUpperCase() };
  return {
    organization: { id: organizationId, name: 'Harbour Nights', logoUrl: '/demo/harbour-nights.svg' },
    categories: Object.values(CATEGORIES),
    events: [concert(base), theatre(base), webinar(base), arena(base)],
  };
}

interface Base {
  readonly organizationId: OrganizationId;
  readonly today: number;
  readonly cents: number;
  readonly currency: string;
}

function tier(name: string, price: number, color: string): Tier {
  return { id: demoId<TierId>(`tier ${name}`), name, price, color };
}

function seat(session: string, label: string, of: Tier, isReserved = false): Seat {
  return { id: demoId<SeatId>(`seat ${session} ${label}`), label, tier: of, isReserved };
}

function rowName(index: number): string {
  const letters = 26;
  const first = index < letters ? '' : String.fromCharCode(64 + Math.floor(index / letters));
  return first + String.fromCharCode(65 + (index % letters));
}

interface Grid {
  readonly session: string;
  readonly name: string;
  readonly prefix: string;
  readonly rows: number;
  readonly seatsPerRow: number;
  readonly tier: Tier;
  readonly x: number;
  readonly y: number;
  /** Seats at the start of the first row that the organiser keeps. */
  readonly reserved?: number;
}

function grid({ session, name, prefix, rows, seatsPerRow, tier: of, x, y, reserved = 0 }: Grid): Block {
  return {
    id: demoId(`block ${session} ${name}`),
    name,
    type: 'seated_grid',
    position: { x, y },
    rows: Array.from({ length: rows }, (_, row) => ({
      id: demoId(`row ${session} ${name} ${row}`),
      label: prefix + rowName(row),
      seats: Array.from({ length: seatsPerRow }, (__, column) =>
        seat(session, `${prefix}${rowName(row)}${column + 1}`, of, row === 0 && column < reserved),
      ),
    })),
  };
}

interface SessionPlan {
  readonly key: string;
  readonly event: string;
  readonly base: Base;
  readonly inDays: number;
  readonly status: SessionStatus;
  readonly blocks: readonly Block[];
  readonly place?: Place;
}

function session(plan: SessionPlan): Session {
  const { key, event, base, inDays, status, blocks, place } = plan;
  const start = base.today + inDays * MS_PER_DAY + 19 * MS_PER_HOUR;
  return {
    id: demoId<SessionId>(`session ${key}`),
    eventId: demoId<EventId>(`event ${event}`),
    startTime: new Date(start).toISOString(),
    endTime: new Date(start + 3 * MS_PER_HOUR).toISOString(),
    salesStartTime: new Date(base.today + (status === 'SCHEDULED' ? 7 : -7) * MS_PER_DAY).toISOString(),
    status,
    sessionType: place ? 'PHYSICAL' : 'ONLINE',
    venueDetails: place
      ? {
          name: place.name,
          address: place.address,
          location: { type: 'Point', coordinates: place.coordinates },
        }
      : { name: 'Online', onlineLink: 'https://stream.example/harbour' },
    city: place?.city ?? '',
    mapName: place?.name ?? 'Online',
    blocks,
  };
}

function concert(base: Base): VenueEvent {
  const vip = tier('VIP', 12_500, '#FFD700');
  const gold = tier('Gold', 7_500 + base.cents, '#DAA520');
  const floor = tier('Standing', 4_500, '#4682B4');
  const blocks = (key: string): Block[] => [
    {
      id: demoId(`block ${key} stage`),
      name: 'Stage',
      type: 'non_sellable',
      position: { x: 300, y: 0 },
      width: 400,
      height: 80,
    },
    grid({
      session: key,
      name: 'Front',
      prefix: '',
      rows: 10,
      seatsPerRow: 40,
      tier: vip,
      x: 200,
      y: 120,
      reserved: 4,
    }),
    grid({ session: key, name: 'Left', prefix: 'L', rows: 20, seatsPerRow: 30, tier: gold, x: 0, y: 400 }),
    grid({ session: key, name: 'Right', prefix: 'R', rows: 20, seatsPerRow: 30, tier: gold, x: 600, y: 400 }),
    {
      id: demoId(`block ${key} floor`),
      name: 'Floor',
      type: 'standing_capacity',
      position: { x: 350, y: 420 },
      seats: Array.from({ length: 400 }, (_, index) => seat(key, `P${index + 1}`, floor)),
      capacity: 400,
      width: 240,
      height: 300,
    },
  ];
  const plan = (key: string, inDays: number) =>
    session({ key, event: 'concert', base, inDays, status: 'ON_SALE', blocks: blocks(key), place: HALL });
  const nights = [plan('concert first night', 21), plan('concert second night', 22)];
  return event({
    key: 'concert',
    base,
    title: 'Tides of Light',
    overview: 'The big concert of the season, two nights in the Harbour Hall.',
    category: CATEGORIES.music,
    tiers: [vip, gold, floor],
    sessions: nights,
    discounts: concertDiscounts(base, [vip, gold, floor], nights),
  });
}

function concertDiscounts(base: Base, tiers: readonly [Tier, ...Tier[]], nights: readonly Session[]): VenueDiscount[] {
  const { currency } = base;
  const [vip] = tiers;
  const discount = (code: string, parameters: VenueDiscount['parameters'], changes: Partial<VenueDiscount> = {}) =>
    discountFor(tiers, code, parameters, changes);
  const day = (days: number) => new Date(base.today + days * MS_PER_DAY).toISOString();
  const first = nights.slice(0, 1).map(({ id }) => id);
  return [
    discount('EARLY10', { type: 'PERCENTAGE', percentage: 10, maxDiscount: 5_000 }),
    discount('FLAT500', { type: 'FLAT_OFF', currency, amount: 500, minSpend: 10_000 }),
    discount('THREEFORTWO', { type: 'BUY_N_GET_N_FREE', buyQuantity: 3, getQuantity: 1 }),
    discount('LASTYEAR', { type: 'PERCENTAGE', percentage: 50 }, { expiresAt: day(-300) }),
    discount('NOTYET', { type: 'PERCENTAGE', percentage: 25 }, { activeFrom: day(10) }),
    discount('PAUSED', { type: 'FLAT_OFF', currency, amount: 1_000 }, { active: false }),
    discount('FRIENDS', { type: 'PERCENTAGE', percentage: 12.5 }, { public: false }),
    discount('VIPONLY', { type: 'FLAT_OFF', currency, amount: 2_500 }, { applicableTiers: [vip] }),
    discount('FIRSTNIGHT', { type: 'FLAT_OFF', currency, amount: 750 }, { applicableSessionIds: first }),
    discount('LUCKY3', { type: 'FLAT_OFF', currency, amount: 1_500 }, { maxUsage: 3 }),
    discount('GUEST', { type: 'PERCENTAGE', percentage: 100 }, { public: false }),
  ];
}

function discountFor(
  applicableTiers: VenueDiscount['applicableTiers'],
  code: string,
  parameters: VenueDiscount['parameters'],
  changes: Partial<VenueDiscount>,
): VenueDiscount {
  return {
    id: demoId<DiscountId>(`discount ${code}`),
    code,
    parameters,
    activeFrom: null,
    expiresAt: null,
    maxUsage: null,
    currentUsage: 0,
    applicableTiers,
    applicableSessionIds: [],
    active: true,
    public: true,
    ...changes,
  };
}

function theatre(base: Base): VenueEvent {
  const stalls = tier('Stalls', 3_200, '#8B0000');
  const balcony = tier('Balcony', 1_800 + base.cents, '#CD853F');
  const blocks = (key: string) => [
    grid({ session: key, name: 'Stalls', prefix: '', rows: 8, seatsPerRow: 12, tier: stalls, x: 0, y: 100 }),
    grid({ session: key, name: 'Balcony', prefix: 'B', rows: 3, seatsPerRow: 10, tier: balcony, x: 0, y: 320 }),
  ];
  const plan = (key: string, inDays: number, status: SessionStatus) =>
    session({ key, event: 'theatre', base, inDays, status, blocks: blocks(key), place: PLAYHOUSE });
  return event({
    key: 'theatre',
    base,
    title: 'The Lighthouse Keeper',
    overview: 'A play in two acts.',
    category: CATEGORIES.theatre,
    tiers: [stalls, balcony],
    sessions: [
      plan('theatre premiere', 9, 'ON_SALE'),
      plan('theatre matinee', 30, 'SCHEDULED'),
      plan('theatre preview', 1, 'CLOSED'),
    ],
    discounts: [],
  });
}

function webinar(base: Base): VenueEvent {
  const free = tier('Free', 0, '#2E8B57');
  const key = 'webinar live';
  const seats = Array.from({ length: 500 }, (_, index) => seat(key, `W${index + 1}`, free));
  const block: Block = {
    id: demoId(`block ${key}`),
    name: 'Online',
    type: 'standing_capacity',
    position: { x: 0, y: 0 },
    seats,
    capacity: seats.length,
    width: 100,
    height: 100,
  };
  return event({
    key: 'webinar',
    base,
    title: 'Behind the Lights',
    overview: 'A free talk with the makers of the show.',
    category: CATEGORIES.talks,
    tiers: [free],
    sessions: [session({ key, event: 'webinar', base, inDays: 5, status: 'ON_SALE', blocks: [block] })],
    discounts: [],
  });
}

/** Ten thousand seats of one tier, for load tests. */
function arena(base: Base): VenueEvent {
  const plain = tier('Plain', 1_000, '#708090');
  const key = 'arena';
  const blocks = [
    grid({ session: key, name: 'Arena', prefix: '', rows: 100, seatsPerRow: 100, tier: plain, x: 0, y: 0 }),
  ];
  return event({
    key: 'arena',
    base,
    title: 'Load test arena',
    overview: 'Seats for machines.',
    category: CATEGORIES.tests,
    tiers: [plain],
    sessions: [session({ key, event: 'arena', base, inDays: 60, status: 'ON_SALE', blocks, place: ARENA })],
    discounts: [],
  });
}

interface EventPlan extends Pick<VenueEvent, 'title' | 'overview' | 'category' | 'tiers' | 'sessions' | 'discounts'> {
  readonly key: string;
  readonly base: Base;
}

function event({ key, base, ...plan }: EventPlan): VenueEvent {
  return {
    ...plan,
    id: demoId<EventId>(`event ${key}`),
    organizationId: base.organizationId,
    description: `${plan.overview} Doors open one hour before.`,
  };
}
