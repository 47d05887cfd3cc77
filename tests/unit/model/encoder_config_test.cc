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
  EXPECT_THAT(config.Problems(),
              ElementsAre(HasSubstr("blocks: expected at least 1, found 0"),
                          HasSubstr("dropout: expected a share in [0, 1), found nan"),
                          HasSubstr("init_std: expected a number >= 0, at most 10, found -1"),
                          HasSubstr("heads: expected a divisor of width 64, found 3")));
  config = EncoderConfig();
  config.dropout = 1;
  EXPECT_THAT(config.Problems(), ElementsAre(HasSubstr("dropout: expected a share in [0, 1), found 1")));
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
  EXPECT_THAT(
      config.Problems(),
      ElementsAre(HasSubstr("attention: expected causal: a GRU reads forward only, found bidirectional")));
}

}  // namespace
}  // namespace ppr::model
