// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The least that any forwarder does for a packet: twelve bytes and an extension rewritten,
// AES-128-GCM out of place, UDP GSO by sendmmsg. No decision, no state beside keys and addresses.
#pragma once

#include <intel-ipsec-mb.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "base/bytes.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

namespace confab::bench {

struct FloorCounters {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    std::uint64_t runs = 0;
};

class Floor {
  public:
    static constexpr std::size_t kHeader = 12 + 8;  // with one abs-send-time
    static constexpr std::size_t kTag = 16;

    // `ports` of 127.0.0.1.
    explicit Floor(const std::vector<std::uint16_t>& ports)
        : manager_(alloc_mb_mgr(0)), fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
        init_mb_mgr_auto(manager_, nullptr);
        const int buffer = 16'777'216;
        (void)setsockopt(fd_, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer);
        destinations_.resize(ports.size());
        for (std::size_t i = 0; i < ports.size(); ++i) {
            Destination& d = destinations_[i];
            d.address.sin_family = AF_INET;
            d.address.sin_port = htons(ports[i]);
            d.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            std::array<std::uint8_t, 16> key{};
            store_be32(key.data(), static_cast<std::uint32_t>(i + 1));
            d.keys = std::make_unique<gcm_key_data>();
            IMB_AES128_GCM_PRE(manager_, key.data(), d.keys.get());
        }
        for (std::size_t i = 0; i < kMessages; ++i) {
            msghdr& header = messages_[i].msg_hdr;
            header = {};
            header.msg_namelen = sizeof(sockaddr_in);
            header.msg_iov = &buffers_[i];
            header.msg_iovlen = 1;
            header.msg_control = controls_[i].bytes.data();
            header.msg_controllen = controls_[i].bytes.size();
            cmsghdr* control = CMSG_FIRSTHDR(&header);
            control->cmsg_level = SOL_UDP;
            control->cmsg_type = UDP_SEGMENT;
            control->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
        }
    }
    ~Floor() {
        ::close(fd_);
        free_mb_mgr(manager_);
    }
    Floor(const Floor&) = delete;
    Floor& operator=(const Floor&) = delete;

    // One loop turn: every payload to every destination, as few sends as lengths allow.
    void turn(const std::vector<BytesView>& payloads) {
        ++sequence_base_;
        for (Destination& d : destinations_) {
            for (std::size_t i = 0; i < payloads.size(); ++i)
                packet(d, payloads[i], i);
            open_ = false;
            if (used_ + kArenaReserve > kArena || count_ + payloads.size() > kMessages) flush();
        }
        flush();
    }
    // Without sending, for the breakdown.
    void set_dry(bool rewrite_only, bool send) { rewrite_only_ = rewrite_only, send_ = send; }
    const FloorCounters& counters() const { return counters_; }
    // What it sends by; who binds it may receive by it.
    int socket() const { return fd_; }

  private:
    static constexpr std::size_t kMessages = 64;
    static constexpr std::size_t kArena = 256 * 1024;
    static constexpr std::size_t kArenaReserve = 24 * 1024;

    struct Destination {
        sockaddr_in address{};
        std::unique_ptr<gcm_key_data> keys;
        std::uint16_t sequence = 0;
        std::uint32_t ssrc = 5000;
    };

    void packet(Destination& d, BytesView payload, std::size_t track) {
        std::uint8_t* const out = &arena_[used_];
        const std::uint16_t sequence = d.sequence++;
        const auto ssrc = static_cast<std::uint32_t>(d.ssrc + track);
        out[0] = 0x90;
        out[1] = 96;
        store_be16(out + 2, sequence);
        store_be32(out + 4, static_cast<std::uint32_t>(sequence_base_ * 3000));
        store_be32(out + 8, ssrc);
        store_be32(out + 12, 0xBEDE0001);
        store_be32(out + 16, 0x32000000 | static_cast<std::uint32_t>(sequence_base_ & 0xFFFFFF));
        if (!rewrite_only_) {
            alignas(16) std::array<std::uint8_t, 16> iv{};
            store_be32(&iv[2], ssrc);
            store_be32(&iv[8], sequence);
            gcm_context_data context;
            IMB_AES128_GCM_ENC(manager_, d.keys.get(), &context, out + kHeader, payload.data(),
                               payload.size(), iv.data(), out, kHeader,
                               out + kHeader + payload.size(), kTag);
        }
        add(d, kHeader + payload.size() + kTag);
    }
    void add(const Destination& d, std::size_t size) {
        ++counters_.packets;
        counters_.bytes += size;
        if (open_ && size <= segment_) {
            buffers_[count_ - 1].iov_len += size;
            open_ = size == segment_;
        } else {
            buffers_[count_] = {&arena_[used_], size};
            messages_[count_].msg_hdr.msg_name = const_cast<sockaddr_in*>(&d.address);
            segment_ = size;
            const auto segment = static_cast<std::uint16_t>(size);
            std::memcpy(CMSG_DATA(CMSG_FIRSTHDR(&messages_[count_].msg_hdr)), &segment,
                        sizeof segment);
            ++count_;
            open_ = true;
        }
        used_ += size;
    }
    void flush() {
        counters_.runs += count_;
        for (std::size_t done = 0; send_ && done < count_;) {
            const int sent =
                ::sendmmsg(fd_, &messages_[done], static_cast<unsigned>(count_ - done), 0);
            done += sent > 0 ? static_cast<std::size_t>(sent) : 1;
        }
        count_ = used_ = 0;
        open_ = false;
    }

    IMB_MGR* manager_;
    int fd_;
    std::vector<Destination> destinations_;
    std::unique_ptr<std::uint8_t[]> arena_ = std::make_unique<std::uint8_t[]>(kArena);
    std::array<mmsghdr, kMessages> messages_{};
    std::array<iovec, kMessages> buffers_{};
    struct alignas(cmsghdr) Control {
        std::array<std::uint8_t, CMSG_SPACE(sizeof(std::uint16_t))> bytes{};
    };
    std::array<Control, kMessages> controls_{};
    std::size_t count_ = 0;
    std::size_t used_ = 0;
    std::size_t segment_ = 0;
    std::uint64_t sequence_base_ = 0;
    bool open_ = false;
    bool rewrite_only_ = false;
    bool send_ = true;
    FloorCounters counters_;
};

}  // namespace confab::bench
