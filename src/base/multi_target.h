// One binary for any x86-64 that uses the widest vectors it finds: a macro that compiles a function once per
// level of the architecture and lets the loader pick the best (docs/decisions/vector_dispatch.md).
//
// A PPR_MULTI_TARGET function is a plain function (no template); what it calls must be inlined always, so
// that it is compiled for the same level. Where the bits of a result are promised, compile its file with
// -ffp-contract=off: levels differ in whether they could fuse a product into a sum.
#pragma once

// Sanitizers start too late for the choice at load time, and only x86 has these levels.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define PPR_MULTI_TARGET __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define PPR_MULTI_TARGET
#endif
