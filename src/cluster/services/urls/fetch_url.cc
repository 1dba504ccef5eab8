// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/urls/fetch_url.h"

#include <algorithm>
#include <cctype>

#include "base/net_address.h"
#include "base/text.h"

namespace confab::cluster::services {
namespace {

using Text = Result<std::string, std::string>;

// What stands in each part as it is, beside letters, digits and "-_.~".
constexpr std::string_view kInPath = "$&+,/:;=@";
constexpr std::string_view kInFragment = "!$&()*+,/:;=?@";
constexpr std::string_view kInUser = "$&+,;=";
constexpr std::string_view kInHost = "!\"$&'()*+,:;<=>[]";
// What a path or fragment may have been sent with, so that nothing of it is changed.
constexpr std::string_view kLeftAlone = "!$&'()*+,:;=@[]%";

bool is_one_of(char c, std::string_view set) {
    return set.find(c) != set.npos;
}
bool is_plain(char c) {
    const auto octet = static_cast<unsigned char>(c);
    return octet < 0x80 && (std::isalnum(octet) != 0 || is_one_of(c, "-_.~"));
}
bool is_hex(char c) {
    return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}
int hex_value(char c) {
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}
char hex_pair(std::string_view escape) {
    return static_cast<char>(hex_value(escape[1]) * 16 + hex_value(escape[2]));
}

// Percent signs have two digits behind them, or stay as they are.
std::string decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_escape = text[i] == '%' && i + 2 < text.size();
        out.push_back(is_escape ? hex_pair(text.substr(i)) : text[i]);
        if (is_escape) i += 2;
    }
    return out;
}

std::string escaped(std::string_view text, std::string_view kept) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        if (is_plain(c) || is_one_of(c, kept)) {
            out.push_back(c);
            continue;
        }
        const auto octet = static_cast<unsigned char>(c);
        out.append({'%', kDigits[octet >> 4], kDigits[octet & 15]});
    }
    return out;
}

// A percent sign without two digits behind it.
std::string_view bad_escape(std::string_view text) {
    for (std::size_t i = text.find('%'); i != text.npos; i = text.find('%', i + 1))
        if (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2]))
            return text.substr(i, 3);
    return {};
}
auto escape_fault(std::string_view escape) {
    return fail("invalid URL escape \"" + std::string(escape) + "\"");
}

// Of a path or a fragment.
Text rewritten(std::string_view text, std::string_view kept) {
    if (const std::string_view bad = bad_escape(text); !bad.empty()) return escape_fault(bad);
    const bool is_sound = std::all_of(text.begin(), text.end(), [kept](char c) {
        return is_plain(c) || is_one_of(c, kept) || is_one_of(c, kLeftAlone);
    });
    return is_sound ? std::string(text) : escaped(decoded(text), kept);
}

// ---------------------------------------------------------------- host

// In a name only octets beyond ASCII may be escaped; in the zone of an address whatever a name may
// have, and a space.
bool may_escape(std::string_view escape, bool in_zone) {
    const char c = hex_pair(escape);
    if (c == '%') return true;
    if (!in_zone) return (static_cast<unsigned char>(c) & 0x80) != 0;
    return c == ' ' || is_plain(c) || is_one_of(c, kInHost);
}

Text decoded_host(std::string_view host, bool in_zone = false) {
    if (const std::string_view bad = bad_escape(host); !bad.empty()) return escape_fault(bad);
    for (std::size_t i = 0; i < host.size(); ++i) {
        const char c = host[i];
        if (c == '%') {
            const std::string_view escape = host.substr(i, 3);
            if (!may_escape(escape, in_zone)) return escape_fault(escape);
            i += 2;
        } else if (static_cast<unsigned char>(c) < 0x80 && !is_plain(c) && !is_one_of(c, kInHost)) {
            return fail("invalid character \"" + std::string(1, c) + "\" in host name");
        }
    }
    return decoded(host);
}

// Empty, or a colon and digits.
Result<void, std::string> check_port(std::string_view port) {
    const bool is_one = port.empty() || (port.front() == ':' &&
                                         port.find_first_not_of("0123456789", 1) == port.npos);
    if (is_one) return {};
    return fail("invalid port \"" + std::string(port) + "\" after host");
}

