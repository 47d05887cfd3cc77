#include "declarations.h"

#include <algorithm>

namespace ppr::architecture {
namespace {

bool IsOneOf(const std::string& text, std::initializer_list<const char*> texts) {
  return std::find(texts.begin(), texts.end(), text) != texts.end();
}

bool IsTypeKeyword(const std::string& text) { return IsOneOf(text, {"class", "struct", "union", "enum"}); }

// One declaration at the level of a namespace or a class: its tokens up to the ';' or the body, with what
// stands in parentheses, angle brackets of templates and braces of initialisers left out.
class Declaration {
 public:
  explicit Declaration(std::vector<Token> outer) : outer_(std::move(outer)) {}

  bool empty() const { return outer_.empty(); }
  size_t size() const { return outer_.size(); }
  int first_line() const { return outer_.front().line; }
  bool Has(const std::string& text) const { return Find(text) < outer_.size(); }
  bool IsNamespace() const { return Has("namespace") || (Begins("extern") && outer_.size() == 2); }
  bool IsType() const {
    return !IsFunction() && std::any_of(outer_.begin(), outer_.end(),
                                        [](const Token& token) { return IsTypeKeyword(token.text); });
  }
  // The parentheses of a function come before any "=".
  bool IsFunction() const {
    if (Has("operator")) return true;
    const size_t open = Find("(");
    return open > 0 && open < outer_.size() && open < Find("=") && !Begins("static_assert") &&
           !Begins("using") && !Begins("friend");
  }
  // Whether a '{' behind it starts the value of a member in the list of a constructor.
  bool IsInInitialiserList() const {
    return IsFunction() && Has(":") && !outer_.empty() && outer_.back().kind == TokenKind::kName;
  }

  bool IsPlainEnum() const { return Has("enum") && !Has("class") && !Has("struct"); }

  // What it declares; a type only where it has a body.
  std::vector<std::string> Names(bool has_body) const {
    if (empty() || Begins("static_assert") || Begins("friend")) return {};
    if (Begins("using")) return {Has("=") ? outer_[Find("=") - 1].text : outer_.back().text};
    if (IsFunction()) return {NameOfFunction()};
    if (IsType()) return has_body ? std::vector<std::string>{NameOfType()} : std::vector<std::string>{};
    std::vector<std::string> names;  // "a = 1, b = 2"
    for (size_t i = 1; i <= outer_.size(); ++i) {
      const bool ends = i == outer_.size() || IsOneOf(outer_[i].text, {"=", "[", ",", "{}"});
      if (ends && outer_[i - 1].kind == TokenKind::kName) names.push_back(outer_[i - 1].text);
    }
    return names;
  }
  std::string NameOfFunction() const { return Has("operator") ? "operator" : outer_[Find("(") - 1].text; }

 private:
  bool Begins(const char* text) const { return !outer_.empty() && outer_.front().text == text; }
  size_t Find(const std::string& text) const {
    return static_cast<size_t>(
        std::find_if(outer_.begin(), outer_.end(), [&](const Token& token) { return token.text == text; }) -
        outer_.begin());
  }
  // "X" of "enum class X : int", "struct alignas(64) X final : Y".
  std::string NameOfType() const {
    for (size_t i = 0; i < outer_.size(); ++i) {
      const Token& token = outer_[i];
      const bool is_word = token.kind != TokenKind::kName || IsTypeKeyword(token.text) ||
                           IsOneOf(token.text, {"alignas", "inline", "static", "constexpr", "const"});
      if (!is_word && i > 0) return token.text;
    }
    return "";
  }

  std::vector<Token> outer_;
};

class Walker {
 public:
  explicit Walker(const std::vector<Token>& program) : tokens_(program) {}

  Declarations Run() {
    Scope(/*is_public=*/true);
    return std::move(found_);
  }

 private:
  bool AtEnd() const { return at_ >= tokens_.size(); }
  const std::string& Text() const { return tokens_[at_].text; }

