#include "dist/mpi/mpi_transfer.h"

#include <utility>

#include "base/checked_cast.h"
#include "base/errors.h"
#include "base/text_format.h"
#include "dist/mpi/mpi_check.h"

namespace ppr::dist {

void MpiDatatypeTraits::Close(Type datatype) noexcept { PPR_MPI_CHECK_NOTHROW(MPI_Type_free(&datatype)); }

MpiDatatype MakeContiguousDatatype(int64_t size_bytes) {
  MPI_Datatype datatype = MPI_DATATYPE_NULL;
  PPR_MPI_CHECK(MPI_Type_contiguous(CheckedCast<int>(size_bytes, "bytes of one row"), MPI_BYTE, &datatype),
                "a row of bytes");
  MpiDatatype owned(datatype);
  PPR_MPI_CHECK(MPI_Type_commit(&datatype), "a row of bytes");
  return owned;
}

MPI_Request* MpiTransfer::AddRequest() {
  expectations_.emplace_back();
  return &requests_.emplace_back(MPI_REQUEST_NULL);
}

MPI_Request* MpiTransfer::AddReceive(int peer, int rows) {
  expectations_.push_back({peer, rows});
  return &requests_.emplace_back(MPI_REQUEST_NULL);
}

bool MpiTransfer::Test(const Communicator& caller) {
  if (done_) return true;
  statuses_.resize(requests_.size());
  int complete = 0;
  const int code =
      MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &complete, statuses_.data());
  if (code != MPI_SUCCESS || complete != 0) CheckStatuses(code, caller);
  done_ = complete != 0;
  return done_;
}

void MpiTransfer::CheckStatuses(int code, const Communicator& caller) {
  const std::string place = PlaceOf(caller, call_.Text());
  for (size_t i = 0; i < statuses_.size(); ++i) {
    const Expectation& expected = expectations_[i];
    // Only MPI_ERR_IN_STATUS makes the error fields valid.
    const int error = code == MPI_ERR_IN_STATUS ? statuses_[i].MPI_ERROR : MPI_SUCCESS;
    if (error != MPI_SUCCESS && error != MPI_ERR_PENDING) {
      const std::string from = expected.peer < 0 ? "" : Format(" from rank %d", expected.peer);
      throw CommunicationError(place + from + ": " + MpiErrorText(error));
    }
    if (expected.peer < 0 || error == MPI_ERR_PENDING) continue;
    int rows = 0;
    PPR_MPI_CHECK(MPI_Get_count(&statuses_[i], row_type_.get(), &rows), place);
    if (rows == MPI_UNDEFINED) {
      throw CommunicationError(place + Format(": rank %d sent rows of another size", expected.peer));
    }
    if (rows != expected.rows) {
      throw CommunicationError(place + Format(": rank %d sent %d rows where %d were expected", expected.peer,
                                              rows, expected.rows));
    }
  }
  PPR_MPI_CHECK(code, place);
}

std::string MpiTransfer::MissingPeers() const {
  std::string peers;
  for (size_t i = 0; i < requests_.size(); ++i) {
    int complete = 0;
    if (expectations_[i].peer < 0 ||
        MPI_Request_get_status(requests_[i], &complete, MPI_STATUS_IGNORE) != MPI_SUCCESS || complete != 0) {
      continue;
    }
    const std::string peer = std::to_string(expectations_[i].peer);
    peers += peers.empty() ? "rank " + peer : ", " + peer;
  }
  return peers.empty() ? "its peers" : peers;
}

}  // namespace ppr::dist
