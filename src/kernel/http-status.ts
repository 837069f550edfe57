/** HTTP status codes by name: https://www.rfc-editor.org/rfc/rfc9110#section-15 */
export const OK = 200;
export const CREATED = 201;
export const NO_CONTENT = 204;
