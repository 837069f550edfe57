import { type Bell, createBell } from './poller.ts';

/** The bells of background jobs, by the names of the jobs. */
export class Bells {
  readonly #bells = new Map<string, Bell>();
  #jobs: ReadonlySet<string> | undefined;

  /** The bell of a job. Throws when the jobs are known and none has this name. */
  of(job: string): Bell {
    if (this.#jobs?.has(job) === false) throw new Error(`no job is named ${job}`);
    const bell = this.#bells.get(job) ?? createBell();
    this.#bells.set(job, bell);
    return bell;
  }

  /** Declares the jobs that exist. Throws when a bell was requested for another name: nothing would ever hear it. */
  onlyFor(jobs: Iterable<string>): void {
    const names = new Set(jobs);
    const unheard = [...this.#bells.keys()].filter((name) => !names.has(name));
    if (unheard.length > 0) throw new Error(`no job is named ${unheard.join(', ')}`);
    this.#jobs = names;
  }
}
