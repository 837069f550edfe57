import { spawn } from 'node:child_process';

/** Ends a process when ours ends, however that happens, because the guard's input then ends. Returns how to cancel that. */
export function endWithUs(pid: number, signal = 'TERM'): () => void {
  const guard = spawn('sh', ['-c', `cat > /dev/null && kill -${signal} ${pid}`], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // The guard must outlive this process, so Ctrl-C must not reach it.
    detached: true,
  });
  return () => {
    guard.kill('SIGKILL');
    guard.stdin.destroy();
  };
}
