/** What each form that pays an order gets. */
export interface PayFormProps {
  readonly publishableKey: string;
  readonly clientSecret: string;
  /** What its button says. */
  readonly label: string;
  readonly isBusy: boolean;
  /** Runs a step of the payment; the page learns afterwards from the service what came of it. */
  readonly pay: (step: () => Promise<'succeeded' | 'undecided'>) => Promise<void>;
}
