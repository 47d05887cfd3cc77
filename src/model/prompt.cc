#include "model/prompt.h"
