/** Where somebody stopped in a recording, in this browser only; the fifty last ones. */

const PLACES = "webclass.places";
const KEPT = 50;

type Places = readonly (readonly [recordingId: string, at_s: number])[];

function read(): Places {
  const kept = localStorage.getItem(PLACES);
  return kept ? (JSON.parse(kept) as Places) : [];
}

export const placeIn = (recordingId: string): number => read().find(([id]) => id === recordingId)?.[1] ?? 0;

/** 0 forgets it. */
export function rememberPlace(recordingId: string, at_s: number): void {
  const others = read().filter(([id]) => id !== recordingId);
  const places: Places = at_s > 0 ? [[recordingId, Math.floor(at_s)], ...others] : others;
  localStorage.setItem(PLACES, JSON.stringify(places.slice(0, KEPT)));
}
