import { type Static, Type } from 'typebox';

/** What the pages need to know of the service (contract section 12). */
export const PageSettingsSchema = Type.Object(
  {
    currency: Type.String({ description: 'ISO 4217 in lower case' }),
    time_zone: Type.String({ description: 'IANA name of the zone for times without a zone of their own' }),
    hold_minutes: Type.Number({ description: 'How long the seats of a new order are held' }),
    max_seats_per_order: Type.Integer(),
    oidc: Type.Object({
      issuer: Type.String({ description: 'Where people sign in' }),
      client_id: Type.String({ description: 'The public client of the pages' }),
    }),
    catalogue_url: Type.String({ description: 'Base address of the catalogue; a path on this origin or an address' }),
    stripe: Type.Object({
      publishable_key: Type.String({ description: 'Empty if no page can take payments' }),
      embedded: Type.Boolean({ description: 'Whether the stand-in takes the payments, with a form of its own' }),
    }),
    passes: Type.Object({ apple: Type.Boolean(), google: Type.Boolean() }),
    languages: Type.Array(Type.String(), { description: 'BCP 47 tags of the languages that the pages speak' }),
  },
  {
    examples: [
      {
        currency: 'lkr',
        time_zone: 'Asia/Colombo',
        hold_minutes: 5,
        max_seats_per_order: 10,
        oidc: { issuer: 'http://localhost:8084/realms/event-ticketing', client_id: 'web-frontend' },
        catalogue_url: '/api/event-query',
        stripe: { publishable_key: 'pk_test_1234', embedded: false },
        passes: { apple: false, google: false },
        languages: ['en', 'si', 'ta'],
      },
    ],
  },
);

export type PageSettings = Static<typeof PageSettingsSchema>;
