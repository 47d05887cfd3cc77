// Lays an HDF5 file out in memory: where its structure and where each tensor goes.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/file_bytes.h"
#include "checkpoint/state.h"

namespace ppr::checkpoint {

// Every byte of an HDF5 file with these tensors (shard.h says in which form); the tensors stay
// where they are and must outlive the image. `path` is for messages: the disk is not touched. StorageError
// when the library fails.
FileImage LayOutTensorFile(const std::string& path, const std::vector<StateTensor>& tensors);

}  // namespace ppr::checkpoint
