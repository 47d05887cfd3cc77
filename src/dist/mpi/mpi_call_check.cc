#include "dist/mpi/mpi_call_check.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

#include "base/digest.h"
#include "base/errors.h"
#include "base/text_format.h"

namespace ppr::dist {
namespace {

// What a rank tells one peer about the call that it is about to make.
struct CallTag {
  char digest[32];           // of the whole text
  char text[208];            // its beginning, for the message
  int64_t rows_to_receiver;  // all-to-all: rows that will come; else 0
};

CallTag MakeTag(const std::string& text, int64_t rows) {
  CallTag tag = {};
  const std::string digest = DigestOfBytes(text.data(), text.size());
  std::copy_n(digest.begin(), std::min(digest.size(), sizeof(tag.digest)), tag.digest);
  std::copy_n(text.begin(), std::min(text.size(), sizeof(tag.text) - 1), tag.text);
  tag.rows_to_receiver = rows;
  return tag;
}

}  // namespace

void CheckCallAgainstPeers(const MpiChannel& channel, const CollectiveCall& call, int64_t number,
                           const PairwiseRows& rows, int tag,
                           const std::function<void(std::shared_ptr<MpiTransfer>)>& finish) {
  const auto size = static_cast<size_t>(channel.caller.size());
  const std::string text = Format("%s (call %lld)", call.Text().c_str(), static_cast<long long>(number));
  constexpr auto kTagBytes = static_cast<int64_t>(sizeof(CallTag));
  const at::Tensor sent = at::empty({static_cast<int64_t>(size), kTagBytes}, at::kByte);
  const at::Tensor received = at::empty_like(sent);
  auto* sent_tags = static_cast<CallTag*>(sent.mutable_data_ptr());
  for (size_t peer = 0; peer < size; ++peer) {
    sent_tags[peer] = MakeTag(text, rows.sent.empty() ? 0 : rows.sent[peer]);
  }

  const auto transfer = std::make_shared<MpiTransfer>(call, std::vector<at::Tensor>{sent, received});
  const std::vector<int64_t> one_each(size, 1);
  PostAllToAllV(channel, *transfer, sent, one_each, received, one_each, tag);
  finish(transfer);

  const auto fail = [&](const std::string& what) {
    throw CommunicationError(PlaceOf(channel.caller, call.Text()) + ": " + what);
  };
  const auto* received_tags = static_cast<const CallTag*>(received.const_data_ptr());
  for (size_t peer = 0; peer < size; ++peer) {
    const CallTag& theirs = received_tags[peer];
    if (std::memcmp(theirs.digest, sent_tags[peer].digest, sizeof(theirs.digest)) != 0) {
      fail(Format("collectives do not match: rank %zu called %s, rank %d called %s", peer, theirs.text,
                  channel.caller.rank(), text.c_str()));
    }
    if (!rows.expected.empty() && theirs.rows_to_receiver != rows.expected[peer]) {
      fail(Format("AllToAllV counts do not agree: rank %zu sends %lld rows to rank %d, which expects %lld",
                  peer, static_cast<long long>(theirs.rows_to_receiver), channel.caller.rank(),
                  static_cast<long long>(rows.expected[peer])));
    }
  }
}

}  // namespace ppr::dist
