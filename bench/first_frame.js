// Put into a viewer's page before its own scripts: notes when (ms after the navigation began) each step was done on the
// way from the link to the first picture, and presses the button of the entry page at once. `firstFrame` is a promise of
// these marks.
(() => {
  const marks = {};
  const mark = (name) => {
    marks[name] ??= performance.now();
  };
  let done;
  window.firstFrame = new Promise((resolve) => {
    done = resolve;
  });

  window.WebSocket = class extends WebSocket {
    constructor(...parameters) {
      super(...parameters);
      this.addEventListener("open", () => mark("socket_open"), { once: true });
      this.addEventListener("message", () => mark("joined"), { once: true });
    }
    send(text) {
      super.send(text);
      const { type, slot } = JSON.parse(text);
      if (type === "offer_subscribe") mark("offered");
      if (type === "set_view" && slot === "teacher_video") mark("picture_asked");
    }
  };

  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...parameters) {
      super(...parameters);
      this.addEventListener("iceconnectionstatechange", () => {
        if (["connected", "completed"].includes(this.iceConnectionState)) mark("ice_connected");
      });
      this.addEventListener("connectionstatechange", () => {
        if (this.connectionState === "connected") mark("dtls_connected");
      });
    }
    setRemoteDescription(...parameters) {
      mark("answered");
      return super.setRemoteDescription(...parameters);
    }
  };

  // `now` is when the browser began to draw this picture, some milliseconds before this call.
  const shown = (_now, { receiveTime }) => {
    mark("first_frame");
    if (receiveTime) marks.frame_received = receiveTime;
    done(marks);
  };
  const watched = new WeakSet();
  let pressed = false;
  const look = () => {
    const enter = document.querySelector("[data-testid=enter]");
    if (enter && !pressed) {
      pressed = true;
      mark("entry_shown");
      enter.click();
    }
    for (const video of document.querySelectorAll("video")) {
      if (watched.has(video)) continue;
      watched.add(video);
      mark("stage_shown");
      video.requestVideoFrameCallback(shown);
    }
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
  addEventListener("DOMContentLoaded", () => mark("page_loaded"));
})();
