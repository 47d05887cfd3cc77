// Owner of one C handle (HDF5 id, file descriptor, MPI object): move-only, no heap, closes in a noexcept
// destructor.
//
// Traits: `using Type`, `static Type Invalid() noexcept`, `static void Close(Type) noexcept` (logs failures
// itself).
#pragma once

#include <utility>

namespace ppr {

template <typename Traits>
class UniqueHandle {
 public:
  using Type = typename Traits::Type;

  UniqueHandle() noexcept = default;
  explicit UniqueHandle(Type handle) noexcept : handle_(handle) {}
  UniqueHandle(UniqueHandle&& other) noexcept : handle_(other.Release()) {}
  UniqueHandle& operator=(UniqueHandle&& other) noexcept {
    if (this != &other) {
      Reset();
      handle_ = other.Release();
    }
    return *this;
  }
  UniqueHandle(const UniqueHandle&) = delete;
  UniqueHandle& operator=(const UniqueHandle&) = delete;
  ~UniqueHandle() { Reset(); }

  Type get() const noexcept { return handle_; }
  bool valid() const noexcept { return handle_ != Traits::Invalid(); }
  // Gives up ownership, for callers that must see the result of closing.
  [[nodiscard]] Type Release() noexcept { return std::exchange(handle_, Traits::Invalid()); }
  void Reset() noexcept {
    if (valid()) Traits::Close(Release());
  }

 private:
  Type handle_ = Traits::Invalid();
};

}  // namespace ppr
