import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { setTimeout } from 'node:timers/promises';

/** The network between the service and one of its servers, which a test may disturb. */
export type Link = Awaited<ReturnType<typeof openLink>>;

const HOST = '127.0.0.1';

type State = { readonly kind: 'sound' | 'silent' | 'refusing' } | { readonly kind: 'slow'; readonly delayMs: number };

/** Opens one on a free port. */
export async function openLink(toPort?: number) {
  let target = toPort;
  let state: State = { kind: 'sound' };
  let healed = Promise.withResolvers<void>();
  const sockets = new Set<Socket>();

  /** Holds data back as the state says; each piece waits for the one before it, so order is kept. */
  const passage = () =>
    new Transform({
      async transform(chunk, _encoding, done) {
        if (state.kind === 'slow') await setTimeout(state.delayMs);
        while (state.kind === 'silent') await healed.promise;
        done(null, chunk);
      },
    });

  const server = createServer({ allowHalfOpen: false }, async (near) => {
    keep(near);
    while (state.kind === 'silent' && !near.destroyed) await healed.promise;
    if (state.kind === 'refusing' || target === undefined || near.destroyed) return void near.destroy();
    const far = keep(dial(target, HOST));
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.pipe(passage()).pipe(to);
      from.once('close', () => to.destroy());
    }
  });

  function keep(socket: Socket): Socket {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    return socket;
  }

  function become(next: State): void {
    state = next;
    healed.resolve();
    healed = Promise.withResolvers();
  }

  const breakAll = () => {
    for (const socket of sockets) socket.destroy();
  };

  server.listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    /** The `host:port` that the service gets in place of the server's own. */
    address: `${HOST}:${port}`,
    port,
    /** Leads to another port from the next connection on. */
    leadTo(next: number) {
      target = next;
    },
    /** Delays every piece of data by this much, each way. */
    slow: (delayMs: number) => become({ kind: 'slow', delayMs }),
    /** Cuts the line: nothing passes, no side is notified, and what was sent arrives when it heals. */
    silence: () => become({ kind: 'silent' }),
    /** Removes the server: connections break, and no new one is accepted. */
    refuse() {
      become({ kind: 'refusing' });
      breakAll();
    },
    heal: () => become({ kind: 'sound' }),
    async close() {
      become({ kind: 'refusing' });
      breakAll();
      server.close();
      await once(server, 'close');
    },
  };
}
