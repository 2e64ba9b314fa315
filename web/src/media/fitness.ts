/** Whether this browser has what a lesson needs. */
export const browserIsFit = (): boolean =>
  typeof RTCPeerConnection === "function" &&
  typeof WebSocket === "function" &&
  "setCodecPreferences" in RTCRtpTransceiver.prototype &&
  typeof HTMLDialogElement === "function";
