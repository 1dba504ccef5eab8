// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// OpenSSL's certificates and keys as values: a copy is one more holder of the same object, which
// never changes. OpenSSL counts the holders, whatever threads they are in.
#pragma once

#include <utility>

struct x509_st;
struct evp_pkey_st;

namespace confab::crypto {

// One more holder, or one less; of null nothing.
void hold(x509_st* certificate);
void hold(evp_pkey_st* key);
void let_go(x509_st* certificate);
void let_go(evp_pkey_st* key);

template <typename T>
class NativeHandle {
  public:
    NativeHandle() = default;
    // Takes over the caller's hold.
    explicit NativeHandle(T* object) : object_(object) {}
    NativeHandle(const NativeHandle& other) : object_(other.object_) { hold(object_); }
    NativeHandle(NativeHandle&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    NativeHandle& operator=(NativeHandle other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~NativeHandle() { let_go(object_); }

    T* get() const { return object_; }
    explicit operator bool() const { return object_ != nullptr; }

  private:
    T* object_ = nullptr;
};

using CertificateHandle = NativeHandle<x509_st>;
using KeyHandle = NativeHandle<evp_pkey_st>;

}  // namespace confab::crypto
