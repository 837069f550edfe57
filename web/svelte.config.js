/** Read by svelte-check and by the build: components use runes alone. */
const config = { compilerOptions: { runes: true } };

export default config;
