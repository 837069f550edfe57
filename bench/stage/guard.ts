import { spawn } from 'node:child_process';

/** Has a process ended with ours, however ours ends: the end of our process ends the guard's input. Returns how to let it be. */
export function endWithUs(pid: number, signal = 'TERM'): () => void {
  const guard = spawn('sh', ['-c', `cat > /dev/null && kill -${signal} ${pid}`], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Ctrl-C in the terminal is for us; the guard has to outlive us.
    detached: true,
  });
  return () => {
    guard.kill('SIGKILL');
    guard.stdin.destroy();
  };
}