  // Past the bracket that closes the one at at_.
  void SkipBrackets(const char* open, const char* close) {
    int depth = 0;
    do {
      depth += Text() == open ? 1 : Text() == close ? -1 : 0;
      ++at_;
    } while (!AtEnd() && depth > 0);
  }
  // "template <typename T, int n = (1 > 0)>": brackets of templates nest, parentheses hide.
  void SkipTemplateBrackets() {
    int depth = 0;
    do {
      if (Text() == "(") {
        SkipBrackets("(", ")");
        continue;
      }
      depth += Text() == "<" ? 1 : Text() == ">" ? -1 : 0;
      ++at_;
    } while (!AtEnd() && depth > 0);
  }

  // The declarations up to the '}' that closes the scope, which is left behind.
  void Scope(bool is_public) {
    while (!AtEnd()) {
      if (Text() == "}") {
        ++at_;
        return;
      }
      One(is_public);
    }
  }

  void One(bool is_public) {
    std::vector<Token> outer;
    while (!AtEnd()) {
      const Declaration declaration(outer);
      if (Text() == "}") return;
      if (Text() == ";") {
        ++at_;
        if (is_public) AddNames(declaration, /*has_body=*/false);
        return;
      }
      if (Text() == "template" && outer.empty()) {
        ++at_;
        SkipTemplateBrackets();
      } else if (IsOneOf(Text(), {"alignas", "decltype", "noexcept", "__attribute__"})) {
        ++at_;
        if (!AtEnd() && Text() == "(") SkipBrackets("(", ")");
      } else if (Text() == "(") {
        outer.push_back(tokens_[at_]);
        SkipBrackets("(", ")");
      } else if (Text() == "[") {
        if (!outer.empty()) outer.push_back(tokens_[at_]);
        SkipBrackets("[", "]");
      } else if (Text() == "<" && !declaration.Has("=") && !declaration.Has("operator")) {
        SkipTemplateBrackets();
      } else if (Text() == "{") {
        if (Body(declaration, is_public)) return;
        outer.push_back({TokenKind::kSign, "{}", 0});
      } else if (IsOneOf(Text(), {"public", "private", "protected"}) && outer.empty()) {
        at_ += 2;
      } else {
        outer.push_back(tokens_[at_++]);
      }
    }
  }

  // A '{' behind the declaration so far. True when the declaration ends with it.
  bool Body(const Declaration& declaration, bool is_public) {
    if (declaration.IsNamespace()) {
      ++at_;
      // What stands in a namespace without a name is not for others.
      Scope(is_public && declaration.size() > 1);
      return true;
    }
    if (declaration.IsType() && !declaration.Has("=")) {
      if (is_public) AddNames(declaration, /*has_body=*/true);
      if (declaration.Has("enum")) {
        Enumerators(is_public && declaration.IsPlainEnum());
      } else {
        ++at_;
        Scope(/*is_public=*/false);
      }
      return false;
    }
    if (!declaration.IsFunction() || declaration.IsInInitialiserList()) {
      SkipBrackets("{", "}");
      return false;
    }
    if (is_public) AddNames(declaration, /*has_body=*/true);
    SkipBrackets("{", "}");
    found_.functions.push_back(
        {declaration.NameOfFunction(), declaration.first_line(), tokens_[at_ - 1].line});
    return true;
  }

  void Enumerators(bool is_public) {
    const size_t begin = at_ + 1;
    SkipBrackets("{", "}");
    if (!is_public) return;
    for (size_t i = begin; i + 1 < at_; ++i) {
      if (tokens_[i].kind == TokenKind::kName && IsOneOf(tokens_[i - 1].text, {"{", ","}))
        found_.names.insert(tokens_[i].text);
    }
  }

  void AddNames(const Declaration& declaration, bool has_body) {
    for (const std::string& name : declaration.Names(has_body)) found_.names.insert(name);
  }

  const std::vector<Token>& tokens_;
  size_t at_ = 0;
  Declarations found_;
};

}  // namespace

Declarations DeclarationsOf(const Tokens& tokens) {
  Declarations declarations = Walker(tokens.program).Run();
  for (const Token& macro : tokens.macros) declarations.names.insert(macro.text);
  return declarations;
}

}  // namespace ppr::architecture
