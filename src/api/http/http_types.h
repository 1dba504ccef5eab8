// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The few HTTP values that pass between the pure api layer and the listener.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace confab::api {

// A refusal outside Twirp: status and the exact text/plain body (01 CON-07).
struct HttpError {
    int status = 500;
    std::string text;
    bool operator==(const HttpError&) const = default;
};

struct HttpHeader {
    std::string name;
    std::string value;
    bool operator==(const HttpHeader&) const = default;
};

struct HttpResponse {
    int status = 200;
    std::vector<HttpHeader> headers;  // without Content-Length, Date, Connection
    std::string body;
};

inline constexpr std::string_view kTextPlain = "text/plain; charset=utf-8";
inline constexpr std::string_view kApplicationJson = "application/json";
inline constexpr std::string_view kApplicationProtobuf = "application/protobuf";

// The value of the first header of that name as we wrote it; empty if there is none.
inline std::string_view find_header(const HttpResponse& response, std::string_view name) {
    for (const HttpHeader& header : response.headers)
        if (header.name == name) return header.value;
    return {};
}

inline HttpResponse text_response(int status, std::string text) {
    return {status, {{"Content-Type", std::string(kTextPlain)}}, std::move(text)};
}
inline HttpResponse to_response(const HttpError& error) {
    return text_response(error.status, error.text);
}
// For paths that are not there; the only text with a newline at its end (01 CON-07).
inline HttpResponse not_found_page() {
    HttpResponse response = text_response(404, "404 page not found\n");
    response.headers.push_back({"X-Content-Type-Options", "nosniff"});
    return response;
}

}  // namespace confab::api
