export { paperErrors } from './errors.ts';
