// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Beast's incremental parser of HTTP/1 messages, filling our own values with our own limits.
// Included by .cc files only.
#pragma once

// clang-format off: it sets the macros of every Boost header after it.
#include "runtime/net/asio.h"
// clang-format on

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include "runtime/net/http/http_message.h"

namespace confab::net {

namespace beast = boost::beast;

struct ParserLimits {
    std::size_t header_bytes = 64 * 1024;
    std::size_t header_count = 1000;
    std::size_t body_bytes = 1024 * 1024;
};

// What a request and a response have in common. A body beyond the limit ends in the error
// beast::http::error::body_limit, with its beginning kept.
template <bool kIsRequest>
class MessageParser : public beast::http::basic_parser<kIsRequest> {
  public:
    using Base = beast::http::basic_parser<kIsRequest>;

    explicit MessageParser(const ParserLimits& limits) : limits_(limits) {
        this->header_limit(static_cast<std::uint32_t>(limits.header_bytes));
        this->body_limit(boost::none);  // ours is in append()
    }

    // Feeds what has been received; consumed bytes leave the buffer. need_more is no error.
    ErrorCode feed(beast::flat_buffer& buffer) {
        ErrorCode error;
        buffer.consume(this->put(buffer.data(), error));
        if (error == beast::http::error::need_more) error = {};
        return error;
    }

    std::string method, target, body;
    HttpHeaders headers;
    int status = 0;
    int version_number = 11;
    std::size_t header_memory = 0;

  private:
    void on_request_impl(beast::http::verb, beast::string_view method_text, beast::string_view text,
                         int version, ErrorCode&) override {
        method = std::string_view(method_text);
        target = std::string_view(text);
        version_number = version;
    }
    void on_response_impl(int code, beast::string_view, int version, ErrorCode&) override {
        status = code;
        version_number = version;
    }
    void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value,
                       ErrorCode& error) override {
        if (header_done_) return;  // trailers are of no use to us
        if (headers.size() >= limits_.header_count) {
            error = beast::http::error::header_limit;
            return;
        }
        header_memory += name.size() + value.size() + sizeof(HttpHeader);
        headers.add(std::string(name), std::string(value));
    }
    void on_header_impl(ErrorCode&) override { header_done_ = true; }
    void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) override {}
    std::size_t on_body_impl(beast::string_view part, ErrorCode& error) override {
        return append(part, error);
    }
    void on_chunk_header_impl(std::uint64_t, beast::string_view, ErrorCode&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view part,
                                   ErrorCode& error) override {
        return append(part, error);
    }
    void on_finish_impl(ErrorCode&) override {}

    std::size_t append(std::string_view part, ErrorCode& error) {
        const std::size_t room = limits_.body_bytes - body.size();
        if (part.size() > room) error = beast::http::error::body_limit;
        body.append(part.substr(0, room));
        return std::min(part.size(), room);
    }

    ParserLimits limits_;
    bool header_done_ = false;
};

using RequestParser = MessageParser<true>;
using ResponseParser = MessageParser<false>;

}  // namespace confab::net
