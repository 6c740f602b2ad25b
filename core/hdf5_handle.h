#pragma once

#include <hdf5.h>

#include <cstdint>
#include <type_traits>
#include <utility>

namespace swipegym {

/// HDF5 prints its error stack to stderr by default; the program prints one line of its own instead. The host
/// application's handler comes back with the destructor. For sources that call HDF5 themselves.
class Hdf5Silence {
 public:
  Hdf5Silence() {
    // A file whose disk was full cannot be closed; HDF5's clean-up at exit would crash on it. We close what we open.
    [[maybe_unused]] static const herr_t once = H5dont_atexit();
    H5Eget_auto2(H5E_DEFAULT, &function_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  ~Hdf5Silence() { H5Eset_auto2(H5E_DEFAULT, function_, data_); }
  Hdf5Silence(const Hdf5Silence&) = delete;
  Hdf5Silence& operator=(const Hdf5Silence&) = delete;

 private:
  H5E_auto2_t function_ = nullptr;
  void* data_ = nullptr;
};

/// Owns an HDF5 identifier of any kind.
class Hdf5Handle {
 public:
  explicit Hdf5Handle(hid_t id = -1) noexcept : id_(id) {}
  ~Hdf5Handle() {
    if (id_ < 0) return;
    const Hdf5Silence silence;  // closing fails, too, when the disk is full
    H5Idec_ref(id_);
  }
  Hdf5Handle(Hdf5Handle&& other) noexcept : id_(std::exchange(other.id_, -1)) {}
  Hdf5Handle& operator=(Hdf5Handle&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  hid_t get() const noexcept { return id_; }
  explicit operator bool() const noexcept { return id_ >= 0; }

 private:
  hid_t id_;
};

/// The HDF5 type of a number in memory.
template <class T>
hid_t hdf5_type() {
  if constexpr (std::is_same_v<T, float>) {
    return H5T_NATIVE_FLOAT;
  } else if constexpr (std::is_same_v<T, double>) {
    return H5T_NATIVE_DOUBLE;
  } else if constexpr (std::is_signed_v<T>) {
    if constexpr (sizeof(T) == 1) return H5T_NATIVE_INT8;
    if constexpr (sizeof(T) == 2) return H5T_NATIVE_INT16;
    if constexpr (sizeof(T) == 4) return H5T_NATIVE_INT32;
    return H5T_NATIVE_INT64;
  } else {
    if constexpr (sizeof(T) == 1) return H5T_NATIVE_UINT8;
    if constexpr (sizeof(T) == 2) return H5T_NATIVE_UINT16;
    if constexpr (sizeof(T) == 4) return H5T_NATIVE_UINT32;
    return H5T_NATIVE_UINT64;
  }
}

}  // namespace swipegym
