#include "dist/agreement.h"

#include <string>
#include <vector>

#include "base/errors.h"

namespace ppr::dist {

namespace {

// What a rank tells its peers: "" for success, else one character for the type of error and then its message.
constexpr char kDataVerdict = 'D';
constexpr char kStorageVerdict = 'S';
constexpr char kOtherVerdict = 'O';

std::string VerdictOf(const std::function<void()>& work) {
  try {
    work();
    return "";
  } catch (const DataError& error) {
    return kDataVerdict + std::string(error.what());
  } catch (const StorageError& error) {
    return kStorageVerdict + std::string(error.what());
  } catch (const std::exception& error) {
    return kOtherVerdict + std::string(error.what());
  }
}

}  // namespace

void AgreeOn(dist::Communicator& communicator, const std::function<void()>& work) {
  const std::vector<std::string> verdicts = dist::AllGatherText(communicator, VerdictOf(work));
  for (size_t rank = 0; rank < verdicts.size(); ++rank) {
    const std::string& verdict = verdicts[rank];
    if (verdict.empty()) continue;
    const std::string message = "rank " + std::to_string(rank) + ": " + verdict.substr(1);
    if (verdict[0] == kDataVerdict) throw DataError(message);
    if (verdict[0] == kStorageVerdict) throw StorageError(message);
    throw BugError(message);
  }
}

}  // namespace ppr::dist
