// A run that is refused leaves nothing behind: not even the folder that was made for its logs.
#pragma once

#include <string>

namespace ppr::cli {

class RunFolderGuard {
 public:
  // Notes whether `folder` is there already; "" guards nothing.
  explicit RunFolderGuard(std::string folder);
  // Removes the folder if it was not there before and holds nothing but logs.
  void Withdraw() const;

 private:
  std::string folder_;
  bool existed_ = false;
};

}  // namespace ppr::cli
