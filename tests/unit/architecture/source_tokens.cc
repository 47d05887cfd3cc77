#include "source_tokens.h"

#include <cctype>

namespace ppr::architecture {
namespace {

bool StartsName(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool ContinuesName(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Walks the text once. A line that begins with '#' is told apart from the program.
class Tokenizer {
 public:
  explicit Tokenizer(const std::string& text) : text_(text) {}

  Tokens Run() {
    while (at_ < text_.size()) Step();
    return std::move(tokens_);
  }

 private:
  void Step() {
    const char c = text_[at_];
    if (c == '\n') {
      NextLine();
    } else if (std::isspace(static_cast<unsigned char>(c))) {
      ++at_;
    } else if (text_.compare(at_, 2, "//") == 0) {
      SkipTo(text_.find('\n', at_));
    } else if (text_.compare(at_, 2, "/*") == 0) {
      SkipTo(EndOf("*/", at_ + 2));
    } else if (c == '\\') {
      ContinueLine();
    } else if (c == '#' && begins_line_) {
      directive_ = " ";
      ++at_;
    } else if (text_.compare(at_, 2, "R\"") == 0) {
      const size_t open = text_.find('(', at_);
      Add(TokenKind::kLiteral, EndOf(")" + text_.substr(at_ + 2, open - at_ - 2) + "\"", open));
    } else if (c == '"' || c == '\'') {
      Add(TokenKind::kLiteral, EndOfQuoted(c));
    } else if (StartsName(c)) {
      Add(TokenKind::kName, EndOfName(at_));
    } else if (std::isdigit(static_cast<unsigned char>(c))) {
      Add(TokenKind::kNumber, EndOfNumber());
    } else {
      const bool is_double = text_.compare(at_, 2, "::") == 0 || text_.compare(at_, 2, "->") == 0;
      Add(TokenKind::kSign, at_ + (is_double ? 2 : 1));
    }
  }

  void NextLine() {
    directive_.clear();
    begins_line_ = true;
    ++line_;
    ++at_;
  }
  // A backslash before the end of a line makes the next one part of it.
  void ContinueLine() {
    ++at_;
    if (at_ < text_.size() && text_[at_] == '\n') {
      ++line_;
      ++at_;
    }
  }
  // The place behind `ending`, searched from `from`.
  size_t EndOf(const std::string& ending, size_t from) const {
    const size_t found = text_.find(ending, from);
    return found == std::string::npos ? text_.size() : found + ending.size();
  }
  size_t EndOfName(size_t from) const {
    while (from < text_.size() && ContinuesName(text_[from])) ++from;
    return from;
  }
  // Digits of numbers may be parted: 1'000.
  size_t EndOfNumber() const {
    size_t end = at_;
    while (end < text_.size() && (ContinuesName(text_[end]) || text_[end] == '.' || text_[end] == '\''))
      ++end;
    return end;
  }
  size_t EndOfQuoted(char quote) const {
    size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote && text_[end] != '\n') end += text_[end] == '\\' ? 2 : 1;
    return end + 1;
  }
  void SkipTo(size_t end) {
    for (end = std::min(end, text_.size()); at_ < end; ++at_) line_ += text_[at_] == '\n' ? 1 : 0;
  }

  void Add(TokenKind kind, size_t end) {
    const Token token{kind, kind == TokenKind::kLiteral ? "" : text_.substr(at_, end - at_), line_};
    if (!directive_.empty()) {
      AddToDirective(token);
    } else {
      begins_line_ = false;
      if (kind == TokenKind::kName) tokens_.names.insert(token.text);
      tokens_.program.push_back(token);
    }
    SkipTo(end);
  }
  void AddToDirective(const Token& token) {
    if (token.kind != TokenKind::kName) return;
    if (directive_ == " ") {
      directive_ = token.text;
    } else if (directive_ == "define") {
      tokens_.macros.push_back(token);
      directive_ = "body of a macro";
    } else if (directive_ != "include" && directive_ != "pragma") {
      tokens_.names.insert(token.text);
    }
  }

  const std::string& text_;
  size_t at_ = 0;
  int line_ = 1;
  bool begins_line_ = true;
  std::string directive_;  // its name while in one, " " until that is known, else ""
  Tokens tokens_;
};

}  // namespace

Tokens TokensOf(const std::string& text) { return Tokenizer(text).Run(); }

}  // namespace ppr::architecture
