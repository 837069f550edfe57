/**
 * Resolves or rejects as `work` does, or as `late` does once `ms` have passed. The work itself goes on, and nobody hears
 * of its end any more. cockatiel's timeout is not used here because it makes an abort controller and two listeners for
 * each call, and these stand on the way of every order.
 */
export async function withTimeLimit<Result, Late>(
  ms: number,
  work: Promise<Result>,
  late: () => Late | Promise<Late>,
): Promise<Result | Late> {
  const limit = Promise.withResolvers<void>();
  // A busy process may see the timer before an answer that came long ago: the answer is read before the immediate runs.
  const timer = setTimeout(() => setImmediate(limit.resolve), ms);
  try {
    return await Promise.race([work, limit.promise.then(late)]);
  } finally {
    clearTimeout(timer);
  }
}
