/**
 * Resolves or rejects as `work` does, or as `late` does once `ms` have passed. The work itself continues, and its result is
 * then ignored. cockatiel's timeout is not used because it creates an abort controller and two listeners for each call,
 * and several of these calls are on the path of every order.
 */
export async function withTimeLimit<Result, Late>(
  ms: number,
  work: Promise<Result>,
  late: () => Late | Promise<Late>,
): Promise<Result | Late> {
  const limit = Promise.withResolvers<void>();
  // In a busy process the timer may fire although the answer has arrived; the immediate runs after pending answers are read.
  const timer = setTimeout(() => setImmediate(limit.resolve), ms);
  try {
    return await Promise.race([work, limit.promise.then(late)]);
  } finally {
    clearTimeout(timer);
  }
}
