import fc from 'fast-check';
import { type Action, type Command, learnLoosely, look, openAll, perform, toCommand } from './action.ts';
import {
  adminRefund,
  authenticate,
  createIntent,
  dashboardRefund,
  deliver,
  duplicate,
  failureElsewhere,
  NEWEST,
  pay,
  paymentElsewhere,
  payUnrequested,
  verdict,
} from './actions.money.ts';
import { cancelBy, checkIn, checkOut, place, repeatPlace, update } from './actions.orders.ts';
import { clockJump, restart, turn } from './actions.time.ts';
import { SEAT_IDS } from './outside.ts';
import { BUYERS } from './world.ts';

/** An index into the existing items that stays the same when a sequence is shortened by a few commands. */
const some = fc.nat({ max: 9 });
/** An action on one of the existing items, with a value. */
const picking = <Value>(value: fc.Arbitrary<Value>, act: (at: number, value: Value) => Action) =>
  fc.tuple(some, value).map(([at, given]) => act(at, given));
const times = <Value>(weight: number, arbitrary: fc.Arbitrary<Value>) => ({ weight, arbitrary });
const seats = fc.subarray([...SEAT_IDS], { minLength: 1, maxLength: 3 });
const buyer = fc.nat({ max: BUYERS - 1 });
/** Undefined in all but one of this many cases. */
const onceIn = <Value>(freq: number, value: fc.Arbitrary<Value>) =>
  fc.oneof(times(freq - 1, fc.constant(undefined)), times(1, value));
const discount = onceIn(3, fc.constantFrom('tenth', 'tenth', 'free'));
const share = fc.constantFrom('all', 'a ticket', 'a bit', 'too much');

const placing = fc.record({ buyer, seats, discount }).map((request) => place({ ...request, key: undefined }));
const placingOnce = fc
  .record({ buyer, seats, discount, key: fc.constantFrom('a', 'b') })
  .map((request) => place({ ...request, key: `${request.buyer}-${request.key}` }));
const otherDiscount = fc.constantFrom('tenth', 'tenth', 'free', 'none');
const nothing = fc.constant(undefined);
const updating = fc
  .oneof(fc.tuple(some, seats, nothing), fc.tuple(some, nothing, otherDiscount), fc.tuple(some, seats, otherDiscount))
  .map(([at, wanted, discounted]) => update(at, { seats: wanted, discount: discounted }));
const card = fc.oneof(
  times(6, fc.constant('pm_card_visa')),
  times(1, fc.constant('pm_card_chargeDeclined')),
  times(1, fc.constant('pm_card_authenticationRequired')),
  times(2, fc.constant('pm_card_createDispute')),
);
const jump = fc.constantFrom(1_000, 15_000, 30_000, 240_000, 300_000, 330_000, 660_000, 90_000_000);

const orderActions: fc.Arbitrary<Action> = fc.oneof(
  times(6, placing),
  times(3, placingOnce),
  times(3, some.map(repeatPlace)),
  times(4, updating),
  times(2, picking(fc.constant('buyer'), cancelBy)),
  times(1, picking(fc.constant('admin'), cancelBy)),
  times(2, some.map(checkOut)),
  times(2, picking(fc.nat({ max: 2 }), checkIn)),
);
const moneyActions: fc.Arbitrary<Action> = fc.oneof(
  times(6, some.map(createIntent)),
  times(7, picking(card, pay)),
  times(1, picking(fc.constantFrom('succeed', 'fail'), authenticate)),
  times(2, picking(share, adminRefund)),
  times(2, picking(share, dashboardRefund)),
  times(1, picking(fc.constantFrom('winning_evidence', 'losing_evidence'), verdict)),
  times(2, picking(fc.constantFrom(0, -10, 10), payUnrequested)),
  times(4, some.map(deliver)),
  times(1, some.map(duplicate)),
  times(1, picking(fc.constantFrom('first', 'second', 'intent'), paymentElsewhere)),
  times(1, some.map(failureElsewhere)),
);
const timeActions: fc.Arbitrary<Action> = fc.oneof(
  times(4, fc.constant(turn('webhooks'))),
  times(2, fc.constant(turn('expiry'))),
  times(2, fc.constant(turn('conclusion'))),
  times(2, fc.constant(turn('refunds'))),
  times(1, fc.constant(turn('relay'))),
  times(1, fc.constant(turn('reconciliation'))),
  times(1, fc.constant(turn('keyForgetting'))),
  times(1, fc.constant(turn('folding'))),
  times(4, jump.map(clockJump)),
);

/** Actions that run alone, and that a crash may interrupt. */
const anyAction = fc.oneof(times(5, orderActions), times(6, moneyActions), times(4, timeActions));
/** Actions that run concurrently: time stands still, and no two use the same key. */
const concurrent: fc.Arbitrary<Action> = fc.oneof(
  placing,
  updating,
  some.map((at) => cancelBy(at, 'buyer')),
  some.map((at) => cancelBy(at, 'admin')),
  some.map(checkOut),
  some.map(createIntent),
  some.map((at) => pay(at, 'pm_card_visa')),
  some.map((at) => adminRefund(at, 'all')),
  some.map(deliver),
  some.map((at) => paymentElsewhere(at, 'first')),
  fc.constantFrom(...(['webhooks', 'expiry', 'conclusion', 'refunds', 'folding'] as const)).map(turn),
);

