export { Access } from './access.ts';
export { PERMISSIONS, type Permission } from './permissions.ts';
