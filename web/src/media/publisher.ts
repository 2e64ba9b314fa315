import { type Signal, signal } from "@preact/signals";
import type { Connection } from "../classroom/connection";
import { RequestError } from "../classroom/connection";
import type { EncodingLimit, EncodingsWanted, Source } from "../protocol";
import {
  browserKind,
  cameraEncodings,
  type Encoding,
  limited,
  MICROPHONE_ENCODINGS,
  MICROPHONE_LOW_ENCODINGS,
  preferredCodecs,
  SCREEN_SOUND_ENCODINGS,
  screenEncodings,
} from "./encodings";
import { encodingKey } from "./lowered";
import { MediaLink } from "./media_link";

const KIND = browserKind(navigator.userAgent);

const ENCODINGS: Record<Source, () => Encoding[]> = {
  microphone: () => MICROPHONE_ENCODINGS,
  microphone_low: () => MICROPHONE_LOW_ENCODINGS,
  camera: () => cameraEncodings(KIND),
  screen: () => screenEncodings(KIND),
  screen_sound: () => SCREEN_SOUND_ENCODINGS,
};

/** Sources that are sent once more in a saving way. */
const SAVING: Partial<Record<Source, Source>> = { microphone: "microphone_low" };

const isAudio = (source: Source): boolean => source !== "camera" && source !== "screen";

/** The sending connection. Every source has its transceiver from the start, with or without a track, so what is sent
 * changes by `replaceTrack` and never by renegotiation. */
export class Publisher {
  readonly link: MediaLink;
  /** Sources of which an encoding is off because our own link does not carry it. */
  readonly withheld: Signal<ReadonlySet<Source>> = signal(new Set());
  #tracks = new Map<Source, MediaStreamTrack>();
  #transceivers = new Map<Source, RTCRtpTransceiver>();
  /** Changes of a sender's parameters follow one another: the browser refuses one that began before the last was done. */
  #changes: Promise<void> = Promise.resolve();
  /** The present connection was answered: what the server wants from now on is about it and no former one. */
  #answered = false;

  constructor(
    connection: Connection,
    private readonly sources: readonly Source[],
  ) {
    this.link = new MediaLink({
      build: (pc) => this.#build(pc),
      answered: () => this.#keepResolution(),
      negotiate: async (_pc, sdp, fresh) => {
        const mids: Record<string, Source> = {};
        for (const [source, { mid }] of this.#transceivers) if (mid !== null) mids[mid] = source;
        const reply = await connection.ask({ type: "offer_publish", sdp, sources: mids, fresh });
        if (reply.type !== "answer") throw new RequestError("bad_message");
        this.#answered = true;
        return reply.sdp;
      },
    });
  }

  setTrack(source: Source, track: MediaStreamTrack | null): void {
    if (this.#tracks.get(source) === (track ?? undefined)) return;
    if (track) this.#tracks.set(source, track);
    else this.#tracks.delete(source);
    for (const one of [source, SAVING[source]]) {
      const sender = one && this.#transceivers.get(one)?.sender;
      // A connection that is just being closed rejects; the next one is built with the track.
      sender?.replaceTrack(track).catch(() => undefined);
    }
  }

  /** Send no more of a source than somebody needs. */
  apply({ source, encodings }: EncodingsWanted): void {
    if (!this.#answered) return;
    const withheld = new Set(this.withheld.peek());
    if (encodings.some((one) => one.withheld)) withheld.add(source);
    else withheld.delete(source);
    this.withheld.value = withheld;
    const saving = SAVING[source];
    if (saving && encodings.length > 1) {
      // The microphone's two are two senders, of one encoding each.
      for (const limit of encodings) this.#limit(limit.index === 0 ? saving : source, [{ ...limit, index: 0 }]);
    } else this.#limit(source, encodings);
  }

  /** What each encoding makes at most now, by `encodingKey`. */
  limits(): Map<string, number> {
    const limits = new Map<string, number>();
    for (const { mid, sender } of this.#transceivers.values()) {
      for (const { rid, maxBitrate } of sender.getParameters().encodings) {
        if (maxBitrate) limits.set(encodingKey({ mid, rid }), maxBitrate);
      }
    }
    return limits;
  }

  #limit(source: Source, limits: readonly EncodingLimit[]): void {
    this.#change(source, (parameters) => {
      parameters.encodings = limited(parameters.encodings, ENCODINGS[source](), limits);
    });
  }

  #build(pc: RTCPeerConnection): void {
    this.#transceivers.clear();
    this.#answered = false;
    this.withheld.value = new Set();
    for (const source of this.sources) {
      this.#add(pc, source, this.#tracks.get(source));
      const saving = SAVING[source];
      if (saving) this.#add(pc, saving, this.#tracks.get(source));
    }
  }

  #add(pc: RTCPeerConnection, source: Source, track: MediaStreamTrack | undefined): void {
    const transceiver = pc.addTransceiver(track ?? (isAudio(source) ? "audio" : "video"), {
      direction: "sendonly",
      sendEncodings: ENCODINGS[source](),
    });
    if (!isAudio(source)) preferCodecs(transceiver);
    this.#transceivers.set(source, transceiver);
  }

  /** On a weak link frames are dropped before sharpness: a blackboard must stay readable. */
  #keepResolution(): void {
    for (const source of ["camera", "screen"] as const) {
      this.#change(source, (parameters: RTCRtpSendParameters & { degradationPreference?: string }) => {
        parameters.degradationPreference = "maintain-resolution";
      });
    }
  }

  /** A browser that cannot do it goes on as before. */
  #change(source: Source, edit: (parameters: RTCRtpSendParameters) => void): void {
    const sender = this.#transceivers.get(source)?.sender;
    if (!sender) return;
    this.#changes = this.#changes.then(async () => {
      try {
        const parameters = sender.getParameters();
        edit(parameters);
        await sender.setParameters(parameters);
      } catch (error) {
        console.info("the browser does not change how it sends", source, error);
      }
    });
  }
}

function preferCodecs(transceiver: RTCRtpTransceiver): void {
  const capabilities = RTCRtpSender.getCapabilities("video");
  const codecs = preferredCodecs(capabilities?.codecs ?? [], KIND);
  if (codecs.length > 0) transceiver.setCodecPreferences(codecs);
}
