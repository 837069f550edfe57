/** Read by svelte-check and by the build: components use runes alone. */
const config = { compilerOptions: { runes: true } };

// biome-ignore lint/style/noDefaultExport: the tools read the default export.
export default config;
