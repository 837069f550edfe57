export { doorErrors } from './errors.ts';
