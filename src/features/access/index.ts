export { Access, type Subject } from './access.ts';
export { PERMISSIONS, type Permission, type Role } from './permissions.ts';
