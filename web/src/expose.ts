import type { Classroom } from "./classroom/classroom";

/** A read-only window into the running lesson for tests and for a person with the browser's console open. */
export interface Exposed {
  readonly participantId: string | null;
  readonly role: string | null;
  readonly lessonState: string | null;
  readonly connection: string;
  readonly publishing: string;
  readonly subscribing: string;
  readonly slots: Readonly<Record<string, boolean>>;
  readonly pcs: { readonly publish: RTCPeerConnection | null; readonly subscribe: RTCPeerConnection | null };
}

declare global {
  interface Window {
    __webclass?: Exposed;
  }
}

export function exposeForTests(classroom: Classroom): void {
  const { connection, subscriber, publisher, state } = classroom;
  window.__webclass = {
    get participantId() {
      return state.peek()?.me ?? null;
    },
    get role() {
      return state.peek()?.role ?? null;
    },
    get lessonState() {
      return state.peek()?.lesson.state ?? null;
    },
    get connection() {
      return connection.status.peek();
    },
    get publishing() {
      return publisher.peek()?.link.phase.peek() ?? "idle";
    },
    get subscribing() {
      return subscriber.link.phase.peek();
    },
    get slots() {
      return Object.fromEntries([...(state.peek()?.slots ?? [])].map(([slot, { flowing }]) => [slot, flowing]));
    },
    get pcs() {
      return { publish: publisher.peek()?.link.pc ?? null, subscribe: subscriber.link.pc };
    },
  };
}
