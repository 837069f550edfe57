import { test } from 'vitest';
import { runModel } from './run.ts';
import { openWorld } from './world.ts';

test('the service does what the model predicts, in other sequences', async () => {
  await runModel(await openWorld());
});
