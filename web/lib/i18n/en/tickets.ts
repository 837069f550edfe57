/** Words of the tickets that a user holds. */
export const tickets = {
  ticketsTitle: 'My tickets',
  ticketsSignInFirst: 'Sign in to see your tickets.',
  ticketsNone: 'You have no tickets yet.',
  ticketsNext: 'Coming up',
  ticketsPast: 'Past',
  ticketsOpenOrders: 'Orders to be paid',
  showCode: 'Show the code',
  codeOf: 'Code of the ticket for seat {seat}',
  ticketSeat: 'Seat {seat}',
  ticketUsed: 'Used on {time}',
  ticketRefunded: 'This order was cancelled, and what was paid is refunded. Its tickets are no longer valid.',
  asPdf: 'Tickets as PDF',
  asCalendar: 'Add to calendar',
  downloadFailed: 'The file could not be loaded. Try again.',
  brightnessHint: 'Hold the code in front of the scanner. The screen stays on.',
  continuePaying: 'Continue and pay',
};
