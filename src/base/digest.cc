#include "base/digest.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <cstdio>
#include <vector>

#include "base/durable_file.h"
#include "base/errors.h"

namespace ppr {

struct Digester::State {
  XXH3_state_t* xxh = nullptr;
};

namespace {

std::string HexOf(XXH128_hash_t hash) {
  char text[33];
  std::snprintf(text, sizeof(text), "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return text;
}

}  // namespace

Digester::Digester() : state_(std::make_unique<State>()) {
  state_->xxh = XXH3_createState();
  PPR_BUG_IF_NOT(state_->xxh != nullptr, "XXH3_createState failed: out of memory");
  PPR_BUG_IF_NOT(XXH3_128bits_reset(state_->xxh) == XXH_OK, "XXH3_128bits_reset failed");
}

Digester::~Digester() { XXH3_freeState(state_->xxh); }

void Digester::Update(const void* bytes, size_t size_bytes) {
  PPR_BUG_IF_NOT(XXH3_128bits_update(state_->xxh, bytes, size_bytes) == XXH_OK, "XXH3_128bits_update failed");
}

std::string Digester::Hex() const { return HexOf(XXH3_128bits_digest(state_->xxh)); }

std::string DigestOfBytes(const void* bytes, size_t size_bytes) {
  return HexOf(XXH3_128bits(bytes, size_bytes));
}

std::string DigestOfFile(const std::string& path, size_t* size_bytes, const std::stop_token& stop) {
  FileDescriptor file = OpenForReading(path);
  std::vector<char> buffer(size_t{1} << 20);
  Digester digester;
  size_t total_bytes = 0;
  for (;;) {
    if (stop.stop_requested()) return "";
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0) throw StorageErrorFromErrno("cannot read", path);
    if (got == 0) break;
    digester.Update(buffer.data(), static_cast<size_t>(got));
    total_bytes += static_cast<size_t>(got);
  }
  if (size_bytes != nullptr) *size_bytes = total_bytes;
  return digester.Hex();
}

}  // namespace ppr
