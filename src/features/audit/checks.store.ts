import { check } from '../../platform/checks.ts';
import type { Check } from '../../platform/feature.ts';

/** Organisers' actions are in the audit trail. */
export const auditChecks: readonly Check[] = [
  check(
    'I6',
    'an organiser’s action is not in the audit trail',
    `
    SELECT t.ticket_id::text AS subject FROM tickets t
     WHERE t.void_reason = 'organiser'
       AND NOT EXISTS (SELECT FROM audit_trail a WHERE a.ticket_id = t.ticket_id AND a.action = 'ticket.voided')
    UNION ALL
    SELECT p.payment_intent_id FROM payments p
     WHERE p.source = 'cash'
       AND NOT EXISTS (SELECT FROM audit_trail a WHERE a.order_id = p.order_id AND a.action = 'ticket.issued')`,
  ),
];
