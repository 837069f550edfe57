export { Access, notFound, type Subject } from './access.ts';
export { accessErrors } from './errors.ts';
export { PERMISSIONS, type Permission, refusalsOf } from './permissions.ts';
