# syntax=docker/dockerfile:1
# The production image, from the root of the repository: docker build -t ms-ticketing .
# Node.js runs TypeScript directly, so only the pages are built. The image has no development packages and no stand-ins.

FROM node:26.10.0-alpine AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# Declarations and source maps are a third of the packages and are not needed; one weight of the fonts is used.
RUN npm ci --omit=dev --omit=optional --workspaces=false --ignore-scripts --no-audit --no-fund \
 && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete \
 && find node_modules -type f \( -name '*.ttf' -o -name '*.woff' -o -name '*.woff2' \) \
      ! -name '*_400Regular.ttf' ! -name 'unifontex-latin-400-normal.woff' -delete

FROM node:26.10.0-alpine AS pages
WORKDIR /app
COPY package.json package-lock.json ./
COPY web web
RUN npm ci -w web --include-workspace-root=false --ignore-scripts --no-audit --no-fund && node web/build.mjs

FROM node:26.10.0-alpine
ENV NODE_ENV=production PORT=8084 DATA_DIR=/data
# Stand-ins, which need ALLOW_EMBEDDED, and scripts/qr-key.ts write here; everything else may be read-only.
RUN mkdir /data && chown node:node /data
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY package.json ./
COPY migrations migrations
COPY scripts/migrate.ts scripts/verify.ts scripts/reconcile.ts scripts/qr-key.ts scripts/qr-reissue.ts scripts/servers.ts scripts/
COPY src src
COPY --from=pages /app/web/dist web/dist
USER node
EXPOSE 8084
HEALTHCHECK --interval=10s --timeout=2s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# SIGTERM stops it in order within 20 seconds after the drain delay; node is the main process, so that it receives the signal.
CMD ["node", "src/main.ts"]
