// Builds the pages into `web/dist`, after `npm ci` and by `npm run build`. Without development packages there is nothing to
// build with: a production image brings the built files.
const vite = await import('vite').catch(() => undefined);
if (vite) await vite.build({ configFile: new URL('vite.config.ts', import.meta.url).pathname, logLevel: 'warn' });
else console.log('The pages are not built: development packages are not installed.');
