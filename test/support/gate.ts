/** Holds an effect until so many wait for it, then releases all of them at the same moment. */
export function createGate(effect: string) {
  let missing = 0;
  let opened = Promise.withResolvers<void>();
  return {
    closeFor(count: number) {
      missing = count;
      opened = Promise.withResolvers();
    },
    before(about: string) {
      if (about !== effect || missing === 0) return undefined;
      missing -= 1;
      if (missing === 0) opened.resolve();
      return opened.promise;
    },
    after: () => undefined,
  };
}
