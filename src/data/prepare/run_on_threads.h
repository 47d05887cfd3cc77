// Runs one function on several threads and hands the first failure to the caller.
#pragma once

#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace ppr::data {

// Calls work(0) .. work(num_threads - 1), each on its own thread; returns when all are done. Rethrows the
// first exception.
inline void RunOnThreads(int num_threads, const std::function<void(int thread)>& work) {
  std::mutex mutex;
  std::exception_ptr failure;
  const auto guarded = [&](int thread) {
    try {
      work(thread);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (failure == nullptr) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int thread = 1; thread < num_threads; ++thread) threads.emplace_back(guarded, thread);
    guarded(0);
  }
  if (failure != nullptr) std::rethrow_exception(failure);
}

}  // namespace ppr::data
