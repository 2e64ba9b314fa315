import type { Connection } from "../classroom/connection";
import { RequestError } from "../classroom/connection";
import type { Source } from "../protocol";
import {
  browserKind,
  cameraEncodings,
  type Encoding,
  MICROPHONE_ENCODINGS,
  preferredCodecs,
  SCREEN_SOUND_ENCODINGS,
  screenEncodings,
} from "./encodings";
import { MediaLink } from "./media_link";

const KIND = browserKind(navigator.userAgent);

const ENCODINGS: Record<Source, () => Encoding[]> = {
  microphone: () => MICROPHONE_ENCODINGS,
  camera: () => cameraEncodings(KIND),
  screen: () => screenEncodings(KIND),
  screen_sound: () => SCREEN_SOUND_ENCODINGS,
};

const isAudio = (source: Source): boolean => source === "microphone" || source === "screen_sound";

/** The sending connection. Every source has its transceiver from the start, with or without a track, so what is sent
 * changes by `replaceTrack` and never by renegotiation. */
export class Publisher {
  readonly link: MediaLink;
  #tracks = new Map<Source, MediaStreamTrack>();
  #transceivers = new Map<Source, RTCRtpTransceiver>();

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
        return reply.sdp;
      },
    });
  }

  setTrack(source: Source, track: MediaStreamTrack | null): void {
    if (this.#tracks.get(source) === (track ?? undefined)) return;
    if (track) this.#tracks.set(source, track);
    else this.#tracks.delete(source);
    // A connection that is just being closed rejects; the next one is built with the track.
    this.#transceivers
      .get(source)
      ?.sender.replaceTrack(track)
      .catch(() => undefined);
  }

  #build(pc: RTCPeerConnection): void {
    this.#transceivers.clear();
    for (const source of this.sources) {
      const transceiver = pc.addTransceiver(this.#tracks.get(source) ?? (isAudio(source) ? "audio" : "video"), {
        direction: "sendonly",
        sendEncodings: ENCODINGS[source](),
      });
      if (!isAudio(source)) preferCodecs(transceiver);
      this.#transceivers.set(source, transceiver);
    }
  }

  /** On a weak link frames are dropped before sharpness: a blackboard must stay readable. */
  #keepResolution(): void {
    for (const source of ["camera", "screen"] as const) {
      const sender = this.#transceivers.get(source)?.sender;
      if (!sender) continue;
      const parameters: RTCRtpSendParameters & { degradationPreference?: string } = sender.getParameters();
      parameters.degradationPreference = "maintain-resolution";
      sender.setParameters(parameters).catch((error) => console.info("degradationPreference is not supported", error));
    }
  }
}

function preferCodecs(transceiver: RTCRtpTransceiver): void {
  const capabilities = RTCRtpSender.getCapabilities("video");
  const codecs = preferredCodecs(capabilities?.codecs ?? [], KIND);
  if (codecs.length > 0) transceiver.setCodecPreferences(codecs);
}
