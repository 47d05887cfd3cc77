#include "dist/local/local_group.h"

#include <utility>

#include "base/deadline.h"
#include "base/errors.h"
#include "base/text_format.h"

namespace ppr::dist {

LocalGroup::LocalGroup(int size) : size_(size), ended_(static_cast<size_t>(size), false) {}

std::shared_ptr<LocalGroup::Meeting> LocalGroup::Post(const Communicator& caller, int64_t number,
                                                      const CollectiveCall& call, Contribution part) {
  const auto rank = static_cast<size_t>(caller.rank());
  std::shared_ptr<Meeting> meeting;
  {
    const std::lock_guard lock(mutex_);
    ThrowIfFailedLocked(caller, call);
    meeting = MeetingLocked(caller.rank(), number, call);
    if (meeting->call != call) {
      FailLocked(caller.rank(), Format("collective %lld does not match: rank %d called %s, rank %d called %s",
                                       static_cast<long long>(number), caller.rank(), call.Text().c_str(),
                                       meeting->first_rank, meeting->call.Text().c_str()));
      ThrowIfFailedLocked(caller, call);
    }
    meeting->parts[rank] = std::move(part);
    meeting->arrived[rank] = true;
    if (++meeting->num_arrived < size_) return meeting;
    open_.erase(number);
  }
  // All are here and none may touch its buffers, so no lock is needed to work on them.
  try {
    CarryOut(call, meeting->parts);
  } catch (const std::exception& error) {
    Fail(caller.rank(), error.what(), ExitCode::kInternal);
  }
  const std::lock_guard lock(mutex_);
  ThrowIfFailedLocked(caller, call);
  meeting->done = true;
  changed_.notify_all();
  return meeting;
}

void LocalGroup::Wait(const Communicator& caller, const Meeting& meeting,
                      std::chrono::milliseconds deadline) {
  const Deadline end = Deadline::After(deadline);
  std::unique_lock lock(mutex_);
  while (!meeting.done) {
    ThrowIfFailedLocked(caller, meeting.call);
    const std::string ended = MissingLocked(meeting, /*only_ended=*/true);
    if (!ended.empty()) {
      FailLocked(caller.rank(),
                 Format("rank %d waits for rank %s, which has ended", caller.rank(), ended.c_str()));
    } else if (changed_.wait_until(lock, end.when()) == std::cv_status::timeout && !meeting.done) {
      FailLocked(caller.rank(), Format("rank %d waited %.1f s for rank %s", caller.rank(),
                                       std::chrono::duration<double>(deadline).count(),
                                       MissingLocked(meeting, /*only_ended=*/false).c_str()));
    }
  }
}

void LocalGroup::Fail(int rank, const std::string& reason, ExitCode code) noexcept {
  const std::lock_guard lock(mutex_);
  FailLocked(rank, reason, code);
}

void LocalGroup::Leave(int rank) noexcept {
  const std::lock_guard lock(mutex_);
  ended_[static_cast<size_t>(rank)] = true;
  changed_.notify_all();
}

int LocalGroup::first_failed_rank() const {
  const std::lock_guard lock(mutex_);
  return first_failed_rank_;
}

void LocalGroup::FailLocked(int rank, const std::string& reason, ExitCode code) {
  if (first_failed_rank_ >= 0) return;
  first_failed_rank_ = rank;
  failure_ = reason;
  failure_code_ = code;
  changed_.notify_all();
}

void LocalGroup::ThrowIfFailedLocked(const Communicator& caller, const CollectiveCall& call) const {
  if (first_failed_rank_ < 0) return;
  throw CommunicationError(PlaceOf(caller, call.Text()) + ": " + failure_, failure_code_);
}

std::shared_ptr<LocalGroup::Meeting> LocalGroup::MeetingLocked(int rank, int64_t number,
                                                               const CollectiveCall& call) {
  std::shared_ptr<Meeting>& meeting = open_[number];
  if (meeting == nullptr) {
    meeting = std::make_shared<Meeting>();
    meeting->number = number;
    meeting->call = call;
    meeting->first_rank = rank;
    meeting->parts.resize(static_cast<size_t>(size_));
    meeting->arrived.resize(static_cast<size_t>(size_), false);
  }
  return meeting;
}

std::string LocalGroup::MissingLocked(const Meeting& meeting, bool only_ended) const {
  std::string ranks;
  for (size_t rank = 0; rank < meeting.arrived.size(); ++rank) {
    if (meeting.arrived[rank] || (only_ended && !ended_[rank])) continue;
    if (!ranks.empty()) ranks += ", ";
    ranks += std::to_string(rank);
  }
  return ranks;
}

}  // namespace ppr::dist
