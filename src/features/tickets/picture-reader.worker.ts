import { parentPort } from 'node:worker_threads';
import { prepareQrReader, readPicture } from './qr/qr-reader.ts';

/** The thread that reads pictures: it says `ready` once, then a PNG comes in and its text goes out. */
export type FromReader = 'ready' | { readonly text: string | undefined };

const answer = (message: FromReader) => parentPort?.postMessage(message);

await prepareQrReader();
parentPort?.on('message', async (picture: Uint8Array) => {
  answer({ text: await readPicture(picture) });
});
answer('ready');
