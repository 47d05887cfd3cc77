#include "data/input/arrow_input.h"

#include <arrow/buffer.h>
#include <arrow/io/compressed.h>
#include <arrow/io/file.h>
#include <arrow/status.h>
#include <arrow/util/compression.h>

#include <filesystem>

#include "base/durable_file.h"
#include "base/errors.h"

namespace ppr::data {
namespace {

constexpr int64_t kFirstBytes = 1 << 16;
constexpr const char* kCompressedEndings[] = {".gz", ".zst"};

// A missing file is named with the system's reason; a folder or an empty file opens well and would fail less
// clearly.
void CheckReadable(const std::string& path) {
  const FileDescriptor file = OpenForReading(path);
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error) && std::filesystem::is_directory(path, error)) {
    throw DataError(path + ": expected a file, found a folder");
  }
  if (std::filesystem::is_regular_file(path, error) && std::filesystem::file_size(path, error) == 0) {
    throw DataError(path + ": expected data, found an empty file");
  }
}

}  // namespace

void ThrowIfFailed(const arrow::Status& status, const std::string& path, const std::string& what) {
  if (!status.ok()) throw DataError(path + ": " + what + ": " + status.message());
}

std::string WithoutCompression(const std::string& path) {
  for (const std::string ending : kCompressedEndings) {
    if (path.ends_with(ending)) return path.substr(0, path.size() - ending.size());
  }
  return path;
}

std::string_view WithoutByteOrderMark(std::string_view text) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  return text.starts_with(kMark) ? text.substr(kMark.size()) : text;
}

std::shared_ptr<arrow::io::InputStream> OpenInput(const std::string& path) {
  CheckReadable(path);
  auto file = arrow::io::ReadableFile::Open(path);
  ThrowIfFailed(file.status(), path, "cannot open");
  if (WithoutCompression(path) == path) return *file;
  const auto kind = path.ends_with(".gz") ? arrow::Compression::GZIP : arrow::Compression::ZSTD;
  auto codec = arrow::util::Codec::Create(kind);
  ThrowIfFailed(codec.status(), path, "cannot decompress");
  // The stream keeps only a pointer to the codec, so both live and die together.
  struct Owner {
    std::unique_ptr<arrow::util::Codec> codec;
    std::shared_ptr<arrow::io::CompressedInputStream> stream;
  };
  auto owner = std::make_shared<Owner>();
  owner->codec = std::move(*codec);
  auto stream = arrow::io::CompressedInputStream::Make(owner->codec.get(), *file);
  ThrowIfFailed(stream.status(), path, "cannot decompress");
  owner->stream = *stream;
  return {owner, owner->stream.get()};
}

std::string FirstLine(const std::string& path) {
  const auto first = OpenInput(path)->Read(kFirstBytes);
  ThrowIfFailed(first.status(), path, "cannot read");
  const std::string_view text = WithoutByteOrderMark(static_cast<std::string_view>(**first));
  return std::string(text.substr(0, text.find_first_of("\r\n")));
}

}  // namespace ppr::data
