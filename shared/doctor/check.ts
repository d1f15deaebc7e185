/** What was found out about one thing that the workshop needs. */
export interface Finding {
  /** `Node`, `Port`. */
  name: string;
  ok: boolean;
  /** What was found, in a few words. */
  found: string;
  /** The command to type, or what else to do; only where something is wrong. */
  next?: string;
}

/** Looks at one thing. It changes nothing that stays. */
export type Check = () => Promise<Finding>;