// An IPv6 address in brackets, with or without a zone.
Text written_literal(std::string_view host) {
    const std::size_t end = host.rfind(']');
    if (end == host.npos) return fail(std::string("missing ']' in host"));
    CONFAB_TRY_VOID(check_port(host.substr(end + 1)));
    const std::string_view inside = host.substr(1, end - 1);
    const std::size_t zone_at = std::min(inside.find("%25"), inside.size());
    CONFAB_TRY(const std::string address, decoded_host(inside.substr(0, zone_at)));
    CONFAB_TRY(const std::string zone, decoded_host(inside.substr(zone_at), true));
    const auto parsed = IpAddress::parse(address);
    if (!parsed || zone == "%") return fail("invalid host: no IPv6 address: " + address + zone);
    if (parsed->is_v4()) return fail(std::string("invalid IP-literal"));
    return escaped("[" + address + zone + "]" + std::string(host.substr(end + 1)), kInHost);
}

Text written_host(std::string_view scheme, std::string_view host) {
    if (const std::size_t open = host.rfind('['); open == 0)
        return written_literal(host);
    else if (open != host.npos)
        return fail(std::string("invalid IP-literal"));
    // Several hosts with ports are no concern of HTTP's.
    const std::size_t colon = scheme == "srt" ? host.rfind(':') : host.find(':');
    if (colon != host.npos) CONFAB_TRY_VOID(check_port(host.substr(colon)));
    CONFAB_TRY(const std::string name, decoded_host(host));
    return escaped(name, kInHost);
}

// With the '@'.
Text written_user(std::string_view user) {
    const bool is_sound = std::all_of(user.begin(), user.end(), [](char c) {
        return is_plain(c) || is_one_of(c, ":!$&'()*+,;=%@");
    });
    if (!is_sound) return fail(std::string("net/url: invalid userinfo"));
    if (const std::string_view bad = bad_escape(user); !bad.empty()) return escape_fault(bad);
    const std::size_t colon = user.find(':');
    std::string written = escaped(decoded(user.substr(0, colon)), kInUser);
    if (colon != user.npos) written += ":" + escaped(decoded(user.substr(colon + 1)), kInUser);
    return written + "@";
}

// What stands behind the scheme, without query and fragment.
Text written_place(std::string_view scheme, std::string_view place) {
    if (!place.starts_with('/') && !scheme.empty()) return std::string(place);
    std::string out;
    if (place.starts_with("//")) {
        const std::size_t end = std::min(place.find('/', 2), place.size());
        const std::string_view authority = place.substr(2, end - 2);
        const std::size_t at = authority.rfind('@');
        CONFAB_TRY(const std::string host,
                   written_host(scheme, authority.substr(at == authority.npos ? 0 : at + 1)));
        if (at != authority.npos) {
            CONFAB_TRY(out, written_user(authority.substr(0, at)));
        }
        out += host;
        place = place.substr(end);
        if (!out.empty() || !place.empty()) out.insert(0, "//");
    }
    CONFAB_TRY(const std::string path, rewritten(place, kInPath));
    return out + path;
}

// ---------------------------------------------------------------- the whole

std::string scheme_of(std::string_view url) {
    const std::size_t colon = url.find(':');
    if (colon == url.npos || std::isalpha(static_cast<unsigned char>(url.front())) == 0) return {};
    const std::string_view scheme = url.substr(0, colon);
    const bool is_one = std::all_of(scheme.begin(), scheme.end(), [](char c) {
        return is_plain(c) ? !is_one_of(c, "_~") : c == '+';
    });
    return is_one ? to_lower(scheme) : std::string();
}

// Up to the fragment.
Text written(std::string_view url) {
    if (url.starts_with(':')) return fail(std::string("missing protocol scheme"));
    const std::string scheme = scheme_of(url);
    const std::string_view rest = url.substr(scheme.empty() ? 0 : scheme.size() + 1);
    const std::size_t query = std::min(rest.find('?'), rest.size());
    CONFAB_TRY(const std::string place, written_place(scheme, rest.substr(0, query)));
    return (scheme.empty() ? "" : scheme + ":") + place + std::string(rest.substr(query));
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7F;
    });
}

}  // namespace

Result<std::string, std::string> fetch_url(std::string_view url) {
    if (url.empty()) return fail(std::string("invalid ingress: missing URL parameter"));
    const std::string_view whole = url.substr(0, url.find('#'));
    if (has_control(whole)) return fail(std::string("parse URL: invalid control character in URL"));
    const auto of = [](std::string_view part, const std::string& fault) {
        return fail("parse \"" + std::string(part) + "\": " + fault);
    };
    auto result = written(whole);
    if (!result) return of(whole, result.error());
    const auto fragment =
        rewritten(url.substr(std::min(whole.size() + 1, url.size())), kInFragment);
    if (!fragment) return of(url, fragment.error());
    const std::string scheme = scheme_of(whole);
    if (scheme != "http" && scheme != "https" && scheme != "srt")
        return fail("invalid ingress: invalid url scheme " + scheme);
    if (!fragment->empty()) *result += "#" + *fragment;
    return result;
}

}  // namespace confab::cluster::services
