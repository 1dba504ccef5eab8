#!/usr/bin/python3
# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
#
# GStreamer's webrtcbin as an encoder that speaks WHIP: a test picture and a tone, until SIGINT.
# usage: gstreamer_encoder.py <endpoint> <token> <tone in Hz> [--trickle] [--ingress]
import signal
import sys
import urllib.parse
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

PIPELINE = """
webrtcbin name=peer bundle-policy=max-bundle
videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=15/1
  ! vp8enc deadline=1 cpu-used=8 keyframe-max-dist=30 ! rtpvp8pay pt=96
  ! application/x-rtp,media=video,encoding-name=VP8,payload=96 ! peer.
audiotestsrc is-live=true freq={tone} ! audioconvert ! opusenc ! rtpopuspay pt=97
  ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! peer.
"""


class Encoder:
    def __init__(self, endpoint, token, tone, trickle, ingress):
        self.endpoint = endpoint
        self.token = token
        self.trickle = trickle
        # As the ingress service passes it on.
        self.passed_on = {"X_Livekit_Ingress": "true"} if ingress else {}
        self.location = None
        self.etag = None
        self.early = []  # candidates that came before the answer
        self.pipeline = Gst.parse_launch(PIPELINE.format(tone=tone))
        self.peer = self.pipeline.get_by_name("peer")
        self.peer.connect("on-negotiation-needed", self.negotiate)
        self.peer.connect("on-ice-candidate", self.candidate)
        self.peer.connect("notify::ice-gathering-state", self.gathering)
        self.peer.connect("notify::connection-state", self.state)

    def request(self, method, url, body="", **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers["Authorization"] = "Bearer " + self.token
        request = urllib.request.Request(url, body.encode(), headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            print(method, answer.status, flush=True)
            return answer.headers, answer.read().decode()

    # Everything below HTTP happens in the main loop: webrtcbin calls from threads of its own.
    def negotiate(self, peer):
        def made(promise, _):
            reply = promise.get_reply()
            offer = reply.get_value("offer")
            text = offer.sdp.as_text()
            peer.emit("set-local-description", offer, Gst.Promise.new())
            if self.trickle:
                GLib.idle_add(self.join, text)

        peer.emit("create-offer", None, Gst.Promise.new_with_change_func(made, None))

    def gathering(self, peer, _):
        done = peer.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE
        if done and not self.trickle:
            GLib.idle_add(self.join, peer.get_property("local-description").sdp.as_text())

    def join(self, offer):
        headers, answer = self.request("POST", self.endpoint, offer, Content_Type="application/sdp",
                                       **self.passed_on)
        self.location = urllib.parse.urljoin(self.endpoint, headers["Location"])
        self.etag = headers["ETag"]
        _, message = GstSdp.SDPMessage.new_from_text(answer)
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        self.peer.emit("set-remote-description", description, Gst.Promise.new())
        for line in self.early:
            self.send_candidate(line)
        return False

    def candidate(self, _, _section, line):
        if self.trickle:
            GLib.idle_add(self.send_candidate, line)

    def send_candidate(self, line):
        if self.location is None:
            self.early.append(line)
            return False
        fragment = f"a=mid:0\r\na={line}\r\n"
        self.request("PATCH", self.location, fragment, If_Match=self.etag,
                     Content_Type="application/trickle-ice-sdpfrag")
        return False

    def state(self, peer, _):
        print("state", peer.get_property("connection-state").value_nick, flush=True)

    def leave(self):
        if self.location:
            self.request("DELETE", self.location)


def main():
    Gst.init(None)
    endpoint, token, tone = sys.argv[1:4]
    encoder = Encoder(endpoint, token, tone, "--trickle" in sys.argv, "--ingress" in sys.argv)
    loop = GLib.MainLoop()
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGINT, loop.quit)
    encoder.pipeline.set_state(Gst.State.PLAYING)
    loop.run()
    encoder.leave()
    encoder.pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    main()
