// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For the tests of signalling: a client that speaks WebSocket and SignalRequests over a plain
// socket.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "livekit_rtc.pb.h"
#include "proto/proto_json.h"
#include "runtime/net/net_testing.h"

namespace confab::control {

class SignalClient {
  public:
    static constexpr int kText = 1;
    static constexpr int kBinary = 2;
    static constexpr int kClose = 8;
    static constexpr int kPing = 9;

    // `headers`: further lines of the request, each with its end.
    SignalClient(std::uint16_t port, std::string_view path, std::string_view headers = "",
                 int receive_buffer = 0)
        : raw_(port, receive_buffer) {
        raw_.send("GET " + std::string(path) +
                  " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
                  std::string(headers) + "\r\n");
    }
    net::RawClient& raw() { return raw_; }
    std::string head() { return raw_.read_until("\r\n\r\n"); }

    // RFC 6455 §5.2, with the mask 0.
    void send(int opcode, std::string_view payload) {
        std::string out{static_cast<char>(0x80 | opcode)};
        if (payload.size() < 126) {
            out += static_cast<char>(0x80 | payload.size());
        } else {
            out += static_cast<char>(0x80 | 126);
            out += static_cast<char>(payload.size() >> 8);
            out += static_cast<char>(payload.size() & 0xFF);
        }
        raw_.send(out + std::string(4, '\0') + std::string(payload));
    }
    void send(const livekit::SignalRequest& request) { send(kBinary, request.SerializeAsString()); }
    struct Frame {
        int opcode = -1;  // the connection ended
        std::string payload;
        bool compressed = false;  // RFC 7692 §6
    };
    Frame read() {
        const std::string head = raw_.read_exactly(2);
        if (head.size() < 2) return {};
        std::size_t length = static_cast<std::uint8_t>(head[1]);
        if (length >= 126) {
            const std::string bytes = raw_.read_exactly(length == 126 ? 2 : 8);
            length = 0;
            for (const std::uint8_t byte : as_bytes(bytes))
                length = length << 8 | byte;
        }
        const auto first = static_cast<std::uint8_t>(head[0]);
        return {first & 0x0F, raw_.read_exactly(length), (first & 0x40U) != 0};
    }
    // The next message of that kind; its frame in `opcode`.
    livekit::SignalResponse wait(livekit::SignalResponse::MessageCase kind, int* opcode = nullptr) {
        for (Frame frame = read(); is_on(frame); frame = read()) {
            livekit::SignalResponse response;
            if (frame.opcode == kPing) continue;
            if (frame.opcode == kText)
                REQUIRE(proto::parse_json(frame.payload, response));
            else
                REQUIRE(response.ParseFromString(frame.payload));
            if (opcode != nullptr) *opcode = frame.opcode;
            if (response.message_case() == kind) return response;
        }
        return {};
    }
    int close_code() {
        Frame frame = read();
        while (is_on(frame))
            frame = read();
        return frame.opcode == kClose && frame.payload.size() >= 2
                   ? load_be16(as_bytes(frame.payload).data())
                   : 0;
    }

  private:
    static bool is_on(const Frame& frame) {
        return frame.opcode == kText || frame.opcode == kBinary || frame.opcode == kPing;
    }
    net::RawClient raw_;
};

}  // namespace confab::control
