// Checks on MPI's return codes, with MPI's own words in the error. They are only reached because the session
// sets the errors-return handler: MPI's default is to abort inside the failing call. Included by the .cc
// files of this folder only.
#pragma once

#include <mpi.h>

#include <string>
#include <type_traits>

namespace ppr::dist {

// MPI_Error_string of `code`.
std::string MpiErrorText(int code);
// "MPI_Bcast(...) failed (file:line): <MPI's words>".
std::string MpiFailureText(const char* call, const char* file, int line, int code);
[[noreturn]] void ThrowMpiError(const char* call, const char* file, int line, int code,
                                const std::string& place);
void LogMpiError(const char* call, const char* file, int line, int code) noexcept;

}  // namespace ppr::dist

// Runs an MPI call once; throws CommunicationError when it fails. `place` (a string, evaluated only then)
// says which rank and what it was doing.
#define PPR_MPI_CHECK(call, place)                                                       \
  do {                                                                                   \
    const auto ppr_mpi_code = (call);                                                    \
    static_assert(std::is_same_v<decltype(ppr_mpi_code), const int>, "not an MPI call"); \
    if (ppr_mpi_code != MPI_SUCCESS) [[unlikely]] {                                      \
      ::ppr::dist::ThrowMpiError(#call, __FILE__, __LINE__, ppr_mpi_code, (place));      \
    }                                                                                    \
  } while (false)

// The same for destructors and other places that must not throw: logs the failure.
#define PPR_MPI_CHECK_NOTHROW(call)                                                      \
  do {                                                                                   \
    const auto ppr_mpi_code = (call);                                                    \
    static_assert(std::is_same_v<decltype(ppr_mpi_code), const int>, "not an MPI call"); \
    if (ppr_mpi_code != MPI_SUCCESS) [[unlikely]] {                                      \
      ::ppr::dist::LogMpiError(#call, __FILE__, __LINE__, ppr_mpi_code);                 \
    }                                                                                    \
  } while (false)
