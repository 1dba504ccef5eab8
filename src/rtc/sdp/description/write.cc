// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Descriptions as text, in the order of lines of 02 SDP-01.
#include "rtc/sdp/description/description.h"

namespace confab::sdp {
namespace {

class Writer {
  public:
    template <typename... Parts>
    void line(const Parts&... parts) {
        (out_.append(std::string_view(parts)), ...);
        out_.append("\r\n");
    }
    std::string take() { return std::move(out_); }

  private:
    std::string out_;
};

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
    std::string out;
    for (const std::string& part : parts) {
        if (!out.empty()) out.append(separator);
        out.append(part);
    }
    return out;
}

void write_transport(const std::string& ufrag, const std::string& pwd,
                     const std::vector<Fingerprint>& fingerprints, Writer& w) {
    if (!ufrag.empty()) w.line("a=ice-ufrag:", ufrag);
    if (!pwd.empty()) w.line("a=ice-pwd:", pwd);
    for (const Fingerprint& f : fingerprints)
        w.line("a=fingerprint:", f.algorithm, " ", f.value);
}

std::string format_list(const MediaSection& section) {
    if (!section.is_rtp()) return section.formats.empty() ? "0" : join(section.formats, " ");
    std::string out;
    for (const Codec& codec : section.codecs) {
        if (!out.empty()) out.push_back(' ');
        out.append(std::to_string(codec.pt));
    }
    return out.empty() ? "0" : out;
}

void write_codec(const Codec& codec, Writer& w) {
    const std::string pt = std::to_string(codec.pt);
    std::string encoding = codec.name + "/" + std::to_string(codec.clock_rate);
    if (codec.channels != 0) encoding += "/" + std::to_string(codec.channels);
    w.line("a=rtpmap:", pt, " ", encoding);
    if (!codec.fmtp.empty()) w.line("a=fmtp:", pt, " ", codec.fmtp);
    for (const std::string& value : codec.feedback)
        w.line("a=rtcp-fb:", pt, " ", value);
}

void write_ssrc(const SsrcInfo& info, Writer& w) {
    const std::string head = "a=ssrc:" + std::to_string(info.ssrc) + " ";
    w.line(head, "cname:", info.cname);
    if (info.msid.stream.empty()) return;
    w.line(head, "msid:", info.msid.stream, " ", info.msid.track);
    w.line(head, "mslabel:", info.msid.stream);
    w.line(head, "label:", info.msid.track);
}

void write_ssrcs(const MediaSection& section, Writer& w) {
    for (const SsrcGroup& group : section.ssrc_groups) {
        std::string list;
        for (const std::uint32_t ssrc : group.ssrcs)
            list += " " + std::to_string(ssrc);
        w.line("a=ssrc-group:", group.semantics, list);
    }
    for (const SsrcInfo& info : section.ssrcs)
        write_ssrc(info, w);
}

void write_simulcast(const MediaSection& section, Writer& w) {
    for (const std::string& rid : section.send_rids)
        w.line("a=rid:", rid, " send");
    for (const std::string& rid : section.recv_rids)
        w.line("a=rid:", rid, " recv");
    std::string value;
    if (!section.simulcast_send.empty()) value = "send " + join(section.simulcast_send, ";");
    if (!section.simulcast_recv.empty()) {
        if (!value.empty()) value += " ";
        value += "recv " + join(section.simulcast_recv, ";");
    }
    if (!value.empty()) w.line("a=simulcast:", value);
}

void write_rtp(const MediaSection& section, Writer& w) {
    for (const Codec& codec : section.codecs)
        write_codec(codec, w);
    for (const ExtMap& ext : section.extensions)
        w.line("a=extmap:", std::to_string(ext.id), " ", ext.uri);
    if (section.msid) w.line("a=msid:", section.msid->stream, " ", section.msid->track);
    write_ssrcs(section, w);
    write_simulcast(section, w);
}

void write_section(const MediaSection& section, Writer& w) {
    w.line("m=", section.media, " ", std::to_string(section.port), " ", section.protocol, " ",
           format_list(section));
    if (!section.connection.empty()) w.line("c=", section.connection);
    if (section.setup) w.line("a=setup:", to_text(*section.setup));
    if (!section.mid.empty()) w.line("a=mid:", section.mid);
    if (section.bundle_only) w.line("a=bundle-only");
    w.line("a=", to_text(section.direction));
    write_transport(section.ufrag, section.pwd, section.fingerprints, w);
    if (section.rtcp_mux) w.line("a=rtcp-mux");
    if (section.rtcp_rsize) w.line("a=rtcp-rsize");
    if (section.is_rtp()) write_rtp(section, w);
    if (section.sctp_port) w.line("a=sctp-port:", std::to_string(*section.sctp_port));
    if (section.max_message_size)
        w.line("a=max-message-size:", std::to_string(*section.max_message_size));
    for (const std::string& candidate : section.candidates)
        w.line("a=candidate:", candidate);
    if (section.end_of_candidates) w.line("a=end-of-candidates");
}

}  // namespace

std::string write(const Description& description) {
    Writer w;
    w.line("v=0");
    w.line("o=", description.origin);
    w.line("s=-");
    w.line("t=0 0");
    if (!description.msid_semantic.empty()) w.line("a=msid-semantic:", description.msid_semantic);
    write_transport(description.ufrag, description.pwd, description.fingerprints, w);
    if (description.setup) w.line("a=setup:", to_text(*description.setup));
    if (description.ice_lite) w.line("a=ice-lite");
    if (description.extmap_allow_mixed) w.line("a=extmap-allow-mixed");
    if (description.bundle) {
        const std::string mids = join(*description.bundle, " ");
        w.line("a=group:BUNDLE", mids.empty() ? "" : " ", mids);
    }
    for (const MediaSection& section : description.sections)
        write_section(section, w);
    return w.take();
}

}  // namespace confab::sdp
