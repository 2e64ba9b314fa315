const FIRST_MS = 300;
const LONGEST_MS = 5000;

/** Delay before reconnection attempt number `attempt` (0 is the first): doubling from 0.3 s to 5 s, with the upper half
 * jittered by `random` in [0, 1), so that a hundred classes do not come back in the same instant. */
export function backoffMs(attempt: number, random: number): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return ceiling * (0.5 + 0.5 * random);
}
