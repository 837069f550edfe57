export { type Finding, verify } from './verify.ts';
