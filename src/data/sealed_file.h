// A file whose first 512 bytes vouch for the rest: a text that names the format, the size and the digest of
// what follows.
//
// HDF5 parses what it is given: a flipped bit in an array reads back as data, one in a heap can crash the
// library. So the bytes are checked before the library sees them. HDF5 calls such a head a user block and
// skips it, in every language.
#pragma once

#include <cstdint>
#include <string>

namespace ppr::data {

inline constexpr int64_t kSealBytes = 512;

// Fills in the head of a complete file whose first kSealBytes are free. `format`: a name without blanks. The
// file is synced.
void SealFile(const std::string& path, const std::string& format);

// Checks the head against the rest and returns the digest of the whole file. DataError when the head is
// absent, of another format, or does not match; StorageError when the file cannot be read.
std::string CheckSeal(const std::string& path, const std::string& format);

}  // namespace ppr::data
