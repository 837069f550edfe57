/** Wakes a job in this process, by its name. Other processes find the work in their next turn. */
export type Wake = (job: string) => void;
