/** The messages of the earlier service, as consumers parse them, with the parts that vary from order to order left open. */

/** Removes the parts that vary from order to order: the rest is compared byte by byte. */
export function shapeOf(text: string): string {
  return text
    .replaceAll(/[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/g, '<uuid>')
    .replaceAll(/20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>')
    .replaceAll(/"seat_label":"[^"]*"/g, '"seat_label":"<label>"');
}

/** An order of two seats of the tier VIP at this price; `more` follows its tickets. */
export function goldenOrder(status: string, intent: string, price: number, more = ''): string {
  const ticket = `{"ticket_id":"<uuid>","order_id":"<uuid>","seat_id":"<uuid>","seat_label":"<label>","colour":"#FFD700","tier_id":"<uuid>","tier_name":"VIP","price_at_purchase":${price},"issued_at":"<time>","checked_in":false,"checked_in_time":"0001-01-01T00:00:00Z"}`;
  return `{"OrderID":"<uuid>","UserID":"<uuid>","EventID":"<uuid>","OrganizationID":"<uuid>","SessionID":"<uuid>","Status":"${status}","SubTotal":${2 * price},"DiscountID":"","DiscountCode":"","DiscountAmount":0,"Price":${2 * price},"CreatedAt":"<time>","PaymentIntentID":"${intent}","tickets":[${ticket},${ticket}]${more}}`;
}

export function goldenSeats(status: string): string {
  return `{"session_id":"<uuid>","seat_ids":["<uuid>","<uuid>"],"status":"${status}"}`;
}
