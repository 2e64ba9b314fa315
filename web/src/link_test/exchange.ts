import { receivedCodecs } from "../media/encodings";
import { MediaLink } from "../media/media_link";
import type { Slot, Source } from "../protocol";
import { type Reading, readingOf, type Stats } from "./readings";
import { type Synthetic, synthetic } from "./synthetic";

const SENT_MOST_BPS = 1_800_000;
/** While the server fills the link: enough to carry its padding. */
const SENT_LITTLE_BPS = 120_000;
const SOUND_BPS = 32_000;
const SOURCES: readonly Source[] = ["microphone", "camera"];
const SLOTS: readonly Slot[] = ["teacher_audio", "teacher_video"];
const KINDS = ["audio", "video"] as const;

export interface Offers {
  publish(sdp: string, sources: Record<string, Source>): Promise<string>;
  subscribe(sdp: string, slots: Record<string, Slot>): Promise<string>;
}

/** The two connections of a test: one sends a made-up picture and a tone, the other gets them back. */
export class Exchange {
  readonly #synthetic: Synthetic = synthetic();
  readonly #publishing: MediaLink;
  readonly #receiving: MediaLink;

  constructor(offers: Offers) {
    this.#publishing = new MediaLink({
      build: (pc) => this.#send(pc),
      negotiate: (pc, sdp) => offers.publish(sdp, byMid(pc, SOURCES)),
    });
    this.#receiving = new MediaLink({
      build: receive,
      negotiate: (pc, sdp) => offers.subscribe(sdp, byMid(pc, SLOTS)),
    });
  }

  open(): void {
    this.#publishing.open();
    this.#receiving.open();
  }

  close(): void {
    this.#publishing.close();
    this.#receiving.close();
    this.#synthetic.stop();
  }

  /** A browser that cannot do it sends on as before, which takes a little from what the server fills the link with. */
  sendLittle(): void {
    const sender = this.#publishing.pc?.getSenders().find(({ track }) => track?.kind === "video");
    if (!sender) return;
    const parameters = sender.getParameters();
    for (const encoding of parameters.encodings) encoding.maxBitrate = SENT_LITTLE_BPS;
    sender.setParameters(parameters).catch((error: unknown) => console.info("the picture stays large", error));
  }

  async read(now: number): Promise<Reading> {
    return readingOf(await statsOf(this.#publishing), await statsOf(this.#receiving), now);
  }

  #send(pc: RTCPeerConnection): void {
    const { picture, sound } = this.#synthetic;
    pc.addTransceiver(sound, { direction: "sendonly", sendEncodings: [{ maxBitrate: SOUND_BPS }] });
    const video = pc.addTransceiver(picture, { direction: "sendonly", sendEncodings: [{ maxBitrate: SENT_MOST_BPS }] });
    // Every browser has it, and it costs the least to encode.
    const codecs = (RTCRtpSender.getCapabilities("video")?.codecs ?? []).filter(({ mimeType }) =>
      ["video/VP8", "video/rtx"].includes(mimeType),
    );
    if (codecs.length > 0) video.setCodecPreferences(codecs);
  }
}

function receive(pc: RTCPeerConnection): void {
  for (const kind of KINDS) {
    const transceiver = pc.addTransceiver(kind, { direction: "recvonly" });
    transceiver.setCodecPreferences(receivedCodecs(RTCRtpReceiver.getCapabilities(kind)?.codecs ?? []));
  }
}

/** `names` in the order of the connection's sections. */
function byMid<T>(pc: RTCPeerConnection, names: readonly T[]): Record<string, T> {
  const found = pc.getTransceivers().map(({ mid }, index) => [mid, names[index]] as const);
  return Object.fromEntries(found.filter((pair): pair is [string, T] => pair[0] !== null));
}

async function statsOf(link: MediaLink): Promise<Stats[]> {
  const report = await link.pc?.getStats();
  return report ? ([...report.values()] as Stats[]) : [];
}
