// A client of the WebSocket protocol with no user interface, put into a blank page of the server's own origin.
// The tests of the media plane drive it, so that they do not depend on the pages.
(() => {
  const AUDIO_SLOTS = ["teacher_audio", "screen_audio", "floor_audio"];
  const VIDEO_SLOTS = ["teacher_video", "screen_video", "floor_video"];
  const FRAMES_KEPT = 4000;

  class RawClient {
    constructor() {
      this.messages = [];
      this.waiting = new Map();
      this.nextId = 1;
      this.slots = {};
      this.frames = {};
      this.closed = null;
    }

    async join(token, name, resume = null) {
      this.socket = new WebSocket(`${location.origin.replace("http", "ws")}/api/classroom`);
      await new Promise((opened, failed) => {
        this.socket.onopen = opened;
        this.socket.onerror = () => failed(new Error("the WebSocket did not open"));
      });
      const first = new Promise((resolve) => {
        this.socket.onmessage = (event) => resolve(JSON.parse(event.data));
      });
      this.socket.onclose = (event) => {
        this.closed = event.code;
      };
      this.socket.send(JSON.stringify({ type: "join", version: 1, token, name, resume }));
      this.welcome = await first;
      this.socket.onmessage = (event) => this.receive(JSON.parse(event.data));
      return this.welcome;
    }

    receive(message) {
      const waiting = message.id == null ? undefined : this.waiting.get(message.id);
      if (waiting && (message.type === "reply" || message.type === "answer")) {
        this.waiting.delete(message.id);
        waiting(message);
      } else {
        this.messages.push(message);
      }
    }

    ask(message) {
      const id = this.nextId++;
      return new Promise((resolve) => {
        this.waiting.set(id, resolve);
        this.socket.send(JSON.stringify({ ...message, id }));
      });
    }

    // options: rids (highest first; empty: one encoding), scalability, codec, tone (Hz) and colour (CSS) instead of the devices
    async publish({ rids = ["f", "h", "q"], scalability = "L1T3", codec = "video/VP9", tone = 0, colour = "" } = {}) {
      const stream = tone ? syntheticStream(tone, colour) : await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
      this.publisher?.close();
      this.publisher = new RTCPeerConnection();
      const microphone = this.publisher.addTransceiver(stream.getAudioTracks()[0], { direction: "sendonly" });
      const bitrates = [1_100_000, 350_000, 120_000];
      const sendEncodings = rids.map((rid, index) => ({
        rid,
        scaleResolutionDownBy: 2 ** index,
        maxBitrate: bitrates[index],
        ...(scalability ? { scalabilityMode: scalability } : {}),
      }));
      const camera = this.publisher.addTransceiver(stream.getVideoTracks()[0], { direction: "sendonly", sendEncodings });
      prefer(camera, codec);
      // Sizes that tests wait for must not be lowered by a busy machine.
      await camera.sender.setParameters({ ...camera.sender.getParameters(), degradationPreference: "maintain-resolution" });
      await this.publisher.setLocalDescription();
      const sources = { [microphone.mid]: "microphone", [camera.mid]: "camera" };
      return this.offer(this.publisher, { type: "offer_publish", sources });
    }

    async subscribe({ views = {} } = {}) {
      this.subscriber?.close();
      this.subscriber = new RTCPeerConnection();
      const slots = [...AUDIO_SLOTS, ...VIDEO_SLOTS];
      const transceivers = slots.map((slot) =>
        this.subscriber.addTransceiver(slot.endsWith("_audio") ? "audio" : "video", { direction: "recvonly" }),
      );
      await this.subscriber.setLocalDescription();
      this.slots = Object.fromEntries(transceivers.map((transceiver, index) => [transceiver.mid, slots[index]]));
      transceivers.forEach((transceiver, index) => this.play(slots[index], transceiver.receiver.track));
      const answer = await this.offer(this.subscriber, { type: "offer_subscribe", slots: this.slots });
      for (const [slot, height] of Object.entries(views)) {
        await this.view(slot, height);
      }
      return answer;
    }

    async offer(connection, message) {
      const answer = await this.ask({ ...message, sdp: connection.localDescription.sdp, fresh: true });
      if (answer.type !== "answer") {
        throw new Error(`no answer: ${JSON.stringify(answer)}`);
      }
      await connection.setRemoteDescription({ type: "answer", sdp: answer.sdp });
      return answer;
    }

    view(slot, height) {
      return this.ask({ type: "set_view", slot, paused: false, height });
    }

    play(slot, track) {
      const element = document.createElement(track.kind);
      element.autoplay = true;
      element.srcObject = new MediaStream([track]);
      element.dataset.slot = slot;
      document.body.append(element);
      void element.play().catch(() => undefined);
      if (track.kind === "video") {
        element.width = 320;
        element.muted = true;
        this.noteFrames(slot, element);
      }
    }

    // Every frame shown: when (ms), the publisher's RTP time as we rewrote it, and how high it was.
    noteFrames(slot, element) {
      const frames = [];
      this.frames[slot] = frames;
      const note = (now, shown) => {
        frames.push({ at: now, rtp: shown.rtpTimestamp, height: shown.height });
        if (frames.length > FRAMES_KEPT) frames.shift();
        element.requestVideoFrameCallback(note);
      };
      element.requestVideoFrameCallback(note);
    }

    // Mean colour of the slot's picture now and the loudest frequency of its sound.
    colour(slot) {
      const element = document.querySelector(`video[data-slot=${slot}]`);
      const canvas = new OffscreenCanvas(8, 8);
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(element, 0, 0, 8, 8);
      const pixels = context.getImageData(0, 0, 8, 8).data;
      const sums = [0, 0, 0];
      pixels.forEach((value, index) => {
        if (index % 4 < 3) sums[index % 4] += value / 64;
      });
      return sums.map(Math.round);
    }

    async loudest(slot) {
      const element = document.querySelector(`audio[data-slot=${slot}]`);
      const context = new AudioContext();
      await context.resume();
      const analyser = new AnalyserNode(context, { fftSize: 8192 });
      context.createMediaStreamSource(element.srcObject).connect(analyser);
      await new Promise((filled) => {
        const started = context.currentTime;
        const look = () => (context.currentTime - started > 0.5 ? filled() : requestAnimationFrame(look));
        look();
      });
      const spectrum = new Float32Array(analyser.frequencyBinCount);
      analyser.getFloatFrequencyData(spectrum);
      const step = context.sampleRate / analyser.fftSize;
      await context.close();
      return spectrum.indexOf(Math.max(...spectrum)) * step;
    }

    async statistics() {
      return {
        publish: this.publisher ? await digest(this.publisher) : null,
        subscribe: this.subscriber ? await digest(this.subscriber, this.slots) : null,
      };
    }
  }

  function prefer(transceiver, codec) {
    const all = RTCRtpSender.getCapabilities("video").codecs;
    const wanted = all.filter((entry) => entry.mimeType === codec);
    transceiver.setCodecPreferences([...wanted, ...all.filter((entry) => entry.mimeType !== codec)]);
  }

  function syntheticStream(tone, colour) {
    const canvas = document.createElement("canvas");
    canvas.width = 640;
    canvas.height = 360;
    const context = canvas.getContext("2d");
    let count = 0;
    setInterval(() => {
      context.fillStyle = colour;
      context.fillRect(0, 0, 640, 360);
      context.fillStyle = "white";
      context.fillRect((count++ * 8) % 640, 0, 8, 8);
    }, 66);
    const audio = new AudioContext();
    void audio.resume();
    const oscillator = new OscillatorNode(audio, { frequency: tone });
    const destination = new MediaStreamAudioDestinationNode(audio, { channelCount: 1 });
    oscillator.connect(destination);
    oscillator.start();
    return new MediaStream([...canvas.captureStream(15).getTracks(), ...destination.stream.getTracks()]);
  }

  async function digest(connection, slots = {}) {
    const reports = [...(await connection.getStats()).values()];
    const byId = new Map(reports.map((report) => [report.id, report]));
    const codec = (report) => byId.get(report.codecId)?.mimeType ?? "";
    const transport = reports.find((report) => report.type === "transport");
    const pair = byId.get(transport?.selectedCandidatePairId);
    return {
      state: connection.connectionState,
      protocol: byId.get(pair?.localCandidateId)?.protocol ?? "",
      inbound: Object.fromEntries(
        reports
          .filter((report) => report.type === "inbound-rtp" && report.mid in slots)
          .map((report) => [slots[report.mid], { ...report, codec: codec(report) }]),
      ),
      outbound: reports
        .filter((report) => report.type === "outbound-rtp")
        .map((report) => ({ ...report, codec: codec(report) })),
    };
  }

  window.RawClient = RawClient;
  window.digest = digest;
})();
