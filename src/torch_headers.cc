// Owns the precompiled libtorch header that the rooms reuse; holds no code.
