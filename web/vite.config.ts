import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));
/** The service whose API the pages call during development. */
const SERVICE = process.env.SERVICE_URL ?? 'http://localhost:8084';
const COMPRESSED = /\.(js|css|svg|json|webmanifest)$/;

/** Writes each file of `assets` also as `.br` and `.gz`, so that the service compresses nothing while it answers. */
function precompress(): Plugin {
  return {
    name: 'precompress',
    apply: 'build',
    closeBundle() {
      const assets = join(root, 'dist', 'assets');
      for (const name of readdirSync(assets).filter((file) => COMPRESSED.test(file))) {
        const bytes = readFileSync(join(assets, name));
        writeFileSync(join(assets, `${name}.br`), brotliCompressSync(bytes));
        writeFileSync(join(assets, `${name}.gz`), gzipSync(bytes));
      }
    },
  };
}

/** Serves an entry's page at the addresses of its pages while developing, as the service does in production. */
function buyerPages(): Plugin {
  return {
    name: 'buyer-pages',
    apply: 'serve',
    configureServer(server) {
      server.middlewares.use((request, _response, next) => {
        const isPage = request.headers.accept?.includes('text/html') && !request.url?.startsWith('/realms/');
        if (isPage) request.url = '/buyer/index.html';
        next();
      });
    },
  };
}

export default defineConfig({
  root,
  plugins: [svelte(), buyerPages(), precompress()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    // A `data:` address in a style sheet would need an exception in the policy of the pages.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: { buyer: join(root, 'buyer/index.html') } },
  },
  server: { proxy: { '/api': SERVICE, '/realms': SERVICE, '/v1': SERVICE } },
});
