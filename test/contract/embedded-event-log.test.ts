import { createEmbeddedEventLog } from '../../src/embedded/event-log.ts';
import { eventLogContract } from './event-log.contract.ts';

eventLogContract('in the process', async () => ({
  ...createEmbeddedEventLog(),
  startReading: () => undefined,
  close: async () => undefined,
}));
