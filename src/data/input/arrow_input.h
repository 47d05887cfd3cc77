// Opening of raw files, plain or compressed, for the importers. Arrow's own headers stay in .cc files.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace arrow {
class Status;
namespace io {
class InputStream;
}  // namespace io
}  // namespace arrow

namespace ppr::data {

// The bytes of `path`, decompressed when its name ends in .gz or .zst. StorageError when it cannot be opened,
// DataError when it is empty or a folder.
std::shared_ptr<arrow::io::InputStream> OpenInput(const std::string& path);

// Throws DataError "<path>: <what>: <Arrow's message>" when the status is an error.
void ThrowIfFailed(const arrow::Status& status, const std::string& path, const std::string& what);

// `text`, the start of a file, without the mark that some editors put before UTF-8.
std::string_view WithoutByteOrderMark(std::string_view text);

// The start of `path` up to a line end, without a byte order mark; cut at 64 KiB. Errors as OpenInput.
std::string FirstLine(const std::string& path);

// `path` without a trailing .gz or .zst: the rest of the name tells the format.
std::string WithoutCompression(const std::string& path);

}  // namespace ppr::data
