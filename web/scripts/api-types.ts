// Writes the types of the API's requests and answers: `npm run api-types -w web -- http://localhost:8084/openapi.json`.
import { readFile, writeFile } from 'node:fs/promises';
import openapiTS, { astToString, type OpenAPI3 } from 'openapi-typescript';

const TYPES = new URL('../lib/api/openapi.ts', import.meta.url);
const HEADER = '// Generated from the OpenAPI document by `npm run api-types -w web`; do not edit.\n';

/** The document without refusals: every one is a problem document, which the client of the pages reads in one place. */
function withoutRefusals(document: OpenAPI3): OpenAPI3 {
  for (const path of Object.values(document.paths ?? {})) {
    for (const operation of Object.values(path)) {
      const { responses } = operation as { responses?: Record<string, unknown> };
      for (const status of Object.keys(responses ?? {})) if (!status.startsWith('2')) delete responses?.[status];
    }
  }
  return document;
}

const [source = '', target] = process.argv.slice(2);
const document: OpenAPI3 = /^https?:/.test(source)
  ? await (await fetch(source)).json()
  : JSON.parse(await readFile(source, 'utf8'));
const types = HEADER + astToString(await openapiTS(withoutRefusals(document)));
await writeFile(target ?? TYPES, types);