/** The process dies before one of the effects of an action, or just after its answer. */
function crash(effects: number, action: Action): Command {
  const name = `Crash before effect ${effects} of ${action.name}`;
  return toCommand(name, action.isPossible, async (sale, world) => {
    const answer = await world.dieDuring(effects, () => action.act(world, sale));
    learnLoosely(action, answer, sale, world);
    openAll(sale);
    await look(sale, world);
  });
}

/** Two concurrent actions: whichever is first, the outcome is within the transitions and no invariant breaks. */
function parallel(one: Action, other: Action): Command {
  const isPossible: Action['isPossible'] = (sale) => one.isPossible(sale) && other.isPossible(sale);
  return toCommand(`Parallel: ${one.name} and ${other.name}`, isPossible, async (sale, world) => {
    const answers = await Promise.all([one.act(world, sale), other.act(world, sale)]);
    learnLoosely(one, answers[0], sale, world);
    learnLoosely(other, answers[1], sale, world);
    openAll(sale);
    await look(sale, world);
  });
}

/** Two scanners and one ticket. */
const door = fc.tuple(some, fc.nat({ max: 2 })).map(([at, seatAt]) => {
  return parallel(checkIn(at, seatAt), checkIn(at, seatAt));
});

function alone(action: Action): Command {
  return toCommand(action.name, action.isPossible, (sale, world) => perform(action, sale, world));
}

/** Steps that a determined buyer takes in succession, so that more of a sequence is about paid orders. */
function inOneGo(name: string, actions: readonly Action[]): Command {
  return toCommand(name, actions[0]?.isPossible ?? (() => false), async (sale, world) => {
    for (const action of actions) if (action.isPossible(sale)) await perform(action, sale, world);
  });
}

const buying = fc.tuple(some, card).map(([at, by]) => {
  return inOneGo(`Buy ${at} with ${by}`, [createIntent(at), pay(NEWEST, by)]);
});
/** The number of steps before something else happens. */
const steps = fc.integer({ min: 2, max: 7 });
const selling = fc.tuple(placing, some, card, steps).map(([first, at, by, count]) => {
  const all = [first, createIntent(at), pay(NEWEST, by), deliver(0), deliver(0), deliver(0), turn('webhooks')];
  return inOneGo(`Sell: ${first.name}, ${at} with ${by}, ${count} steps`, all.slice(0, count));
});
/** Money is refunded outside of the service, which receives the events. */
const refundingOutside = fc.tuple(some, share).map(([at, much]) => {
  const all = [dashboardRefund(at, much), deliver(0), deliver(0), turn('webhooks')];
  return inOneGo(`RefundOutside ${at} of ${much}`, all);
});

const effects = fc.nat({ max: 14 });
const fewEffects = fc.nat({ max: 6 });

/** There is work to do, and the process dies during it: the work is done again, and takes effect once. */
function dyingAt(work: Action, actions: readonly Action[], count: number): Command {
  const last = crash(count, work);
  const name = `${actions[0]?.name ?? ''}, then ${String(last)}`;
  return toCommand(`Dying: ${name}`, actions[0]?.isPossible ?? (() => false), async (sale, world) => {
    for (const action of actions) if (action.isPossible(sale)) await perform(action, sale, world);
    await last.run(sale, world);
  });
}

const dying: fc.Arbitrary<Command> = fc.oneof(
  fc.tuple(fewEffects, placing).map(([count, first]) => dyingAt(turn('relay'), [first], count)),
  fc.tuple(fewEffects, placing, some, card).map(([count, first, at, by]) => {
    const actions = [first, createIntent(at), pay(NEWEST, by), deliver(0), deliver(0), deliver(0)];
    return dyingAt(turn('webhooks'), actions, count);
  }),
  fc.tuple(fewEffects, some, share).map(([count, at, much]) => {
    return dyingAt(turn('refunds'), [adminRefund(at, much)], count);
  }),
  fc.tuple(fewEffects, some).map(([count, at]) => {
    return dyingAt(turn('conclusion'), [createIntent(at), clockJump(330_000)], count);
  }),
  fc.tuple(effects, placingOnce).map(([count, first]) => dyingAt(first, [clockJump(1_000)], count)),
);

/** A step of a sequence. */
export const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  times(40, anyAction.map(alone)),
  times(6, buying),
  times(6, selling),
  times(2, refundingOutside),
  times(1, door),
  times(
    2,
    fc.tuple(effects, anyAction).map(([at, action]) => crash(at, action)),
  ),
  times(3, dying),
  times(1, fc.constant(alone(restart))),
  times(
    4,
    fc.tuple(concurrent, concurrent).map(([one, other]) => parallel(one, other)),
  ),
);
