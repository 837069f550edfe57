import { m2mTokensContract } from './m2m-tokens.contract.ts';

m2mTokensContract('of a process alone', async () => undefined);
