// Digests: published answers, and independence of how the bytes arrive.
#include "base/digest.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/errors.h"

namespace ppr {
namespace {

std::string DigestOf(const std::string& text) { return DigestOfBytes(text.data(), text.size()); }

// XXH3-128 with seed 0, as xxhsum prints them. A change here would make every checkpoint and dataset look
// altered.
TEST(Digest, KnownAnswers) {
  EXPECT_EQ(DigestOf(""), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(DigestOf("a"), "a96faf705af16834e6c632b61e964e1f");
  EXPECT_EQ(DigestOf("abc"), "06b05ab6733a618578af5f94892f3950");
}

TEST(Digest, IsTheSameForAnySplit) {
  std::string bytes(1000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 % 251);
  for (const size_t step : {size_t{1}, size_t{7}, size_t{240}, size_t{999}}) {
    Digester digester;
    for (size_t at = 0; at < bytes.size(); at += step)
      digester.Update(bytes.data() + at, std::min(step, bytes.size() - at));
    EXPECT_EQ(digester.Hex(), DigestOf(bytes)) << step;
  }
}

TEST(Digest, HexMayBeReadInBetween) {
  Digester digester;
  digester.Update("a", 1);
  EXPECT_EQ(digester.Hex(), DigestOf("a"));
  digester.Update("bc", 2);
  EXPECT_EQ(digester.Hex(), DigestOf("abc"));
}

TEST(Digest, SeesEveryBit) {
  std::string bytes(64, 'x');
  const std::string before = DigestOf(bytes);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_NE(DigestOf(flipped), before) << bit;
  }
}

TEST(Digest, OfAFileIsThatOfItsBytes) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("ppr_digest_" + std::to_string(getpid()))).string();
  // Past the 1 MiB that are read at once.
  const std::string bytes((size_t{1} << 20) + 17, 'q');
  std::ofstream(path, std::ios::binary) << bytes;
  size_t size_bytes = 0;
  EXPECT_EQ(DigestOfFile(path, &size_bytes), DigestOf(bytes));
  EXPECT_EQ(size_bytes, bytes.size());
  std::filesystem::remove(path);
}

TEST(Digest, OfAFileIsGivenUpOnRequest) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(DigestOfFile("/dev/zero", nullptr, stop.get_token()), "");  // which has no end
}

TEST(Digest, AFileThatCannotBeReadIsAStorageError) {
  EXPECT_THROW(DigestOfFile("/no/such/file"), StorageError);
  EXPECT_THROW(DigestOfFile("/tmp"), StorageError);
}

}  // namespace
}  // namespace ppr
