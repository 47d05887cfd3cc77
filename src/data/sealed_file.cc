#include "data/sealed_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/durable_file.h"
#include "base/errors.h"

namespace ppr::data {
namespace {

constexpr char kAdvice[] = ". Make the file again with ppr prepare.";

// "ppr.dataset xxh3-128:<digest> bytes:<size>\n", zero-padded.
std::string HeadOf(const std::string& format, const std::string& digest, int64_t size_bytes) {
  std::string head = format + " xxh3-128:" + digest + " bytes:" + std::to_string(size_bytes) + "\n";
  head.resize(kSealBytes, '\0');
  return head;
}

struct FileContents {
  std::string head;
  int64_t rest_bytes = 0;
  std::string rest_digest, whole_digest;
};

FileContents ReadContents(const std::string& path) {
  const FileDescriptor file = OpenForReading(path);
  FileContents contents;
  Digester rest, whole;
  std::vector<char> buffer(size_t{1} << 20);
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0) throw StorageErrorFromErrno("cannot read", path);
    if (got == 0) break;
    std::string_view bytes(buffer.data(), static_cast<size_t>(got));
    whole.Update(bytes.data(), bytes.size());
    const size_t to_head = std::min(bytes.size(), static_cast<size_t>(kSealBytes) - contents.head.size());
    contents.head.append(bytes.substr(0, to_head));
    bytes.remove_prefix(to_head);
    rest.Update(bytes.data(), bytes.size());
    contents.rest_bytes += static_cast<int64_t>(bytes.size());
  }
  contents.rest_digest = rest.Hex();
  contents.whole_digest = whole.Hex();
  return contents;
}

}  // namespace

void SealFile(const std::string& path, const std::string& format) {
  const FileContents contents = ReadContents(path);
  const std::string head = HeadOf(format, contents.rest_digest, contents.rest_bytes);
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid()) throw StorageErrorFromErrno("cannot open", path);
  const ssize_t wrote = ::pwrite(file.get(), head.data(), head.size(), 0);
  if (wrote < 0) throw StorageErrorFromErrno("cannot write", path);
  if (wrote != kSealBytes)
    throw StorageError("cannot write the head of " + path + ": the write was cut short");
  if (::fsync(file.get()) != 0) throw StorageErrorFromErrno("cannot sync", path);
  if (::close(file.Release()) != 0) throw StorageErrorFromErrno("cannot close", path);
}

std::string CheckSeal(const std::string& path, const std::string& format) {
  const FileContents contents = ReadContents(path);
  if (!contents.head.starts_with(format + " ")) {
    throw DataError(path + ": expected a file that begins with \"" + format +
                    "\", found another kind of file" + kAdvice);
  }
  if (contents.head == HeadOf(format, contents.rest_digest, contents.rest_bytes))
    return contents.whole_digest;
  throw DataError(path + ": expected \"" + contents.head.substr(0, contents.head.find('\n')) +
                  "\", as its head says, found " + "xxh3-128:" + contents.rest_digest + " bytes:" +
                  std::to_string(contents.rest_bytes) + ". The file was cut, altered or damaged" + kAdvice);
}

}  // namespace ppr::data
