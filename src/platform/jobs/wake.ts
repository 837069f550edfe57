/** Brings the next turn of a background job forward, by the job's name. Other processes find the work at their next turn. */
export type Wake = (job: string) => void;
