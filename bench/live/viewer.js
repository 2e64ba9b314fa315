// Put into a viewer's page before its own scripts. `LINK` (a constant before this text) is the relay's {host, port}: the
// only candidate that the page learns, so that all of its media goes through the link. Notes when each picture is shown.
(() => {
  const throughLink = (sdp) => {
    let shown = false;
    const lines = sdp.split("\r\n").map((line) => {
      if (!line.startsWith("a=candidate:")) return line;
      const fields = line.split(" ");
      if (shown || fields[2].toLowerCase() !== "udp") return null;
      shown = true;
      fields[4] = LINK.host;
      fields[5] = String(LINK.port);
      return fields.join(" ");
    });
    return lines.filter((line) => line !== null).join("\r\n");
  };
  const { setRemoteDescription } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.setRemoteDescription = function (description) {
    return setRemoteDescription.call(this, { type: description.type, sdp: throughLink(description.sdp) });
  };

  // Wall-clock seconds and heights of pictures shown since the last call of `takeFrames`.
  let frames = [];
  window.takeFrames = () => {
    const taken = frames;
    frames = [];
    return taken;
  };
  const seconds = (milliseconds) => (performance.timeOrigin + milliseconds) / 1000;
  const watched = new WeakSet();
  const watch = (video) => {
    watched.add(video);
    const note = (_now, { presentationTime, height }) => {
      frames.push([seconds(presentationTime), height]);
      video.requestVideoFrameCallback(note);
    };
    video.requestVideoFrameCallback(note);
  };
  new MutationObserver(() => {
    for (const video of document.querySelectorAll("video[data-testid=teacher_video]")) {
      if (!watched.has(video)) watch(video);
    }
  }).observe(document, { childList: true, subtree: true });

  // What getStats says of the sound and the picture that come in now; null before there is a connection.
  window.receiving = async () => {
    const connection = window.__webclass?.pcs.subscribe;
    if (!connection) return null;
    const reports = [...(await connection.getStats()).values()];
    const busiest = (kind) =>
      reports
        .filter((report) => report.type === "inbound-rtp" && report.kind === kind)
        .sort((one, other) => other.packetsReceived - one.packetsReceived)[0] ?? null;
    const transport = reports.find((report) => report.type === "transport");
    const pair = reports.find((report) => report.id === transport?.selectedCandidatePairId);
    return {
      at: seconds(performance.now()),
      audio: busiest("audio"),
      video: busiest("video"),
      rtt_s: pair?.currentRoundTripTime ?? null,
      protocol: reports.find((report) => report.id === pair?.remoteCandidateId)?.protocol ?? null,
      port: reports.find((report) => report.id === pair?.remoteCandidateId)?.port ?? null,
    };
  };
})();
