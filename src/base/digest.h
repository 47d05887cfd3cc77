// 128-bit digests (XXH3-128) of bytes: integrity of files and equality of state, not security.
#pragma once

#include <cstddef>
#include <memory>
#include <stop_token>
#include <string>

namespace ppr {

// Incremental digest. Not copyable; one thread at a time.
class Digester {
 public:
  Digester();
  ~Digester();
  Digester(const Digester&) = delete;
  Digester& operator=(const Digester&) = delete;

  void Update(const void* bytes, size_t size_bytes);
  // 32 lower-case hex digits of everything fed so far.
  std::string Hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string DigestOfBytes(const void* bytes, size_t size_bytes);
// Streams the file. Throws StorageError when it cannot be read. `size_bytes` (optional) receives the bytes
// read. Returns "" soon after `stop` was asked for.
std::string DigestOfFile(const std::string& path, size_t* size_bytes = nullptr,
                         const std::stop_token& stop = {});

}  // namespace ppr
