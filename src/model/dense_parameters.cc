#include "model/dense_parameters.h"
