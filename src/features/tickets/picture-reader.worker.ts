import { parentPort } from 'node:worker_threads';
import { prepareQrReader, readPicture } from './qr/qr-reader.ts';

/** Messages of the thread that reads pictures: `ready` once, then one text for each PNG it receives. */
export type FromReader = 'ready' | { readonly text: string | undefined };

const answer = (message: FromReader) => parentPort?.postMessage(message);

await prepareQrReader();
parentPort?.on('message', async (picture: Uint8Array) => {
  answer({ text: await readPicture(picture) });
});
answer('ready');
