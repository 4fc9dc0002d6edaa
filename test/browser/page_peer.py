"""The robot's end of WebRTC, in a page of the same browser: nothing of the robot is needed."""

from playwright.sync_api import Page, Route

_PEER = '''
window.peers = [];
window.drawing = true;
const canvas = document.createElement('canvas');
canvas.width = 320;
canvas.height = 240;
const pen = canvas.getContext('2d');
let turn = 0;
window.setInterval(() => {
  if (!window.drawing) return;
  turn += 1;
  pen.fillStyle = `rgb(0 ${200 + turn % 50} 0)`;
  pen.fillRect(0, 0, 320, 240);
}, 40);
window.answer = async (sdp) => {
  const pc = new RTCPeerConnection();
  window.peers.push(pc);
  await pc.setRemoteDescription({ type: 'offer', sdp });
  const [line] = pc.getTransceivers();
  if (/a=recvonly/.test(sdp)) {
    await line.sender.replaceTrack(canvas.captureStream(25).getVideoTracks()[0]);
    line.direction = 'sendonly';
  }
  await pc.setLocalDescription();
  while (pc.iceGatheringState !== 'complete') await new Promise((go) => setTimeout(go, 10));
  return pc.localDescription.sdp;
};
window.receive = async (count) => {
  const end = performance.now() + 10_000;
  let before = -1;
  while (performance.now() < end) {
    let frames = 0;
    const report = await window.peers.at(-1).getStats();
    report.forEach((stat) => { frames += stat.framesDecoded ?? 0; });
    if (before < 0) before = frames;
    if (frames >= before + count) return true;
    await new Promise((go) => setTimeout(go, 20));
  }
  return false;
};
'''


class Robot:
    """The other end: answers the offers that a page sends, or refuses them.

    :param refusal: what it answers instead, while set.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.refusal: tuple[int, str] | None = None
        self.offers: list[str] = []
        page.evaluate(f'() => {{{_PEER}}}')

    def attach(self, page: Page, endpoint: str) -> None:
        """Answer in place of the server."""
        page.route(f'**{endpoint}*', self._answer)

    def hang_up(self) -> None:
        self.page.evaluate('window.peers.forEach((pc) => pc.close())')

    def draw(self, on: bool) -> None:
        self.page.evaluate('(on) => { window.drawing = on; }', on)

    def receives(self, count: int) -> bool:
        """Whether so many more pictures come in time."""
        return bool(self.page.evaluate('(count) => window.receive(count)', count))

    def _answer(self, route: Route) -> None:
        self.offers.append(route.request.url)
        if self.refusal:
            status, detail = self.refusal
            route.fulfill(status=status, json={'detail': detail},
                          content_type='application/problem+json')
            return
        sdp = self.page.evaluate('(sdp) => window.answer(sdp)', route.request.post_data)
        location = f'{route.request.url.split("?")[0]}/session{len(self.offers)}'
        route.fulfill(status=201, body=sdp, headers={
            'Content-Type': 'application/sdp', 'Location': location})
