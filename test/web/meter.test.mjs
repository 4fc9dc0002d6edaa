/** What a connection's statistics become for people. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Meter } from '../../web/static/meter.js';
import { eager } from '../../web/static/peer.js';

const CODEC = { id: 'codec', type: 'codec', mimeType: 'video/VP8' };

/** A connection that has these statistics, one list after the other. */
function connection(...reports) {
  const next = reports.values();
  return {
    getStats: async () => new Map(next.next().value.map((stat, index) => [stat.id ?? index, stat])),
  };
}

const received = (bytesReceived, timestamp, more = {}) => ({
  type: 'inbound-rtp', codecId: 'codec', framesDecoded: 50, framesPerSecond: 24.6, frameWidth: 640,
  frameHeight: 480, bytesReceived, timestamp, packetsReceived: 99, packetsLost: 1, ...more,
});

test('nothing flows yet', async () => {
  const meter = new Meter();
  assert.equal(await meter.read(connection([CODEC])), '');
  assert.equal(meter.frames, 0);
});

test('the rate is that since the last look', async () => {
  const meter = new Meter();
  const pc = connection([received(1_000, 1_000), CODEC], [received(126_000, 3_000), CODEC],
    [received(1_126_000, 4_000), CODEC]);
  assert.equal(await meter.read(pc), '640×480 · 25 fps · VP8 · 1.0 % lost');
  assert.equal(await meter.read(pc), '640×480 · 25 fps · 500 kbit/s · VP8 · 1.0 % lost');
  assert.equal(await meter.read(pc), '640×480 · 25 fps · 8.0 Mbit/s · VP8 · 1.0 % lost');
  assert.equal(meter.frames, 50);
});

test('a sender hears of losses from the receiver, and only the pair in use counts', async () => {
  const pair = { type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.0123 };
  const spare = { type: 'candidate-pair', nominated: false, currentRoundTripTime: 9 };
  const sent = { type: 'outbound-rtp', framesSent: 7, bytesSent: 1, timestamp: 1, packetsSent: 200 };
  const remote = { type: 'remote-inbound-rtp', packetsLost: 3 };
  const meter = new Meter();
  assert.equal(await meter.read(connection([pair, spare, sent, remote])),
    '0 fps · 1.5 % lost · 12 ms round trip');
  assert.equal(meter.frames, 7);
});

test('only VP8 is asked to begin with a good picture', () => {
  const sdp = 'a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\n';
  assert.equal(eager(sdp), 'a=rtpmap:96 VP8/90000\r\na=fmtp:96 x-google-start-bitrate=1500\r\n'
    + 'a=rtpmap:97 rtx/90000\r\n');
});
