/** What goes over a WebRTC connection. */

export class Meter {
  /** Pictures so far: decoded, or sent. */
  frames = 0;
  #bytes = 0;
  #time_ms = 0;

  /**
   * @param {RTCPeerConnection} pc
   * @returns {Promise<string>} a line for people, about the time since the last call
   */
  async read(pc) {
    const report = await pc.getStats();
    const found = new Map();
    report.forEach((stat) => {
      if (stat.type !== 'candidate-pair' || stat.nominated) found.set(stat.type, stat);
    });
    const flow = found.get('inbound-rtp') ?? found.get('outbound-rtp');
    if (!flow) return '';
    this.frames = flow.framesDecoded ?? flow.framesSent ?? 0;
    const parts = [
      flow.frameWidth ? `${flow.frameWidth}×${flow.frameHeight}` : '',
      `${Math.round(flow.framesPerSecond ?? 0)} fps`,
      this.#rate(flow.bytesReceived ?? flow.bytesSent ?? 0, flow.timestamp),
      String(report.get(flow.codecId)?.mimeType ?? '').replace('video/', ''),
      lost(flow, found.get('remote-inbound-rtp')),
      roundTrip(found.get('candidate-pair')),
    ];
    return parts.filter((part) => part !== '').join(' · ');
  }

  /**
   * @param {number} bytes
   * @param {number} time_ms
   */
  #rate(bytes, time_ms) {
    const rate = 8 * (bytes - this.#bytes) / Math.max(1, time_ms - this.#time_ms);
    const first = this.#time_ms === 0;
    this.#bytes = bytes;
    this.#time_ms = time_ms;
    if (first) return '';
    return rate < 1_000 ? `${Math.round(rate)} kbit/s` : `${(rate / 1_000).toFixed(1)} Mbit/s`;
  }
}

/**
 * @param {any} flow
 * @param {any} remote what the receiver tells of our stream
 */
function lost(flow, remote) {
  const count = remote?.packetsLost ?? flow.packetsLost;
  const all = flow.packetsSent ?? flow.packetsReceived + flow.packetsLost;
  return count >= 0 && all > 0 ? `${(100 * count / all).toFixed(1)} % lost` : '';
}

/** @param {any} pair */
function roundTrip(pair) {
  const time_s = pair?.currentRoundTripTime;
  return time_s === undefined ? '' : `${Math.round(1_000 * time_s)} ms round trip`;
}
