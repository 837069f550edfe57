#!/bin/sh
# Migrations by hand, from any folder: scripts/migrate.sh -a up|down|version|create [-n name] [--yes]
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
if [ ! -d "$root/node_modules" ]; then
  echo "scripts/migrate.sh: run npm ci in $root first." >&2
  exit 1
fi
# npm ci installs a Node.js that runs TypeScript, also on machines with an older one; an image has only its own.
node="$root/node_modules/.bin/node"
[ -x "$node" ] || node=node
# A relative MIGRATIONS_DIR refers to the caller's working directory.
MIGRATIONS_DIR=${MIGRATIONS_DIR:-$root/migrations}
export MIGRATIONS_DIR
exec "$node" "$root/scripts/migrate.ts" "$@"
