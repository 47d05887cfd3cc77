// The encoder's settings are refused for what they are.
#include "model/encoder_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace ppr::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(EncoderConfig, NamesEveryProblem) {
  EXPECT_THAT(EncoderConfig().Problems(), IsEmpty());
  EncoderConfig config;
  config.heads = 3;
  config.dropout = std::numeric_limits<double>::quiet_NaN();
  config.blocks = 0;
  config.init_std = -1;
  EXPECT_THAT(config.Problems(), ElementsAre(HasSubstr("blocks: found 0, expected at least 1"),
                                             HasSubstr("heads: found 3, expected a divisor of width 64"),
                                             HasSubstr("dropout: found nan, expected a rate in [0, 1)"),
                                             HasSubstr("init_std: found -1")));
  config = EncoderConfig();
  config.dropout = 1;
  EXPECT_THAT(config.Problems(), ElementsAre(HasSubstr("dropout: found 1")));
  config = EncoderConfig();
  config.norm = Norm::kPost;
  config.residual_from_norm = true;
  EXPECT_THAT(config.Problems(), ElementsAre(HasSubstr("residual_from_norm")));
  config = EncoderConfig();
  config.heads = config.width = config.ffn_width = config.max_history = -1;
  EXPECT_EQ(config.Problems().size(), 4);
  config = EncoderConfig();
  config.backbone = Backbone::kGru;
  EXPECT_THAT(config.Problems(), IsEmpty());
  config.attention = AttentionSpan::kBidirectional;
  EXPECT_THAT(config.Problems(), ElementsAre(HasSubstr("attention: found bidirectional with backbone gru")));
}

}  // namespace
}  // namespace ppr::model
