/** A moving picture and a tone that no camera and no microphone is needed for. The picture is busy enough for an encoder
 * to use all that it is allowed. */

const WIDTH = 640;
const HEIGHT = 360;
const FPS = 20;
const TILES = 6;
const TONE_HZ = 440;
const TONE_GAIN = 0.1;

export interface Synthetic {
  readonly picture: MediaStreamTrack;
  readonly sound: MediaStreamTrack;
  stop(): void;
}

/** To be called while a person presses a button: else a browser keeps the tone silent. */
export function synthetic(): Synthetic {
  const canvas = new BusyPicture();
  const timer = setInterval(() => canvas.draw(), 1000 / FPS);
  const context = new AudioContext();
  const tone = new OscillatorNode(context, { frequency: TONE_HZ });
  const out = context.createMediaStreamDestination();
  tone.connect(new GainNode(context, { gain: TONE_GAIN })).connect(out);
  tone.start();
  const picture = canvas.track();
  const sound = out.stream.getAudioTracks()[0] as MediaStreamTrack;
  return {
    picture,
    sound,
    stop: () => {
      clearInterval(timer);
      picture.stop();
      sound.stop();
      void context.close();
    },
  };
}

class BusyPicture {
  readonly #canvas = document.createElement("canvas");
  readonly #context: CanvasRenderingContext2D;
  readonly #tiles: HTMLCanvasElement[];
  #frame = 0;

  constructor() {
    this.#canvas.width = WIDTH;
    this.#canvas.height = HEIGHT;
    this.#context = this.#canvas.getContext("2d") as CanvasRenderingContext2D;
    this.#tiles = Array.from({ length: TILES }, grain);
    this.draw();
  }

  track(): MediaStreamTrack {
    return this.#canvas.captureStream(FPS).getVideoTracks()[0] as MediaStreamTrack;
  }

  draw(): void {
    const frame = this.#frame++;
    const context = this.#context;
    const sky = context.createLinearGradient(0, 0, WIDTH, HEIGHT);
    sky.addColorStop(0, `hsl(${(frame * 3) % 360} 60% 40%)`);
    sky.addColorStop(1, `hsl(${(frame * 3 + 120) % 360} 60% 60%)`);
    context.globalAlpha = 1;
    context.fillStyle = sky;
    context.fillRect(0, 0, WIDTH, HEIGHT);
    context.globalAlpha = 0.35;
    context.drawImage(this.#tiles[frame % TILES] as HTMLCanvasElement, 0, 0, WIDTH, HEIGHT);
  }
}

/** Noise, drawn at twice its size: coarse grain survives an encoder better than fine. */
function grain(): HTMLCanvasElement {
  const tile = document.createElement("canvas");
  tile.width = WIDTH / 2;
  tile.height = HEIGHT / 2;
  const context = tile.getContext("2d") as CanvasRenderingContext2D;
  const image = context.createImageData(tile.width, tile.height);
  for (let at = 0; at < image.data.length; at += 4) {
    const grey = Math.random() * 255;
    image.data.set([grey, grey, grey, 255], at);
  }
  context.putImageData(image, 0, 0);
  return tile;
}
