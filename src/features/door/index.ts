export type { CheckInResponseSchema } from './door.schemas.ts';
export { doorErrors } from './errors.ts';
