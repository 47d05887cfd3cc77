#include "model/hash_dropout.h"
