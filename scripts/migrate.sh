#!/usr/bin/env bash
# Migrations by hand: scripts/migrate.sh -a up|down|version|create [-n name] [--yes]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
exec "$root/node_modules/.bin/node" "$root/scripts/migrate.ts" "$@"
